"""Long answers cost about what they weigh, are kept in files, and are never told item by item."""

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Server, serve

from pipelines.artifacts import Artifact, Store
from pipelines.artifacts.disk import sha256_of
from pipelines.doctor.proofs import proven_by
from pipelines.household.history import Entry, Record
from pipelines.journal.packing import packed_text
from pipelines.running.folder import RunFolder
from pipelines.running.long_values import write_value
from pipelines.running.record import output_json
from spaces_registry.apps.stream import Outputs
from spaces_registry.network.decoding import answered
from spaces_registry.signature import Kind

MB = 2**20


@pytest.fixture(scope="module")
def large() -> Iterator[Server]:
    """The app."""
    with serve(Path(__file__).parent / "apps" / "large.py") as server:
        yield server


@pytest.fixture
def asked(large: Server, tmp_path: Path):
    """Run a chain of one call for each count; what it prints, and the most memory that it took in bytes."""

    def run(endpoint: str, output: str, *counts: int) -> tuple[dict[str, object], int]:
        each = f"    each: {[*counts]}\n    with: {{count: $item}}\n"
        asks = each if len(counts) > 1 else f"    with: {{count: {counts[0]}}}\n"
        (tmp_path / "ask.yaml").write_text(
            f"name: ask\nsteps:\n  made:\n    space: {large.url}\n    endpoint: /{endpoint}\n{asks}"
            f"outputs: {{all: $made.{output}}}\n"
        )
        words = [sys.executable, "-m", "pipelines.cli", "run", "ask.yaml", "--json", "--out", str(tmp_path)]
        with (tmp_path / "said.json").open("wb") as said:
            process = subprocess.Popen(words, cwd=tmp_path, stdout=said)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return json.loads((tmp_path / "said.json").read_text()), usage.ru_maxrss * 1024

    return run


@pytest.mark.parametrize(
    ("endpoint", "output", "count", "size"),
    [("numbers", "found", 4_500_000, 9_000_000), ("text", "said", 20_000_000, 20_000_000)],
)
def test_a_long_answer_costs_at_most_ten_times_its_bytes(asked, endpoint, output, count, size):
    """Half a million numbers took a gigabyte and a minute, five million killed the process."""
    _, usual = asked(endpoint, output, 5000)
    told, most = asked(endpoint, output, count)

    assert most - usual < 10 * size
    all_of_it = told["outputs"]["all"]
    assert len(json.dumps(told)) < 10_000
    assert Path(all_of_it["path"]).read_text().startswith(all_of_it["head"])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[" + b'{"a":1},' * 2_000_000 + b"1]", "would take .* of memory"),
        (b"[" + b"[]," * 2_000_000 + b"1]", "would take .* of memory"),
        (b"[" + b'"",' * 3_000_000 + b"1]", "would take .* of memory"),
        (b"[" + b"1," * 6_000_000 + b"1]", "more than 5,000,000 values"),
    ],
    ids=["objects", "lists", "texts", "numbers"],
)
def test_an_answer_that_would_grow_in_memory_is_refused_before_it_is_decoded(content, why):
    """Two million little objects take twenty-five times their bytes."""
    with pytest.raises(ValueError, match=why):
        answered(content)


