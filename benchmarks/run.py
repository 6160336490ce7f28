"""Measure how fast chains run, side by side with other tools, on this machine alone.

    python benchmarks/run.py [--quick] [--only NAME]...

Prints a table a question, and writes everything to `benchmarks/results/latest.json`.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter

import environment
import machine
from lab import open_lab
from measuring import Row, ask, open_workers
from questions import QUESTIONS, Question

RESULTS = Path(__file__).parent / "results" / "latest.json"


def main() -> None:
    """Ask every question, or those that were named."""
    names = [one.name for one in QUESTIONS]
    parser = argparse.ArgumentParser(description="Speed, side by side with other tools.")
    parser.add_argument("--quick", action="store_true", help="few repetitions, for a first look")
    parser.add_argument("--only", action="append", choices=names, help="only this question; repeatable")
    options = parser.parse_args()
    asked = [one for one in QUESTIONS if options.only is None or one.name in options.only]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the apps are stopped too
    peers = environment.make()
    started = perf_counter()
    facts = machine.facts(peers)
    show_facts(facts)
    tables = measure(asked, peers, quick=options.quick)
    document = {**facts, "quick": options.quick, "questions": tables}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    where = RESULTS.relative_to(Path(__file__).parents[1])
    print(f"\n{perf_counter() - started:.0f} s; written to {where}", file=sys.stderr)


def measure(asked: Sequence[Question], peers: Path, *, quick: bool) -> dict[str, object]:
    """Ask the questions one after the other; what was found, by name."""
    found: dict[str, object] = {}
    with (
        tempfile.TemporaryDirectory(prefix="spacechain-bench-", ignore_cleanup_errors=True) as folder,
        open_lab(Path(folder), peers) as lab,
        open_workers(lab) as workers,
    ):
        for question in asked:
            before = machine.load()
            rows = ask(question, workers, question.quick_turns if quick else question.turns)
            show(question, rows)
            found[question.name] = described(question, rows, before)
    return found


def show_facts(facts: Mapping[str, object]) -> None:
    """One line about the machine."""
    versions = facts["versions"]
    told = ", ".join(f"{name} {one}" for name, one in versions.items()) if isinstance(versions, dict) else ""
    print(f"{facts['cores']} cores, {facts['system']}, Python {facts['python']}; {told}")


def show(question: Question, rows: Sequence[Row]) -> None:
    """Print one table, in Markdown."""
    floor = question.floor_s
    columns = ["", "median ms", "min", "p75", "n", f"to {question.baseline}"]
    columns += [f"to {floor * 1000:.0f} ms"] if floor else []
    columns += ["failed"] if any(row.failures for row in rows) else []
    lines = [columns]
    for row in rows:
        cells = [row.label, _ms(row.median), _ms(min(row.seconds)), _ms(row.p75), str(len(row.seconds))]
        cells.append(f"{row.ratio:.2f}")
        cells += [f"{row.median / floor:.2f}"] if floor else []
        cells += [str(len(row.failures))] if "failed" in columns else []
        lines.append(cells)
    widths = [max(3, *(len(line[place]) for line in lines)) for place in range(len(columns))]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    print(f"\n{question.title}\n")
    for line in [lines[0], rule, *lines[1:]]:
        aligned = [line[0].ljust(widths[0])]
        aligned += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("| " + " | ".join(aligned) + " |", flush=True)


def described(question: Question, rows: Sequence[Row], load: float | None) -> dict[str, object]:
    """One table as JSON; times in milliseconds."""
    return {
        "title": question.title,
        "baseline": question.baseline,
        "floor_ms": None if question.floor_s is None else question.floor_s * 1000,
        "load_before": load,
        "rows": [
            {
                "label": row.label,
                "median_ms": _rounded(row.median),
                "min_ms": _rounded(min(row.seconds)),
                "p75_ms": _rounded(row.p75),
                "n": len(row.seconds),
                "ratio": round(row.ratio, 3),
                "failures": [*row.failures],
                "all_ms": [_rounded(one) for one in row.seconds],
            }
            for row in rows
        ],
    }


def _rounded(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"  # noqa: PLR2004 - three digits


if __name__ == "__main__":
    main()
