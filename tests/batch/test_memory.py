"""A batch of a million rows needs no more memory than one of a hundred: nothing of a row is left behind."""

import gc

import anyio

from chains.loader import loads
from pipelines.batch.batch import run_batch
from pipelines.batch.results import RowDone
from pipelines.batch.survey import Batch
from pipelines.batch.table import table_at
from pipelines.home import Home
from pipelines.workshop import Settings

CHAIN = """
name: shout
inputs: {text: {kind: text}}
steps:
  shout: {space: "bench", endpoint: /shout, with: {text: $inputs.text}}
outputs: {said: $shout.text}
"""


def test_nothing_of_a_row_is_left_when_it_has_ended(tmp_path, home, app):
    """What stays behind of each row ends a long batch in the middle."""
    file = tmp_path / "table.csv"
    file.write_text("text\n" + "".join(f"row {row}\n" for row in range(200)))
    chain = loads(CHAIN.replace("bench", app.url), file="shout.yaml", folder=tmp_path)
    objects = {}

    def hear(told, tally):
        if isinstance(told, RowDone) and tally.succeeded in (50, 200):
            gc.collect()
            objects[tally.succeeded] = len(gc.get_objects())

    out = tmp_path / "outputs"
    batch = Batch(chain, table_at(file, None), out, out / "results.csv", workers=1)
    tally = anyio.run(run_batch, batch, Settings(home=Home(home)), hear)

    assert tally.succeeded == 200  # caches that have an end fill up meanwhile, with about one a row
    assert objects[200] - objects[50] < 2 * 150, (
        "the least that is left of a row would be more than two objects"
    )
