import dataclasses
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spaces_registry import read_space
from spaces_registry.cache import space_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        "Textbox",
        "Image",
        "Video",
        "Gallery",
        "File",
        "Dropdown",
        "state",
        "api_name",
        "array",
        "string",
        "/go",
        "go",
    ]
)
ODD = JSON | WORDS
PARAMETER = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "label",
            "parameter_name",
            "parameter_has_default",
            "parameter_default",
            "type",
            "component",
        ),
        ODD,
    ),
)
ENDPOINT = st.fixed_dictionaries(
    {}, optional={"parameters": st.lists(PARAMETER | ODD), "returns": st.lists(PARAMETER | ODD) | ODD}
)
COMPONENT = st.fixed_dictionaries(
    {"id": st.integers(0, 3) | ODD},
    optional={
        "type": ODD,
        "props": st.dictionaries(st.sampled_from(["choices", "minimum", "label", "value"]), ODD) | ODD,
    },
)
DEPENDENCY = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 3) | ODD,
        "api_name": st.just("go") | ODD,
        "inputs": st.lists(st.integers(0, 3) | ODD, max_size=3) | ODD,
        "outputs": st.lists(st.integers(0, 3) | ODD, max_size=3) | ODD,
        "types": ODD,
    },
)
CONFIG = st.fixed_dictionaries(
    {},
    optional={
        "components": st.lists(COMPONENT | ODD, max_size=4) | ODD,
        "dependencies": st.lists(DEPENDENCY | ODD, max_size=4) | ODD,
        "version": ODD,
        "api_prefix": ODD,
        "max_file_size": ODD,
        "i18n_translations": ODD,
    },
)
INFO = st.fixed_dictionaries(
    {},
    optional={
        "named_endpoints": st.dictionaries(st.just("/go") | st.text(max_size=5), ENDPOINT | ODD, max_size=3)
        | ODD,
        "unnamed_endpoints": ODD,
    },
)
OPENAPI = st.fixed_dictionaries(
    {}, optional={"paths": st.dictionaries(st.just("/run/go") | st.text(max_size=5), ODD, max_size=3) | ODD}
)


@settings(max_examples=300, deadline=None)
@given(config=CONFIG | ODD, info=INFO | ODD, openapi=OPENAPI | ODD)
def test_no_description_makes_the_reader_crash(config: Any, info: Any, openapi: Any) -> None:
    """An odd app among three hundred candidates must cost itself, not the search."""
    space = read_space("acme/app", "http://host", config, info, openapi)

    for one in space.endpoints:
        assert len(one.fingerprint) == 64
        assert len({p.name for p in one.parameters}) == len(one.parameters)
        assert len({r.name for r in one.returns}) == len(one.returns)
        assert all(r.name.isidentifier() for r in one.returns)
        assert {name for name in one.wire.inputs if name is not None} == {p.name for p in one.parameters}


@settings(max_examples=100, deadline=None)
@given(info=INFO)
def test_a_description_survives_the_cache(info: Any) -> None:
    """What is read back must be what was kept, to the fingerprint."""
    space = read_space("acme/app", "http://host", None, info)
    again = space_of(json.loads(json.dumps(dataclasses.asdict(space))))

    assert [one.fingerprint for one in again.endpoints] == [one.fingerprint for one in space.endpoints]
    assert [one.wire for one in again.endpoints] == [one.wire for one in space.endpoints]
