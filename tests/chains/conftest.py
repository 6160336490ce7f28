"""What the tests of the chain language share: signatures from JSON, what is wrong with a file."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from chains import Chain, InvalidChain, Problem, check, load, loads, show
from spaces_registry.signature import Endpoint, Kind, Parameter, Return


def _endpoint_of(described: Mapping[str, Any]) -> Endpoint:
    """An endpoint out of JSON: `{"name", "parameters": [{"name", "kind", …}], "returns": […], "open"}`."""
    return Endpoint(
        described["name"],
        tuple(Parameter(**_with_kind(one)) for one in described.get("parameters", [])),
        tuple(Return(**_with_kind(one)) for one in described.get("returns", [])),
        open=described.get("open", False),
    )


def _with_kind(described: Mapping[str, Any]) -> dict[str, Any]:
    choices = {"choices": tuple(described["choices"])} if "choices" in described else {}
    parts = {"parts": tuple(Parameter(**_with_kind(one)) for one in described.get("parts", []))}
    return {**described, "kind": Kind(described["kind"]), **choices, **(parts if parts["parts"] else {})}


def _problems_of(file: Path) -> tuple[tuple[Problem, ...], str]:
    """Everything wrong with a chain file, checked against the signatures beside it, and its text."""
    beside = file.with_suffix(".endpoints.json")
    described = json.loads(beside.read_text()) if beside.exists() else {}
    try:
        chain = load(file)
    except InvalidChain as invalid:
        return invalid.problems, invalid.source.text
    endpoints = {step: _endpoint_of(one) for step, one in described.items()}
    return check(chain, endpoints), chain.source.text


def _rendered(file: Path) -> str:
    problems, text = _problems_of(file)
    return "".join(f"{show(one, text)}\n" for one in problems)


@pytest.fixture(scope="session")
def problems_of() -> Callable[[Path], tuple[tuple[Problem, ...], str]]:
    """Everything wrong with a chain file, checked against the signatures beside it, and its text."""
    return _problems_of


@pytest.fixture(scope="session")
def rendered() -> Callable[[Path], str]:
    """What a user reads about a chain file."""
    return _rendered


@pytest.fixture(scope="session")
def endpoint_of() -> Callable[[Mapping[str, Any]], Endpoint]:
    """An endpoint out of its JSON."""
    return _endpoint_of


@pytest.fixture
def chain_of(tmp_path: Path) -> Callable[[str], Chain]:
    """Load a chain from text; its folder is an empty one."""
    return lambda text: loads(text, file="chain.yaml", folder=tmp_path)
