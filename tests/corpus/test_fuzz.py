import dataclasses
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spaces_registry import Space, read_space
from spaces_registry.apps.payload import arrange, body
from spaces_registry.cache import space_of
from spaces_registry.errors import RejectedInput
from spaces_registry.network.decoding import decoded

RECORDED = Path(__file__).parent / "recorded"
TEXTS = tuple(
    json.dumps(said)
    for one in sorted(RECORDED.glob("*.json"))
    for said in json.loads(one.read_text("utf-8")).values()
)
ODD = st.sampled_from(
    [
        *(
            None,
            True,
            0,
            -1,
            10**400,
            1.5,
            float("inf"),
            "",
            "\ud800",
            "go",
            "/",
            "__i18n__{",
            "a\nb",
            [],
            {},
        ),
        *(
            [None],
            [[]],
            [1, [2]],
            ["a", "a"],
            {"": None},
            {"type": []},
            {"$ref": "#/$defs/A"},
            {"enum": [None]},
        ),
        *({"anyOf": [{"anyOf": []}]}, {"key": 3, "_type": "translation_metadata"}, {"path": 1, "meta": None}),
        *("Gallery", "state", "Video", "array", "string", {"type": "array", "items": {"type": "filepath"}}),
    ]
)
PLACES = st.integers(0, 10**9)
DONE = st.sampled_from(["replace", "remove", "repeat", "wrap"])
CHANGES = st.lists(st.tuples(PLACES, DONE, ODD), min_size=1, max_size=8)
BOUNDED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)


def holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document: its list or object, and the index or key in it."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            yield here, key
            waiting.append(here[key])


def change(document: Any, changes: list[tuple[int, str, Any]]) -> Any:
    """The document with some of its places replaced, removed, repeated or wrapped."""
    places = list(holders(document))
    for number, done, odd in changes:
        holder, key = places[number % len(places)]
        if (isinstance(holder, dict) and key not in holder) or (
            isinstance(holder, list) and key >= len(holder)
        ):
            continue  # an earlier change took it away
        match done:
            case "remove":
                del holder[key]
            case "repeat" if isinstance(holder, list):
                holder.insert(key, holder[key])
            case "wrap":
                holder[key] = [holder[key]]
            case _:
                holder[key] = deepcopy(odd)
    return document


def hold(space: Space) -> None:
    """What holds of every reading, whatever was read."""
    names = [one.name for one in space.endpoints]
    assert len(set(names)) == len(names)
    json.dumps([names, [one.name for one in space.unusable]], ensure_ascii=False).encode()
    again = space_of(json.loads(json.dumps(dataclasses.asdict(space))))
    for endpoint, kept in zip(space.endpoints, again.endpoints, strict=True):
        assert endpoint.fingerprint == kept.fingerprint
        assert len({one.name for one in endpoint.parameters}) == len(endpoint.parameters)
        assert len({one.name for one in endpoint.returns}) == len(endpoint.returns)
        shown = [[one.name, one.label, one.component] for one in (*endpoint.parameters, *endpoint.returns)]
        json.dumps([endpoint.description, shown], ensure_ascii=False).encode()
        assert [one for one in endpoint.wire.inputs if one] == [one.name for one in endpoint.parameters]
        places = [one for one in endpoint.wire.outputs if one is not None]
        assert places == list(range(len(endpoint.returns)))
        try:
            values = arrange("app", endpoint, {one.name: None for one in endpoint.parameters if one.required})
            body("app", endpoint, values, {})
        except RejectedInput:  # a default that no JSON can hold; said in one class
            continue


@settings(BOUNDED, max_examples=1400)
@given(text=st.sampled_from(TEXTS), changes=CHANGES)
def test_a_real_description_with_mistakes_in_it_is_read(
    text: str, changes: list[tuple[int, str, Any]]
) -> None:
    """What a broken or hostile app says lies near what a good one says, so that is where to look."""
    said = change(json.loads(text), changes)

    hold(read_space("app", "http://app", said.get("config"), said.get("info"), said.get("openapi")))


@settings(BOUNDED, max_examples=300)
@given(text=st.sampled_from(TEXTS), changes=CHANGES)
def test_a_changed_openapi_document_alone_is_read(text: str, changes: list[tuple[int, str, Any]]) -> None:
    """Where `/info` fails, this stands in for it."""
    said = {"openapi": json.loads(text)["openapi"]}

    hold(read_space("app", "http://app", None, None, change(said, changes).get("openapi")))


@settings(BOUNDED, max_examples=300)
@given(
    text=st.sampled_from(TEXTS),
    wounds=st.lists(st.tuples(PLACES, st.binary(max_size=3)), max_size=5),
    end=PLACES,
    is_cut=st.booleans(),
)
def test_damaged_bytes_are_read_or_refused(
    text: str,
    wounds: list[tuple[int, bytes]],
    end: int,
    is_cut: bool,  # noqa: FBT001 - drawn
) -> None:
    """Proxies cut and mangle; the answer is a value or a ValueError, and nothing else."""
    content = bytearray(text.encode())
    for place, new in wounds:
        content[place % len(content)] = 32
        content[place % len(content) : place % len(content)] = new
    if is_cut:
        del content[end % len(content) :]
    try:
        said = decoded(bytes(content))
    except ValueError:
        return

    whole = said if isinstance(said, dict) else {}
    hold(read_space("app", "http://app", whole.get("config"), whole.get("info"), whole.get("openapi")))
