"""`batch`: a run a row, each made once, none lost."""

import csv
import json
from pathlib import Path

import pytest

RESULTS = Path("outputs/draw/table/results.csv")


def results(desk, path=RESULTS):
    with (desk.folder / path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_that_warned_says_so(desk):
    """Of a thousand texts or sounds nobody looks at each one's run."""
    (desk.folder / "hush.yaml").write_text(
        "inputs: {seconds: {kind: number}}\n"
        "steps:\n"
        "  hush: {media: silence, with: {seconds: $inputs.seconds}}\n"
        "  loud: {media: normalize, with: {audio: $hush.audio}}\n"
        "outputs: {sound: $loud.audio}\n"
    )
    table = desk.table("seconds\n1\n")
    (row, _) = desk.command("batch", "hush.yaml", table, "--json").lines
    told = desk.command("batch", "hush.yaml", table, "--out", "again").err

    assert len(row["warnings"]) == 1
    assert row["warnings"][0].startswith("loud: ")
    assert f"row 1: warning: {row['warnings'][0]}" in told


def test_what_people_write_as_a_shell_loop_is_one_line(desk):
    """Four prompts, a picture each, named after it; the repeated one is made once and has its file too."""
    desk.table(
        "prompt\na cat\na dog, sleeping\na cat\nein Käfer\n".replace("a dog, sleeping", '"a dog, sleeping"')
    )

    done = desk.command("batch", "draw.yaml", "table.csv", "--name", "{prompt}")

    assert done.code == 0
    assert done.out == f"{RESULTS}\n"
    assert desk.files() == ["a-cat-2.png", "a-cat.png", "a-dog-sleeping.png", "ein-Käfer.png"]
    assert desk.calls == ["a cat", "a dog, sleeping", "ein Käfer"]
    assert {one["output.picture"] for one in results(desk)} == {
        f"outputs/draw/table/{name}" for name in desk.files()
    }


def test_equal_rows_that_run_at_once_are_made_once(desk):
    """Nobody pays twice because two rows were quick enough."""
    desk.table("prompt\n" + "the same\n" * 6)

    done = desk.command("batch", "draw.yaml", "table.csv", "--workers", "6")

    assert done.code == 0
    assert desk.calls == ["the same"]
    assert len(desk.files()) == 6


def test_files_are_named_by_row_and_first_text_if_nothing_is_said(desk):
    """Names that sort as the table does, and tell what they are."""
    desk.table("prompt,size\na cat,3\n../../etc/passwd,5\n")

    desk.command("batch", "draw.yaml", "table.csv")

    assert desk.files() == ["001-a-cat.png", "002-etc-passwd.png"]


def test_json_lines_have_the_documented_shape(desk):
    """Other people's scripts read it."""
    desk.table('{"prompt": "a", "size": 3, "note": ["x"]}\n\n{"prompt": "bad b"}\n', "rows.jsonl")

    done = desk.command("batch", "draw.yaml", "rows.jsonl", "--json", "--workers", "1")

    good, bad, last = done.lines
    assert done.code == 1
    assert good.keys() == {"row", "run", "status", "seconds", "outputs", "error"}
    assert (good["row"], good["status"], good["error"]) == (1, "succeeded", None)
    assert good["outputs"]["picture"]["path"] == str(desk.folder.absolute() / "outputs/draw/rows/001-a.png")
    assert last["version"] == 1
    assert (bad["row"], bad["status"], bad["outputs"]) == (2, "failed", {})
    assert "I do not like bad b" in bad["error"]["message"]
    assert {name: last[name] for name in ("rows", "succeeded", "failed", "skipped")} == {
        "rows": 2,
        "succeeded": 1,
        "failed": 1,
        "skipped": 0,
    }
    text = (desk.folder / "outputs/draw/rows/results.jsonl").read_text()
    lines = [json.loads(one) for one in text.splitlines()]
    assert [one["inputs"] for one in lines] == [
        {"prompt": "a", "size": 3, "note": ["x"]},
        {"prompt": "bad b"},
    ]


def test_the_same_command_does_what_is_not_done_by_content_and_not_by_number(desk):
    """A row put in at the top must not shift the others into being made again."""
    desk.table("prompt\na\nbad b\nc\n")
    first = desk.command("batch", "draw.yaml", "table.csv", "--name", "{prompt}")
    desk.table("prompt\nnew\na\nbad b\nc\n")

    again = desk.command("batch", "draw.yaml", "table.csv", "--name", "{prompt}", "--json")

    assert (first.code, again.code) == (1, 1)
    assert "go on from there with: spacechain batch --resume outputs/draw/table" in first.err
    assert sorted(one["row"] for one in again.lines[:-1]) == [1, 3]
    assert again.lines[-1]["skipped"] == 2
    assert desk.calls == ["a", "bad b", "bad b", "c", "new"]
    assert sorted(one["prompt"] for one in results(desk)) == ["a", "bad b", "c", "new"]


def test_resume_knows_what_was_asked_for(desk):
    """The command that an ended batch prints is short, and is true."""
    desk.table("words\na\nb\n")
    desk.command("batch", "draw.yaml", "table.csv", "--map", "words=prompt", "--rows", "1", "-i", "size=9")

    done = desk.command("batch", "--resume", "outputs/draw/table", "--json")

    assert done.code == 0
    assert done.lines[-1]["skipped"] == 1
    assert desk.calls == ["a", "b"]
    assert [one["words"] for one in results(desk)] == ["a", "b"]


def test_a_torn_last_line_is_mended_and_its_row_done_again_from_what_is_kept(desk):
    """A process killed while it writes leaves half a line, perhaps within quotes."""
    desk.table('prompt\na\n"b, of\ntwo ""lines"""\n')
    desk.command("batch", "draw.yaml", "table.csv", "--workers", "1")
    table = desk.folder / RESULTS
    whole = table.read_bytes()
    table.write_bytes(whole[:-4])

    done = desk.command("batch", "draw.yaml", "table.csv", "--json")

    assert done.code == 0
    assert [one["row"] for one in done.lines[:-1]] == [2]
    assert len(desk.calls) == 3  # one prompt has two lines
    assert [one["prompt"] for one in results(desk)] == ["a", 'b, of\ntwo "lines"']
    assert len(desk.files()) == 2


def test_a_row_whose_file_was_removed_gets_it_again(desk):
    """Done means that the file is there."""
    desk.table("prompt\na\nb\n")
    desk.command("batch", "draw.yaml", "table.csv")
    (desk.folder / "outputs/draw/table/001-a.png").unlink()

    done = desk.command("batch", "draw.yaml", "table.csv", "--json")

    assert done.lines[-1]["skipped"] == 1
    assert desk.files() == ["001-a.png", "002-b.png"]
    assert desk.calls == ["a", "b"]
    assert len(results(desk)) == 2


def test_fresh_makes_every_row_again_and_equal_ones_once(desk):
    """Asking again is asked for, paying twice for the same is not."""
    desk.table("prompt\na\na\n")
    desk.command("batch", "draw.yaml", "table.csv")

    desk.command("batch", "draw.yaml", "table.csv", "--fresh")

    assert desk.calls == ["a", "a"]
    assert len(results(desk)) == 2


def test_a_reason_that_many_rows_have_is_told_once(desk):
    """An app that is gone fills the screen with one line a row, and what else went wrong is lost in it."""
    desk.table("prompt,size\nbad,4\nbad,5\nworse,6\nbad,7\nbad x,8\n")

    told = desk.command("batch", "draw.yaml", "table.csv", "--workers", "1").err

    assert told.count("I do not like bad (") == 1
    assert "row 2 failed as row 1 [crashed]" in told
    assert "row 4 failed as row 1 [crashed]" in told
    assert "I do not like bad x" in told


def test_stop_after_so_many_failures(desk):
    """A batch that is wrong from the start must not go on to the end."""
    desk.table("prompt\nbad 1\nbad 2\nbad 3\nbad 4\n")

    done = desk.command("batch", "draw.yaml", "table.csv", "--workers", "1", "--stop-after", "2")

    assert done.code == 1
    assert desk.calls == ["bad 1", "bad 2"]


def test_a_column_may_be_named_like_ours(desk):
    """A table with a column `status` or `row` keeps it."""
    desk.table("prompt,status,row\na,paid,x\n")

    desk.command("batch", "draw.yaml", "table.csv", "--name", "{status}")

    (line,) = results(desk)
    assert (line["status"], line["input.status"], line["row"], line["input.row"]) == (
        "succeeded",
        "paid",
        "1",
        "x",
    )
    assert desk.files() == ["paid.png"]


def test_no_secret_of_the_environment_is_in_the_results(desk, home, monkeypatch, secret):
    """A table of results is sent around, and a place may repeat whatever it was given."""
    monkeypatch.setenv("STUDIO_KEY", secret("studio"))
    secret.wrote(home / "journal.db")  # it keeps answers as they were given, to give them again
    (desk.folder / "say.py").write_text(
        "def say(text: str, key: str) -> str:\n"
        "    if text == 'bad': raise ValueError('I do not know ' + key)\n"
        "    return text + ' ' + key\n"
    )
    (desk.folder / "say.yaml").write_text(
        "name: say\nenv: [STUDIO_KEY]\ninputs: {text: {kind: text}}\n"
        "steps: {say: {python: 'say.py:say', with: {text: $inputs.text, key: $env.STUDIO_KEY}}}\n"
        "outputs: {said: $say.output}\n"
    )
    desk.command("trust", "say.yaml")
    desk.table("text\na\nbad\n")

    done = desk.command("batch", "say.yaml", "table.csv", "--json", "--workers", "1")

    assert done.code == 1
    assert done.lines[0]["outputs"]["said"]["value"] == "a •••"
    assert "I do not know •••" in done.lines[1]["error"]["message"]


@pytest.mark.parametrize("name", ["results.csv", "results.jsonl"])
def test_results_are_in_the_order_of_the_table_at_the_end(desk, name):
    """Results are put beside the table they came from, line by line."""
    desk.table('prompt\na\n"b, and\na second line"\nc\nd\n')
    desk.command("batch", "draw.yaml", "table.csv", "--results", name, "--rows", "3-", "--workers", "1")
    desk.command("batch", "draw.yaml", "table.csv", "--results", name)
    with (desk.folder / name).open(newline="") as file:
        lines = [*csv.DictReader(file)] if name.endswith("csv") else [*map(json.loads, file)]

    assert [int(one["row"]) for one in lines] == [1, 2, 3, 4]
