"""What is wrong with a table is told with its row and column, before the first call."""

import json

import pytest


@pytest.mark.parametrize(
    ("table", "words", "tells"),
    [
        ("promt\na\n", [], "there is no column 'prompt', which is required (did you mean 'promt'?)"),
        ("prompt,size\na,1\nb,big\n", [], "row 2 (line 3), column size: size takes a whole number, and got"),
        ("prompt,size\na,1\nb,99\n", [], "row 2 (line 3), column size: size is 99, and must be at most 64"),
        ("prompt,size\n,1\n", [], "row 1 (line 2), column prompt: it is empty, and the input is required"),
        ("prompt,size\na\n", [], "row 1 (line 2) has 1 cell, and the header has 2"),
        ("prompt,prompt\na,b\n", [], "two columns named 'prompt'"),
        ("words\na\n", ["--map", "words=promt"], "promt is no input (did you mean 'prompt'?)"),
        ("prompt,words\na,b\n", ["--map", "words=prompt"], "are both the input prompt"),
        ("prompt\n", [], "table.csv has no rows"),
        ("", [], "table.csv has no header"),
        ("prompt\na\n", ["--rows", "2"], "none of them is asked for"),
        ("prompt\na\n", ["--rows", "x"], "--rows takes A-B"),
        ("prompt\na\n", ["--name", "{prompts}"], "did you mean 'prompt'?"),
        ("prompt\na\n", ["--name", "{prompt:04d}"], "does not fit prompt"),
        ("prompt\na\n", ["--name", "{prompt.upper}"], "which is no column"),
        ("prompt\na\n", ["--name", "{"], "--name is no pattern"),
        ("prompt\na\n", ["-i", "sice=2"], "did you mean 'size'?"),
        ("prompt\na\n", ["--format", "xml"], "csv, tsv, jsonl"),
        ("prompt\n\udcff\n", [], "is not UTF-8"),
    ],
)
def test_a_mistake_is_told_before_anything_is_called(desk, table, words, tells):
    """The thousandth row must not be found wrong after nine hundred and ninety-nine were paid."""
    (desk.folder / "table.csv").write_bytes(table.encode("utf-8", "surrogateescape"))

    done = desk.command("batch", "draw.yaml", "table.csv", *words)

    assert tells in done.err
    assert (done.code, done.out, desk.calls) == (2, "", [])
    assert not (desk.folder / "outputs").exists()


@pytest.mark.parametrize(
    ("line", "tells"),
    [
        ("[1]", "row 2 (line 2) is not a JSON object"),
        ('{"prompt": "a"', "row 2 (line 2) is not JSON"),
        ('{"prompt": {"a": 1}}', "row 2 (line 2), column prompt: prompt takes text"),
        ('{"size": 2}', "row 2 (line 2), column prompt: it is empty"),
    ],
)
def test_a_line_that_does_not_fit_is_named(desk, line, tells):
    """JSON Lines have no header; each line is looked at by itself."""
    desk.table(f'{{"prompt": "a"}}\n{line}\n', "rows.jsonl")

    done = desk.command("batch", "draw.yaml", "rows.jsonl")

    assert tells in done.err
    assert (done.code, desk.calls) == (2, [])


def test_a_column_that_is_nearly_an_input_is_refused(desk):
    """A typo in an optional column would make a thousand films of the wrong size."""
    desk.table("prompt,sise\na,3\n")

    done = desk.command("batch", "draw.yaml", "table.csv")

    assert (done.code, desk.calls) == (2, [])
    assert "column 'sise' is not an input (did you mean 'size'?)" in done.err
    assert "--map COLUMN=" in done.err


def test_a_column_that_is_nearly_an_input_can_be_left_free(desk):
    """Tables come from elsewhere, with columns of their own."""
    desk.table("prompt,sise\na,3\n")

    done = desk.command("batch", "draw.yaml", "table.csv", "--map", "sise=")

    assert (done.code, desk.calls) == (0, ["a"])
    assert "sise" not in done.err


def test_damaged_results_are_told_with_what_to_do(desk):
    """A byte that is no text is no fault of ours, and no reason to lose the rest."""
    desk.table("prompt\na\n")
    desk.command("batch", "draw.yaml", "table.csv")
    results = desk.folder / "outputs/draw/table/results.csv"
    results.write_bytes(results.read_bytes().replace(b"succeeded", b"suc\xffeeded"))

    done = desk.command("resume", "last")

    assert (done.code, "results.csv is damaged" in done.err) == (2, True)
    assert desk.command("show", "last").code == 0


def test_a_record_of_a_batch_that_lacks_words_is_gone_on_with(desk):
    """What it does not say was not asked for."""
    desk.table("prompt\na\n")
    desk.command("batch", "draw.yaml", "table.csv")
    record = desk.folder / "outputs/draw/table/batch.json"
    told = json.loads(record.read_text())
    left = {name: told[name] for name in ("cwd", "chain", "table", "folder", "results", "batch")}
    record.write_text(json.dumps(left | {"workers": -3}))

    assert desk.command("resume", "last").code == 0


def test_another_file_is_never_taken_for_results(desk):
    """Whoever names the wrong file behind --results keeps it."""
    desk.table("prompt\na\n")
    mine = desk.table("a,b\n1,2\n", "mine.csv")

    done = desk.command("batch", "draw.yaml", "table.csv", "--results", "mine.csv")

    assert (done.code, desk.calls) == (2, [])
    assert mine.read_text() == "a,b\n1,2\n"
