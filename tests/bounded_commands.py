"""Runs commands one after another, each within its share of processor time; whoever is killed says where."""

import contextlib
import importlib
import io
import json
import os
import resource
import sys


def _say(line: str) -> None:
    sys.__stdout__.write(f"{line}\n")  # type: ignore[union-attr] # there is one here
    sys.__stdout__.flush()  # type: ignore[union-attr]


def _run(words: list[str]) -> dict[str, object]:
    main = importlib.import_module("pipelines.cli").main
    printed, code = io.StringIO(), 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main(words)
        except SystemExit as end:
            code = int(end.code or 0)
    return {"code": code, "printed": len(printed.getvalue())}


def main() -> None:
    """Read commands as JSON, a line each, and print how each ended; the limit is of each of them."""
    limit_s = int(sys.argv[1])
    for line in sys.stdin:
        asked = json.loads(line)
        _say(f"at {asked['name']}")
        os.chdir(asked["folder"])
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent_s = int(used.ru_utime + used.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (spent_s + limit_s, resource.RLIM_INFINITY))
        _say(json.dumps({"name": asked["name"], **_run(asked["words"])}))
    _say("done")


if __name__ == "__main__":
    main()
