"""How a journal of a million calls opens and answers: `python benchmarks/journal_growth.py [ROWS]`."""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

from pipelines.artifacts import Store
from pipelines.journal import Begun, Intent, Rate, open_journal
from pipelines.journal.rebuilding import rebuild

AT = 1_700_000_000.0
PLACES = 50


def fill(file: Path, rows: int) -> None:
    """Calls in runs of a hundred at fifty places, each with a result of a picture and some words."""
    with open_journal(file):
        pass
    outputs = '[{{"artifact": {{"kind": "image", "path": "x", "name": "x.png", "mime": "image/png",'
    outputs += ' "sha256": "{0:064x}", "size_bytes": 1}}}}, "some words about it"]'
    numbers = range(1, rows + 1)
    with closing(sqlite3.connect(file)) as journal, journal:
        journal.executemany(
            "INSERT INTO sent (call, run, step, item, key, kind, place, endpoint, revision, at)"
            " VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                (
                    n,
                    f"run-{n // 100}",
                    "draw",
                    n % 100,
                    f"{n:064x}",
                    "space",
                    f"ada/{n % PLACES}",
                    "/go",
                    "abc",
                    AT + n,
                )
                for n in numbers
            ),
        )
        journal.executemany(
            "INSERT INTO received (call, key, outputs, gpu_s, work_s, at) VALUES (?,?,?,?,?,?)",
            ((n, f"{n:064x}", outputs.format(n), 1.5, 2.5, AT + n + 3) for n in numbers),
        )
        journal.executemany(
            "INSERT INTO artifacts (sha256, size_bytes, run, call, kind, mime, name, at)"
            " VALUES (?,?,?,?,?,?,?,?)",
            ((f"{n:064x}", 1, f"run-{n // 100}", n, "image", "image/png", "x.png", AT + n) for n in numbers),
        )
        journal.executemany(
            "INSERT INTO happened (run, what, told, at) VALUES (?,'ended','\"succeeded\"',?)",
            ((f"run-{n}", AT + n) for n in range(rows // 100)),
        )


def measured(doing: Callable[[], object], times: int = 20) -> float:
    """The median of several times, in milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        doing()
        took.append(time.perf_counter() - began)
    return median(took) * 1000


def opened(file: Path) -> None:
    """Open and close."""
    with open_journal(file):
        pass


def main() -> None:
    """Fill one and ask it all that a run asks."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        file, store = Path(folder) / "journal.db", Store(Path(folder) / "store")
        began = time.perf_counter()
        fill(file, rows)
        print(
            f"{rows} calls, {file.stat().st_size / 1e6:.0f} MB, made in {time.perf_counter() - began:.0f} s"
        )
        told = {"open and close": measured(lambda: opened(file))}
        with open_journal(file) as journal:
            key, place, run = f"{rows // 2:064x}", "ada/7", f"run-{rows // 200}"
            intent = Intent("new", "draw", 0, key, "space", place, "/go", None)
            begun = iter(range(1000))
            told |= {
                "result(key)": measured(lambda: journal.result(key, store)),
                "result of an unknown key": measured(lambda: journal.result("f" * 64, store)),
                "result of a run's step": measured(lambda: journal.result(key, store, of=(run, "draw", 0))),
                "sent": measured(lambda: journal.sent(intent)),
                "outcomes(place)": measured(lambda: journal.outcomes(place, 20)),
                "work_s(place)": measured(lambda: journal.work_s(place, "/go")),
                "expected(place)": measured(lambda: journal.expected(place, "/go")),
                "held_until(place)": measured(lambda: journal.held_until(place, AT)),
                "spent_in(run)": measured(lambda: journal.spent_in(run)),
                "turn": measured(lambda: journal.turn([place], [Rate(place, 10**9, AT, "day")], AT)),
                "ended(run)": measured(lambda: journal.runs.ended(run)),
                "begin": measured(
                    lambda: journal.runs.begin(Begun(f"new-{next(begun)}", "c", "f", "b", "t", "d", {}, {}))
                ),
                "newest": measured(journal.newest),
                "usage of the last day": measured(lambda: journal.used(AT + rows - 86400), 3),
                "usage of all time": measured(journal.used, 3),
                "needs of all files": measured(journal.needs.uses, 3),
                "health": measured(journal.health, 1),
            }
        for name, took in told.items():
            print(f"{name:<26} {took:10.2f} ms")
        began = time.perf_counter()
        done = rebuild(file)
        print(f"rebuilt in {time.perf_counter() - began:.0f} s: {done.saved['sent']} calls, {done.lost} lost")


if __name__ == "__main__":
    main()
