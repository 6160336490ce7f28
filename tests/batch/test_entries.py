"""A batch is one entry among what was run: listed, shown, reported, gone on with and removed as a whole."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines.cli.completing import run_names

FOLDER = Path("outputs/draw/table")
ROWS = "prompt,size\na cat,4\nbad <i>dog</i>,5\na gull,6\n"


@pytest.fixture
def batch(desk):
    """A batch of three rows, of which the second failed; the id by which it is listed."""
    desk.table(ROWS)
    assert desk.command("batch", "draw.yaml", "table.csv").code == 1
    (one,) = listed(desk)
    return one["run"]


def listed(desk, *words):
    return json.loads(desk.command("runs", "--json", *words).out)


def shown(desk, name):
    return json.loads(desk.command("show", name, "--json").out)


def test_a_batch_is_one_line_in_the_list(desk, batch):
    """Twenty rows must not push everything else off the list."""
    told = desk.command("runs").out.splitlines()
    (one,) = listed(desk)

    assert len(told) == 2
    assert "2 of 3, 1 failed" in told[1]
    assert one.keys() >= {"run", "chain", "status", "started", "seconds", "calls", "outputs", "folder"}
    assert one["counts"] == {"rows": 3, "succeeded": 2, "failed": 1, "left": 0}
    assert (one["status"], one["calls"]) == ("failed", 3)
    assert one["folder"] == str(desk.folder / FOLDER)
    assert batch == one["run"]


def test_its_rows_are_listed_where_they_are_asked_for(desk, batch):
    """Each is a run of its own, with an id of its own."""
    every = listed(desk, "--all")

    assert [one["run"] for one in every[:1]] == [batch]
    assert [(one["batch"], one["row"]) for one in every[1:]] == [(batch, 1), (batch, 2), (batch, 3)]
    assert {one["run"] for one in every[1:]} == {
        one.name for one in (desk.folder / FOLDER / "runs").iterdir()
    }


def test_last_is_what_a_person_began(desk, batch):
    """Nobody who started a batch means its row number 17."""
    assert shown(desk, "last")["run"] == batch

    desk.command("run", "draw.yaml", "-i", "prompt=b")
    own = shown(desk, "last")
    assert (own["chain"], "batch" in own) == ("draw", False)

    desk.command("batch", "--resume", FOLDER)
    assert shown(desk, "last")["run"] == batch, "it was started last"


def test_of_two_runs_in_one_second_the_later_one_is_last(desk, home):
    """The digits behind the second are random, and a short chain takes less than one."""
    first = json.loads(desk.command("run", "draw.yaml", "-i", "prompt=a", "--json").out)["folder"]
    lines = []
    for name in ("20261121-051200-ffffff", "20261121-051200-000000"):
        folder = Path(first).with_name(name)
        shutil.copytree(first, folder)
        lines.append({"run": name, "chain": "draw", "folder": str(folder), "process": 1})
    (home / "runs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))

    assert [one["run"] for one in listed(desk)] == ["20261121-051200-000000", "20261121-051200-ffffff"]


@pytest.mark.usefixtures("batch")
def test_show_tells_each_row_with_what_differs_and_what_came_of_it(desk):
    """Which of a hundred went wrong, and why, is the first question."""
    done = desk.command("show", "last")
    first, second, third = (line.split() for line in done.out.splitlines()[-3:])

    assert "2 of 3 rows, 1 failed" in done.out
    assert first[:6] == ["1", "succeeded", "a", "cat", "4", "001-a-cat.png"]
    assert second[:2] == ["2", "failed"]
    assert "I do not like bad <i>dog</i>" in done.out
    assert third[-2] == "003-a-gull.png"
    assert "go on from there with: spacechain resume " in done.err


def test_show_as_json_has_the_documented_shape(desk, batch):
    """Other people's scripts read it."""
    told = shown(desk, batch)
    first, second, _ = told["rows"]

    assert told["version"] == 1
    assert told.keys() == {
        "version", "run", "chain", "status", "started", "seconds", "calls", "outputs", "counts", "table",
        "results", "folder", "rows",
    }  # fmt: skip
    assert first.keys() == {
        "row", "run", "status", "seconds", "inputs", "outputs", "error", "warnings", "folder",
    }  # fmt: skip
    assert (first["inputs"], first["error"]) == ({"prompt": "a cat", "size": 4}, None)
    assert first["outputs"]["picture"]["path"] == str(desk.folder / FOLDER / "001-a-cat.png")
    assert first["outputs"]["picture"]["mime"] == "image/png"
    assert (second["status"], second["outputs"], second["error"]["code"]) == ("failed", {}, "crashed")


