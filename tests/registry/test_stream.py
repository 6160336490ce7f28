import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from gradio.utils import diff  # the server's own is the measure
from gradio_client.utils import apply_diff
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spaces_registry.apps.stream import Outputs, event_of, messages, patch
from spaces_registry.progress import Progress, Queued

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.lists(JSON, min_size=1, max_size=5))
def test_gradios_own_differences_lead_to_its_values(yields: list[Any]) -> None:
    """Every later yield of a generator arrives as a difference made by this very function.

    It is wrong itself where nested lists shrink at once (its corrections of indexes add up over levels). Such
    yields are left out by asking Gradio's own client, which cannot follow them either.
    """
    outputs, before = Outputs(is_diffed=True), None
    for one in yields:
        data = one if outputs.count == 0 else json.loads(json.dumps(diff(before, one)))
        assume(outputs.count == 0 or followed(before, data) == one)
        outputs.take(json.loads(json.dumps([data])))
        before = one

        assert outputs.known == [one]


UPDATE = {"__type__": "update"}


@pytest.mark.parametrize("later", [UPDATE, {**UPDATE, "visible": True}])
@pytest.mark.parametrize("earlier", [{"label": "cat", "confidences": [1]}, ["a", "b"], "text", 3, None])
def test_a_later_update_without_a_value_leaves_the_earlier_value(earlier: Any, later: Any) -> None:
    """`gr.skip()` in the last yield comes as a difference that turns an object into the update."""
    outputs = Outputs(is_diffed=True)
    before: Any = None

    for one in (earlier, later, later, {**UPDATE, "visible": False}):
        data = one if outputs.count == 0 else diff(before, one)
        outputs.take(json.loads(json.dumps([data])))
        before = one

    assert outputs.settle([later]) == [earlier]


def test_an_update_that_carries_a_value_is_that_value() -> None:
    """An app that fills a field and shows it says so in one object; a later one of its kind replaces it."""
    outputs = Outputs(is_diffed=True)
    before: Any = None
    known: list[Any] = []

    for one in ({**UPDATE, "value": {"a": 1}}, {**UPDATE, "visible": True}, {**UPDATE, "value": {"a": 2}}):
        data = one if outputs.count == 0 else diff(before, one)
        outputs.take(json.loads(json.dumps([data])))
        before, known = one, [*known, *json.loads(json.dumps(outputs.known))]

    assert known == [{"a": 1}, {"a": 1}, {"a": 2}]


def test_a_first_update_without_a_value_is_nothing() -> None:
    """An app that leaves a field alone gives no value for it; what it held is on its page only."""
    assert Outputs(is_diffed=True).settle([UPDATE]) == [None]


def followed(before: Any, edits: Any) -> Any:
    """What Gradio's own client makes of a difference; itself where it cannot follow."""
    try:
        return apply_diff(before, edits)
    except (IndexError, KeyError, TypeError):
        return apply_diff


@pytest.mark.parametrize(
    "edits",
    [
        [["append", ["missing"], 1]],
        [["leap", [], 1]],
        [["replace", ["a", "b"], 1]],
        [["delete", [7], None]],
        [1],
    ],
)
def test_a_difference_that_does_not_fit_is_an_error(edits: Any) -> None:
    """A guess at a broken difference would be a wrong result."""
    with pytest.raises(ValueError, match=r"difference|edit"):
        patch({"a": 1}, edits)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_messages_survive_any_cutting_of_the_stream(size: int) -> None:
    """Networks cut where they like, and a text may hold what other readers take for a line's end."""
    told = [{"msg": "log", "log": "one\u2028two\x85three \r\n"}, {"msg": "heartbeat"}, {"msg": "x" * 5000}]
    raw = "".join(f"data: {json.dumps(one, ensure_ascii=False)}\r\n\r\n" for one in told).encode()
    raw = b": a comment\n\n" + raw

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), size):
            yield raw[start : start + size]

    assert [one async for one in messages(chunks())] == told


def test_odd_messages_tell_nothing_or_little() -> None:
    """A listener must not fall over a progress report without numbers."""
    outputs = Outputs(is_diffed=True)

    assert event_of({"msg": "estimation", "rank": None}, outputs) == Queued(0, 0, None)
    assert event_of({"msg": "progress", "progress_data": []}, outputs) is None
    assert event_of({"msg": "progress", "progress_data": [{"index": 3, "length": 0}]}, outputs) == Progress(
        3, 0
    )
    assert event_of({"msg": "progress", "progress_data": [{"progress": 7}]}, outputs) == Progress(
        fraction=1.0
    )
    assert event_of({"msg": "invented"}, outputs) is None
