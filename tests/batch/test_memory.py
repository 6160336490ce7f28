"""A batch of a million rows needs no more memory than one of a hundred: nothing of a row is left behind."""

import gc

import anyio

from chains.loader import loads
from pipelines.batch.batch import run_batch
from pipelines.batch.results import RowDone
from pipelines.batch.survey import Batch
from pipelines.batch.table import table_at
from pipelines.household.home import Home
from pipelines.running.workshop import Settings

OURS = ("spaces_registry", "chains", "pipelines")
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
            every = gc.get_objects()
            own = sum(str(type(one).__module__).partition(".")[0] in OURS for one in every)
            objects[tally.succeeded] = (own, len(every))

    out = tmp_path / "outputs"
    batch = Batch(chain, table_at(file, None), out, out / "results.csv", workers=1)
    tally = anyio.run(run_batch, batch, Settings(home=Home(home)), hear)

    assert tally.succeeded == 200
    (own_before, before), (own, now) = objects[50], objects[200]
    assert own - own_before < 15, "a tenth of an object a row, of our own kinds"
    assert now - before < 5 * 150, "others' caches fill up meanwhile, each to its end"