def test_a_row_is_shown_by_its_number_and_by_its_runs_id(desk, batch):
    """The table has numbers; ids are long."""
    second = shown(desk, batch)["rows"][1]["run"]

    assert shown(desk, second)["run"] == second
    assert shown(desk, f"{batch}:2")["run"] == second
    assert shown(desk, "last:2")["run"] == second
    assert f"row 2 of batch {batch}" in desk.command("show", "last:2").out
    gone = desk.command("show", "last:9")
    assert (gone.code, f"batch {batch} has no run of row 9" in gone.err) == (2, True)


def test_the_beginning_of_an_id_means_the_batch_before_its_rows(desk, batch):
    """All of them began in the same minute."""
    assert shown(desk, batch[:8])["run"] == batch


class Links(HTMLParser):
    """The addresses in a page, and which of them are pictures."""

    def __init__(self):
        super().__init__()
        self.files, self.pictures, self.tags = set(), [], set()

    def handle_starttag(self, tag, attrs):
        """Note what it leads to."""
        told = dict(attrs)
        self.tags.add(tag)
        if address := told.get("src") or told.get("href"):
            self.files |= set() if address.startswith("#") else {address}
            self.pictures += [address] if tag == "img" else []


def test_the_page_of_a_batch_shows_all_of_it_from_its_own_folder(desk, batch):
    """It is sent to somebody as a folder, and opened there without us."""
    page = Path(json.loads(desk.command("report", batch, "--json").out)["report"])
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)

    assert page == desk.folder / FOLDER / "report.html"
    assert links.pictures == ["./001-a-cat.png", "./003-a-gull.png"]
    assert all((page.parent / one).is_file() for one in links.files)
    assert sum(one.endswith("/report.html") for one in links.files) == 3, "each row's own page"
    assert "script" not in links.tags
    assert "I do not like bad &lt;i&gt;dog&lt;/i&gt;" in text
    assert f"spacechain resume {batch}" in text
    assert "2 of 3 rows" in text


def test_the_end_of_a_batch_names_its_page(desk):
    """A page that nobody knows of is not looked at."""
    desk.table("prompt\na\n")
    done = desk.command("batch", "draw.yaml", "table.csv")

    assert f"report: {FOLDER}/report.html\n" in done.err
    assert (desk.folder / FOLDER / "report.html").is_file()


def test_resume_goes_on_with_a_batch_as_it_was_last_started(desk):
    """`resume last` is what people type, whatever was last."""
    desk.table("prompt\na\nbad b\nc\n")
    desk.command("batch", "draw.yaml", "table.csv", "--rows", "1-2", "--workers", "2")
    text = (desk.folder / "draw.py").read_text()
    (desk.folder / "draw.py").write_text(text.replace('startswith("bad")', 'startswith("worse")'))
    assert desk.command("trust", "draw.yaml").code == 0

    done = desk.command("resume", "last")

    assert done.code == 0
    assert "c" not in desk.calls, "its row was not asked for"
    assert listed(desk)[0]["counts"] == {"rows": 2, "succeeded": 2, "failed": 0, "left": 0}


def test_a_row_that_is_resumed_stays_a_row(desk, batch):
    """Else it would come up in the list as a run of its own."""
    desk.command("resume", f"{batch}:2")

    assert shown(desk, f"{batch}:2")["batch"] == batch
    assert [one["run"] for one in listed(desk)] == [batch]


def test_rm_asks_before_a_batch_goes(desk, batch):
    """`rm last` may mean the work of a night."""
    refused = desk.command("rm", "last")

    assert (refused.code, "nothing was removed" in refused.err) == (2, True)
    assert [one["run"] for one in listed(desk)] == [batch]


def test_rm_takes_a_batch_with_its_rows_and_leaves_what_others_put_there(desk, batch, home):
    """Half a batch would be found again by every list."""
    (desk.folder / FOLDER / "notes.txt").write_text("mine")
    ids = [one["run"] for one in shown(desk, batch)["rows"]]
    planned = json.loads(desk.command("rm", batch, "--dry-run", "--json").out)

    done = desk.command("rm", batch, "--yes")

    assert done.code == 0
    assert f"removed batch {batch} with 3 rows" in done.out
    assert (planned["removed"], planned["runs"][0]["rows"]) == (False, 3)
    assert [one.name for one in (desk.folder / FOLDER).rglob("*")] == ["notes.txt"]
    assert listed(desk, "--all") == []
    index = (home / "runs.jsonl").read_text()
    assert not any(one in index for one in (batch, *ids))
    assert desk.command("resume", ids[0]).code == 2