@pytest.mark.parametrize(
    "record", [{"word": "lighthouse", "start": 0.125, "end": 1.5}, ["lighthouse", 0.5], 1.25e-07]
)
def test_what_apps_really_answer_is_taken_at_any_length(record):
    """Words with their times, rows of a table and numbers are no little objects."""
    told = json.dumps([record] * (20 * MB // len(json.dumps(record))))
    assert answered(told.encode())[-1] == record


def test_objects_are_kept_without_a_copy_of_them_all(asked):
    """Copied for the record and for the journal, words with their times took twenty times their bytes."""
    _, usual = asked("records", "found", 5000)
    told, most = asked("records", "found", 200_000)

    assert most - usual < 17 * 54 * 200_000
    assert json.loads(Path(told["outputs"]["all"]["path"]).read_text())[-1]["word"] == "w000199999"


def test_a_long_list_lies_in_a_file_whole(asked, tmp_path):
    """What is not shown is not lost."""
    told, _ = asked("numbers", "found", 5000)

    all_of_it = told["outputs"]["all"]
    assert json.loads(Path(all_of_it["path"]).read_text()) == [one % 7 for one in range(5000)]
    assert (all_of_it["kind"], all_of_it["mime"]) == ("json", "application/json")
    page = next(tmp_path.rglob("report.html"))
    assert page.stat().st_size < 100_000
    assert "all.json" in page.read_text()


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_journal_is_made_anew_with_long_values(asked, tmp_path, is_changed):
    """The record has no more than its beginning; a file that is not what it was proves nothing."""
    told, _ = asked("numbers", "found", 5000)
    step = told["steps"]["made"]
    if is_changed:
        path = Path(step["outputs"]["found"]["path"])
        path.unlink()
        path.write_text("[1]")
    record = Record(Entry(told["run"], "ask", Path(told["folder"])), told)
    found = [one.outputs for one in proven_by(record, Store(tmp_path / "store"))]

    assert found == ([] if is_changed else [[[one % 7 for one in range(5000)]]])


def test_each_call_has_its_own_output_though_all_together_are_long(asked, tmp_path):
    """What an item gave is looked up by its number, and three long texts are no list that nobody reads."""
    told, _ = asked("text", "said", 60_000, 200_000, 60_006)
    step = told["steps"]["made"]

    first, second, third = step["outputs"]["said"]
    assert (first["value"], third["value"]) == ("words " * 10_000, "words " * 10_001)
    assert Path(second["path"]).read_text().startswith(second["head"])
    assert [one["outputs"]["said"] for one in step["calls"]] == [first, second, third]
    record = Record(Entry(told["run"], "ask", Path(told["folder"])), told)
    found = [one.outputs for one in proven_by(record, Store(tmp_path / "store"))]
    assert found == [["words " * (count // 6)] for count in (60_000, 200_000, 60_006)]


def test_a_long_value_with_a_file_in_it_is_told_item_by_item(tmp_path):
    """Its files have to be found; what else is long in it lies in a file of its own."""
    folder = RunFolder(tmp_path / "run")
    (tmp_path / "cat.png").write_bytes(b"not looked at")
    sha256 = sha256_of(tmp_path / "cat.png")
    extra = {"annotations": ["a part"]}
    picture = Artifact(Kind.IMAGE, sha256, 13, "image/png", "cat.png", tmp_path / "cat.png", extra=extra)

    number, file, numbers = output_json(folder.publish_output("all", (1, picture, [2] * 2000)))
    assert number == {"kind": "integer", "value": 1}
    assert Path(file["path"]).read_bytes() == b"not looked at"
    assert file["extra"] == extra
    assert json.loads(Path(numbers["path"]).read_text()) == [2] * 2000


@pytest.mark.parametrize("new", [[["append", [], ["x" * 100] * 10]], [["append", ["a"], "x" * 1000]]])
def test_differences_do_not_grow_without_end(new):
    """Each message of a generator is small, and eight gigabytes of them may come."""
    outputs = Outputs(is_diffed=True, most_bytes=MB)
    outputs.take([[] if not new[0][1] else {"a": ""}])

    def take_all() -> None:
        for _ in range(2000):
            outputs.take([json.loads(json.dumps(new))])

    with pytest.raises(ValueError, match="differences add up to more than 1 MB"):
        take_all()


def test_differences_that_replace_each_other_may_go_on():
    """A progress text that is written anew a thousand times is no long answer."""
    outputs = Outputs(is_diffed=True, most_bytes=MB)
    outputs.take([""])
    for _ in range(2000):
        outputs.take([[["replace", [], "x" * 10_000]]])
    assert outputs.known == ["x" * 10_000]


def most_memory_of(work: Callable[[], object]) -> int:
    """What a piece of work allocates in bytes, at the moment when it has most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_little_objects_are_journalled_piece_by_piece():
    """Packed all at once they would take forty times their bytes."""
    objects = [{"a": 1}] * 100_000

    assert most_memory_of(lambda: packed_text([objects])) < 10 * len(json.dumps(objects))


@pytest.mark.parametrize(
    "value", ["words " * 4_000_000, [{"a": 1}] * 400_000, [7] * 2_000_000], ids=["text", "objects", "numbers"]
)
def test_a_long_value_is_written_piece_by_piece(tmp_path, value):
    """A text of 200 MB was there four times while it was written."""
    most = most_memory_of(lambda: write_value(value, tmp_path, "long", {}))

    assert most < 6 * MB
    assert json.dumps(value) in {(one := next(tmp_path.glob("long*")).read_text()), json.dumps(one)}
