"""Numbers in tables: a cell is what its input's kind says, and stays that in the results."""

import csv

import pytest

CHAIN = """
name: numbers
inputs:
  seeds: {kind: integer, many: true}
  ratio: {kind: number, default: 1}
  word: {kind: text, default: x}
  is_on: {kind: boolean, default: false}
steps:
  quiet: {each: $inputs.seeds, media: silence, with: {seconds: $item}}
outputs: {seeds: $inputs.seeds, ratio: $inputs.ratio, word: $inputs.word, is_on: $inputs.is_on}
"""


@pytest.fixture
def batch(tmp_path, run):
    """Run the chain for one row, in either form; its outputs as JSON and as the results' cells."""
    (tmp_path / "chain.yaml").write_text(CHAIN)

    def command(table: str, name: str):
        (tmp_path / name).write_text(table)
        done = run("batch", "chain.yaml", name, "--json")
        if done.code:
            return done.lines[-1]["problems"], {}
        results = tmp_path / "outputs" / "numbers" / name.partition(".")[0] / "results.csv"
        cells = next(csv.DictReader(results.read_text().splitlines())) if results.exists() else {}
        return done.lines[0]["outputs"], cells

    return command


def values(outputs, name):
    """The values of an output, whether it is a list or not."""
    told = outputs[name]
    return [one["value"] for one in told] if isinstance(told, list) else told["value"]


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ('seeds,ratio,word,is_on\n"[1, 2]", 1e1 ,007,yes\n', "rows.csv"),
        ('{"seeds": [1, 2], "ratio": 1e1, "word": "007", "is_on": true}\n', "rows.jsonl"),
    ],
)
def test_a_cell_is_what_its_input_takes(batch, table, name):
    """A number that became a text is another value to an app; a text that became a number lost its zeros."""
    outputs, _ = batch(table, name)

    assert values(outputs, "seeds") == [1, 2]
    assert (values(outputs, "ratio"), values(outputs, "word"), values(outputs, "is_on")) == (10, "007", True)


def test_numbers_of_a_list_are_numbers_in_the_results(batch):
    """The table is read by programs that would add them up."""
    _, cells = batch('seeds,word\n"[1, 2]",1e5\n', "rows.csv")

    assert (cells["output.seeds"], cells["output.word"]) == ("[1, 2]", "1e5")


@pytest.mark.parametrize("cell", ["007", "nan", "1e999", '"1,5"', "true", '" "', "0x10", "-"])
def test_what_is_no_number_is_refused(batch, cell):
    """A guess would be made for every row, and paid for."""
    problems, _ = batch(f"seeds,ratio\n1,{cell}\n", "rows.csv")

    assert "column ratio: ratio takes a number" in problems[0]["message"]