def test_tries_of_a_row_are_no_rows(desk, batch):
    """A batch of three that was gone on with is a batch of three."""
    desk.command("resume", batch)

    assert "with 3 rows" in desk.command("rm", batch, "--dry-run").out


def test_rm_removes_nothing_elsewhere_whatever_a_batch_says(desk, batch):
    """A batch's folder may have come from somebody else."""
    mine = desk.folder / "mine.csv"
    mine.write_text("dear to me")
    record = desk.folder / FOLDER / "batch.json"
    record.write_text(
        json.dumps({**json.loads(record.read_text()), "results": str(mine), "table": str(mine)})
    )

    desk.command("rm", batch, "--yes")

    assert mine.read_text() == "dear to me"


@pytest.mark.usefixtures("batch")
def test_a_batch_of_an_earlier_version_is_one_entry_too(desk, home):
    """It has no id of its own and no counts; what it has tells enough."""
    folder = desk.folder / FOLDER
    record = json.loads((folder / "batch.json").read_text())
    kept = {name: one for name, one in record.items() if name not in {"batch", "workers", "rows", "limit"}}
    (folder / "batch.json").write_text(json.dumps({**kept, "results": None}))
    for one in folder.glob("runs/*/run.json"):
        told = json.loads(one.read_text())
        one.write_text(json.dumps({name: of for name, of in told.items() if name not in {"batch", "row"}}))
    lines = (home / "runs.jsonl").read_text().splitlines(keepends=True)
    (home / "runs.jsonl").write_text("".join(one for one in lines if '"kind"' not in one))

    (one,) = listed(desk)
    told = shown(desk, "last")

    assert one["counts"] == {"rows": 3, "succeeded": 2, "failed": 1, "left": 0}
    assert (told["run"], told["calls"]) == (one["run"], 3)
    assert [row["row"] for row in told["rows"]] == [1, 2, 3]
    assert desk.command("report", one["run"]).code == 0
    assert desk.command("resume", one["run"]).code == 1
    assert [again["run"] for again in listed(desk)] == [one["run"]], "it keeps the name it had"


def test_a_batch_that_was_moved_is_found_by_its_folder(desk, tmp_path, batch):
    """People tidy up; its files are told where they are now."""
    shutil.move(desk.folder / FOLDER, tmp_path / "kept")

    assert listed(desk) == []
    told = shown(desk, tmp_path / "kept")
    assert told["run"] == batch
    assert told["rows"][0]["outputs"]["picture"]["path"] == str(tmp_path / "kept" / "001-a-cat.png")
    assert len(listed(desk, "--out", tmp_path / "kept")) == 1


def test_rows_of_json_lines_are_shown_with_their_files(desk):
    """Both forms of results tell the same."""
    desk.table('{"prompt": "a"}\n{"prompt": "bad b"}\n', "rows.jsonl")
    desk.command("batch", "draw.yaml", "rows.jsonl")

    good, bad = shown(desk, "last")["rows"]

    assert good["outputs"]["picture"]["path"].endswith("/rows/001-a.png")
    assert bad["error"]["code"] == "crashed"


def test_a_row_that_came_to_no_run_tells_its_cells_and_its_reason(desk):
    """Its file was gone when its turn came."""
    (desk.folder / "size.yaml").write_text(
        "inputs: {picture: {kind: image}}\n"
        "steps: {it: {media: probe, with: {file: $inputs.picture}}}\n"
        "outputs: {facts: $it.json}\n"
    )
    desk.command("run", "draw.yaml", "-i", "prompt=a", "--out", "made")
    (picture,) = (desk.folder / "made").rglob("picture.png")
    shutil.copy(picture, desk.folder / "a.png")
    desk.table("picture\na.png\n")
    desk.command("batch", "size.yaml", "table.csv")
    results = next((desk.folder / "outputs/size/table").glob("results.csv"))
    head, line = results.read_text().splitlines()
    row = dict(zip(head.split(","), line.split(","), strict=False))
    gone = line.replace("succeeded", "failed").replace(row["run"], "").split(",")
    results.write_text(f"{head}\n1,failed,,0.1,a.png is gone [no-file],{row['key']},,a.png\n")

    (told,) = shown(desk, "last")["rows"]

    assert gone
    assert (told["inputs"], told["run"]) == ({"picture": "a.png"}, None)
    assert told["error"] == {"code": "no-file", "message": "a.png is gone", "hint": None}


def test_a_shell_offers_batches_and_not_their_rows(batch):
    """Twenty ids that nobody began hide the ones that somebody did."""
    assert run_names(None, "") == ["last", batch]
