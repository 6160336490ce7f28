"""Everything that apps and vendors may answer: values, errors of ours, and never a traceback or a hang."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from faults.campaign import SCALARS, TREES, Campaign, tries
from faults.stand_in import KINDS, StandIn, stand_in
from hypothesis import given
from hypothesis import strategies as st
from web import Answer

from chains import Chain, loads
from pipelines import Run
from pipelines.engine.results import Failed
from pipelines.household.history import runs
from pipelines.household.home import find_home
from pipelines.running.run import Options, run_loaded
from pipelines.running.workshop import Settings
from spaces_registry.clocks import Clocks

pytestmark = pytest.mark.timeout(480)  # the machine may have other things to do

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003"
    "01010018dd8db00000000049454e44ae426082"
)
CHAIN = """
name: odd
steps:
  one: {space: "APP", endpoint: /go, cache: false, retry: {attempts: 1}, with: {words: a}}
  told:
    space: "APP"
    endpoint: /take
    retry: {attempts: 1}
    with: {words: $one.words, data: $one.data}
  formed:
    space: "APP"
    endpoint: /take
    cache: false
    retry: {attempts: 1}
    with: {words: "<${{ one.words }}>", amount: $one.amount, flag: $one.flag}
  each:
    space: "APP"
    each: ${{ one.data.items }}
    endpoint: /take
    retry: {attempts: 1}
    with: {data: $item, pick: $one.pick}
outputs:
  words: $one.words
  picture: $one.picture
  pictures: $one.pictures
  anything: $one.outputs
  data: $one.data.a.b
  told: $told.data
  sum: ${{ one.amount + 1 }}
  width: ${{ one.picture.width }}
"""
FILES = st.one_of(
    st.sampled_from([{"path": "/a.png"}, {"path": "/b"}, {"url": "/gradio_api/file=/x y.png", "path": None}]),
    st.fixed_dictionaries(
        {"path": SCALARS}, optional={"url": SCALARS, "orig_name": SCALARS, "mime_type": SCALARS}
    ),
)
ITEMS = st.fixed_dictionaries(
    {"a": st.fixed_dictionaries({"b": TREES}) | TREES}, optional={"items": st.lists(TREES, max_size=3)}
)
PLAUSIBLE: dict[str, st.SearchStrategy[Any]] = {
    "words": st.text(max_size=8) | SCALARS,
    "amount": st.integers() | st.floats(),
    "flag": st.booleans(),
    "pick": st.sampled_from(["a", "b", "c"]),
    "data": ITEMS,
    "picture": FILES,
    "sound": FILES,
    "clip": FILES | st.fixed_dictionaries({"video": FILES}),
    "pictures": st.lists(st.fixed_dictionaries({"image": FILES, "caption": SCALARS}), max_size=3),
    "paper": FILES | st.lists(FILES, max_size=3),
}


@st.composite
def answers(draw: st.DrawFn) -> Any:
    """An app's `data`: mostly values as described, with some that are not."""
    odd = draw(st.sets(st.sampled_from([*KINDS]), max_size=2))
    calm = draw(st.booleans())
    values = []
    for name in KINDS:
        if name in odd:
            values.append(draw(TREES))
        elif calm and name in ("sound", "clip", "picture", "pictures", "paper"):
            values.append(None)
        else:
            values.append(draw(PLAUSIBLE[name]))
    cut = draw(st.sampled_from([0] * 20 + [1, 2]))
    return values[cut:]


MEDIA = st.sampled_from(
    [
        Answer(PNG, type="image/png"),
        Answer(PNG[:40], type="image/png"),
        Answer(b"", type="image/png"),
        Answer(b"<html>", type="text/html"),
        Answer(b"{}", type="application/json"),
        Answer(b"RIFF\x24\0\0\0WAVEfmt ", type="audio/wav"),
        Answer(b"\0\0\0\x18ftypmp42", type="video/mp4"),
        Answer(b"<svg xmlns='http://www.w3.org/2000/svg'/>", type="image/svg+xml"),
        Answer(b"no", 403, "text/plain"),
        Answer(b"busy", 503, "text/plain"),
        Answer(PNG, type="image/png", cut=True),
    ]
)


@pytest.fixture(scope="module")
def app() -> Iterator[StandIn]:
    """The stand-in."""
    with stand_in() as one:
        yield one


@pytest.fixture
def odd(app: StandIn, tmp_path: Path) -> Chain:
    """A chain that reads an answer in every way there is."""
    return loads(CHAIN.replace("APP", app.url), file="odd.yaml", folder=tmp_path)


SHORT = Clocks(connect_s=1.0, quiet_s=2.0, wake_s=1.0, queue_s=2.0, run_s=2.0)


def run(chain: Chain, out: Path) -> Run:
    """Run a chain as the Python door does, with little patience."""

    async def bounded() -> Run:
        with anyio.fail_after(30):
            return await run_loaded(chain, {}, Settings(token="", clocks=SHORT), Options(out))

    return anyio.run(bounded)


def whole(made: Run) -> None:
    """What is left of a run can be read by others: JSON of the standard, in UTF-8, with an end."""
    text = (made.folder / "run.json").read_bytes().decode("utf-8")
    document = json.loads(text, parse_constant=no_constant)
    assert document["status"] == made.status != "running"


def no_constant(name: str) -> None:
    """`NaN` is none of JSON's."""
    raise AssertionError(name)


def test_an_apps_odd_answer_is_kept_or_refused(app, odd, tmp_path, told):
    """Whatever an app says is carried to the next call, to the journal, to files and to the screen."""
    campaign = Campaign("answers of apps")

    @tries(300)
    @given(answers(), st.lists(MEDIA, min_size=1, max_size=3))
    def survive(data: Any, files: list[Answer]) -> None:
        app.gives(data)
        app.files = list(files)
        with campaign.example():
            made = run(odd, tmp_path / "out")
            whole(made)
            errors = [error for step in made.steps.values() if (error := step.to_json()["error"])]
            campaign.codes.update(error["code"] for error in errors)
            if isinstance(failed := made.steps["one"].result, Failed):
                raise failed.error

    survive()
    told(campaign)
    assert [*runs(find_home().runs)]
