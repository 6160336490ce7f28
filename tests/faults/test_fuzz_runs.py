"""Chains that are run although they are odd, and records of runs that somebody or something has spoilt."""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import anyio
import pytest
from faults.campaign import KEYS, ODD, WOUNDS, Campaign, changed, changes, holders, tries, wounded
from faults.stand_in import StandIn, stand_in
from hypothesis import given
from hypothesis import strategies as st

from chains import loads
from chains.text.reader import read
from chains.text.source import plain
from pipelines import Run, run_chain
from pipelines.cli import main
from pipelines.household.home import find_home
from pipelines.running.run import Options, run_loaded
from pipelines.running.workshop import Settings
from spaces_registry.clocks import Clocks

pytestmark = pytest.mark.timeout(480)  # the machine may have other things to do

CHAIN = """
name: odd
inputs:
  word: {kind: text, default: a}
  words: {kind: text, many: true, default: [a, b]}
  number: {kind: number, default: 2, minimum: 1}
templates: {loud: "{subject}!"}
defaults: {retry: {attempts: 1}, timeout: 1s}
limits: {"APP": {concurrency: 3}}
steps:
  one: {space: "APP", endpoint: /go, with: {words: $inputs.word, amount: $inputs.number, flag: true}}
  each:
    space: "APP"
    endpoint: /take
    each: {in: $inputs.words, keep_going: true}
    when: len(inputs.words) > 0
    with: {data: {a: $item, b: [1, "${{ index }}"]}}
    outputs: {inner: "[0].a"}
  sizes:
    space: "APP"
    endpoint: /take
    matrix: {x: [1, 2], y: $inputs.words}
    needs: each
    with: {data: $item.x, words: "${{ template('loud', subject=item.y) }}"}
    expect: {matches: "."}
    fallback: [{space: "APP", endpoint: /go, with: {words: $item.y}}]
  last:
    space: ["APP", "APP/other"]
    endpoint: /take
    cache: false
    with: {data: "${{ first(each.data) or one.data }}", pick: a}
    retry: {attempts: 2, wait: 1ms, on: {crashed: stop}}
outputs:
  one: $one.words
  inner: $each.inner
  picture: $one.picture
  all: ${{ sizes.outputs[0] }}
  text: a ${{ one.words }} ${{ len(each.data) }}
"""
VALUES: list[Any] = ["said", 3, True, "a", {"a": {"b": 1}}, None, None, None, [], None]
SHORT = Clocks(connect_s=1.0, quiet_s=1.0, wake_s=0.2, queue_s=1.0, run_s=1.0)


@pytest.fixture(scope="module")
def app() -> Iterator[StandIn]:
    """A stand-in that answers as it should."""
    with stand_in() as one:
        one.gives(VALUES)
        yield one


def bounded_run(chain: Any, out: Path) -> Run | None:
    """A run that is cut off when it waits for longer than anybody would here."""

    async def bounded() -> Run | None:
        with anyio.move_on_after(1.5):
            return await run_loaded(chain, {}, Settings(token="", clocks=SHORT, wake_s=0.2), Options(out))
        return None

    return anyio.run(bounded)


READ = """
    $inputs.word $inputs.words $inputs.number $one.words $one.amount $one.flag $one.data $one.data.a
    $one.data.a.b
    $one.outputs $one.outputs[0] $one.picture $one.pictures $one.paper $each.data $each.inner $each.outputs
    $each.inner[0]
    $sizes.data $sizes.outputs[0] $last.data $last.outputs $run.id
"""
READS = st.sampled_from(READ.split()) | st.sampled_from(
    [
        *("${{ one.data.a.b + 1 }}", "${{ join(each.data, '') }}", "${{ each.data[0].a }}"),
        *("${{ words(one.words) }}", "${{ one.picture or inputs.word }}"),
        *("${{ range(inputs.number) }}", "${{ [one.data, each.data] }}", "a ${{ one.data }}"),
        *("${{ json(one.words) }}", "${{ one.amount / (inputs.number - 2) }}"),
        *("${{ one.picture.width }}", "${{ null }}", "${{ first(each.inner).a }}"),
        *("${{ sizes.data[-1] if one.flag else each.data }}",),
        *("${{ template('loud', subject=one.words) }}", "${{ one.words * 2 }}"),
        *("${{ one.data == each.data }}", "${{ 'a' in one.data }}", [], {}, None, "", 0, [None]),
    ]
)


