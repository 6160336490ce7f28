"""One tool in a process of its own: takes turns as they are asked for on stdin, answers with seconds.

    python worker.py TOOL LAB        LAB is the JSON of a Lab; then one line a turn: {"way", "turn"},
                                     answered by {"seconds"} or {"failure"}

Keeping a tool in its own process keeps its threads, its caches and what it imports away from the others;
asking for one turn at a time lets the turns of all tools alternate.
"""

import asyncio
import json
import os
import sys
import traceback
from contextlib import ExitStack
from importlib import import_module
from typing import IO

from lab import Lab


def main() -> None:
    """Take turns until stdin ends."""
    tool, described = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a tool prints must not pass for an answer
    _take_turns(import_module(f"contestants.{tool}"), Lab.from_json(described), answers)


def _take_turns(ways: object, lab: Lab, answers: IO[str]) -> None:
    """Keep what the last question opened until another one is asked, or a turn fails."""
    with ExitStack() as stack:
        current, once = None, None
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                if once is None or asked["way"] != current:
                    stack.close()
                    current, once = asked["way"], None
                    once = stack.enter_context(getattr(ways, current)(lab))
                answer = {"seconds": once(asked["turn"])}
            except (Exception, asyncio.CancelledError) as cause:  # noqa: BLE001 - what a tool raises is its answer
                traceback.print_exception(cause)
                answer, once = {"failure": f"{type(cause).__name__}: {cause}"}, None
            answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
