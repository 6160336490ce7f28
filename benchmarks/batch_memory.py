"""Measure what a batch takes: memory as it goes on, and time a row, against a local app.

    python benchmarks/batch_memory.py [--rows 1000] [--workers 4]

Prints the resident memory at row 100 and at every tenth of the rows, and how many objects Python tracks.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import anyio

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers import serve

from chains.loader import loads
from pipelines.batch.batch import Tally, Told, run_batch
from pipelines.batch.results import RowDone
from pipelines.batch.survey import Batch
from pipelines.batch.table import table_at
from pipelines.household.home import Home
from pipelines.running.workshop import Settings

APP = Path(__file__).parents[1] / "tests" / "pipelines" / "apps" / "workbench.py"


def main() -> None:
    """Run one batch, and print what was seen on the way."""
    parser = argparse.ArgumentParser(description="Memory and time of a batch.")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spacechain-bench-") as name, serve(APP) as app:
        folder = Path(name)
        chain = loads(
            f"""
name: draw
inputs: {{colour: {{kind: text}}, note: {{kind: text}}}}
steps:
  draw: {{space: "{app.url}", endpoint: /draw, with: {{colour: $inputs.colour, count: 1}}}}
  shout: {{space: "{app.url}", endpoint: /shout, with: {{text: $inputs.note}}}}
outputs: {{picture: $draw.image, said: $shout.text}}
""",
            file="draw.yaml",
            folder=folder,
        )
        rows = (f"{['red', 'green', 'blue'][row % 3]},note {row}\n" for row in range(options.rows))
        (folder / "table.csv").write_text("colour,note\n" + "".join(rows))
        table = table_at(folder / "table.csv", None)
        out = folder / "outputs"
        batch = Batch(chain, table, out, out / "results.csv", workers=options.workers)
        settings = Settings(home=Home(folder / "home"))
        started = perf_counter()
        tally = anyio.run(run_batch, batch, settings, _watch(options.rows))
        seconds = perf_counter() - started
    told = {"rows": tally.rows, "succeeded": tally.succeeded, "seconds": round(seconds, 2)}
    print(json.dumps({**told, "ms_a_row": round(1000 * seconds / options.rows, 2)}))


def _watch(rows: int):  # noqa: ANN202 - a listener
    marks = {100, *range(rows // 10, rows + 1, max(1, rows // 10))}

    def hear(told: Told, tally: Tally) -> None:
        ended = tally.succeeded + tally.failed
        if isinstance(told, RowDone) and ended in marks:
            gc.collect()
            seen = {"row": ended, "rss_mb": round(_rss_bytes() / 1e6, 1), "objects": len(gc.get_objects())}
            print(json.dumps(seen), flush=True)

    return hear


def _rss_bytes() -> int:
    """Resident memory of this process; on Linux alone."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