def read_otherwise(tree: Any, todo: list[tuple[int, Any]]) -> Any:
    """The chain with some of its expressions replaced by others."""
    whole = deepcopy(tree)
    places = [
        (box, key)
        for box, key in holders(whole)
        if isinstance(box[key], str) and box[key].startswith(("$", "a $"))
    ]
    for number, new in todo:
        box, key = places[number % len(places)]
        box[key] = deepcopy(new)
    return whole


def test_an_odd_chain_runs_or_is_refused(app, tmp_path, told):
    """What passes the checks must not surprise the engine: by then it may have paid for something."""
    campaign, endings = Campaign("odd chains that are run"), Counter[str]()
    root = read(CHAIN.replace("APP", app.url), "odd.yaml")[0].root
    assert root is not None
    tree, keys = (
        plain(root),
        [
            *("with", "when", "each", "matrix", "needs", "fallback", "cache", "expect", "outputs"),
            *("data", "words", "amount", "kind", "many"),
        ],
    )
    other = st.lists(st.tuples(st.integers(0, 10**6), READS), min_size=1, max_size=3)

    @tries(300)
    @given(
        other.map(lambda todo: read_otherwise(tree, todo))
        | changes(ODD, keys, most=2).map(lambda todo: changed(tree, todo))
    )
    def survive(document: Any) -> None:
        with campaign.example():
            chain = loads(json.dumps(document), file="odd.yaml", folder=tmp_path)
            made = bounded_run(chain, tmp_path / "out")
            if made is None:
                endings["cut off"] += 1
                return
            endings[made.status] += 1
            recorded = json.loads((made.folder / "run.json").read_bytes(), parse_constant=no_constant)
            assert recorded["status"] == made.status != "running"
            for step in made.steps.values():
                if error := step.to_json()["error"]:
                    campaign.codes.update([error["code"]])

    survive()
    told(f"{campaign}; ended {dict(endings)}")


def no_constant(name: str) -> None:
    """`NaN` is none of JSON's."""
    raise AssertionError(name)


def said(*words: str) -> int:
    """The exit code of a command; what it prints must be fit for a terminal, and is dropped."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        main(words)
    (out.getvalue() + err.getvalue()).encode()
    assert "Traceback" not in err.getvalue()
    return int(end.value.code or 0)


def test_a_spoilt_record_of_a_run_is_shown_or_refused(app, tmp_path, told):
    """Disks fill up, and people tidy up: the list of runs must not fall with one of them."""
    campaign = Campaign("run.json and the index of runs")
    run = run_chain(
        loads(CHAIN.replace("APP", app.url), file="odd.yaml", folder=tmp_path), {}, out=tmp_path, token=""
    )
    file, index = run.folder / "run.json", find_home().runs
    document, lines = json.loads(file.read_bytes()), index.read_text("utf-8")
    codes = set()

    @tries(150)
    @given(
        changes(ODD, ["status", "steps", "outputs", "error", "attempts", "path", "story", "calls", "inputs"]),
        st.none() | WOUNDS,
        st.none() | WOUNDS,
        st.dictionaries(KEYS, ODD, max_size=1),
    )
    def survive(todo: list[Any], wounds: Any, index_wounds: Any, more: dict[str, Any]) -> None:
        spoilt = changed(document, todo)
        text = json.dumps(spoilt | more if isinstance(spoilt, dict) else spoilt)
        file.write_text(wounded(text, wounds) if wounds else text, "utf-8", errors="replace")
        index.write_text(wounded(lines, index_wounds) if index_wounds else lines, "utf-8", errors="replace")
        with campaign.example():
            for words in (
                ("runs",),
                ("runs", "--json"),
                ("show", run.id),
                ("show", str(run.folder), "--json"),
            ):
                codes.add(said(*words))
            codes.add(said("report", str(run.folder)))
            codes.add(said("runs", "--out", str(tmp_path)))
            assert codes <= {0, 2}, codes

    survive()
    told(campaign)
