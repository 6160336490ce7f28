"""Applies patterns, in a process of its own, to texts made to be slow; prints those that take too long."""

import importlib
import json
import re
import signal
import sys
from typing import Any

LIMIT_S = 0.4  # of processor time for a text: what is linear takes a hundredth of it


class TooLongError(Exception):
    """The processor has worked on one text for longer than the limit."""


def _stop(*_: object) -> None:
    raise TooLongError


def _say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def _apply(pattern: "re.Pattern[Any]", way: str, text: Any) -> None:
    match way:
        case "search" | "match" | "fullmatch":
            getattr(pattern, way)(text)
        case _:
            for _ in pattern.finditer(text):
                pass


def main() -> None:
    """Read patterns as JSON, a line each, and print the ones that some text makes slow."""
    texts_of = importlib.import_module("patterns").slow_texts
    signal.signal(signal.SIGVTALRM, _stop)
    for line in sys.stdin:
        asked = json.loads(line)
        pattern = asked["pattern"].encode("latin-1") if asked["is_bytes"] else asked["pattern"]
        compiled = re.compile(pattern, asked["flags"])
        _say("at", asked["where"])  # whoever is killed says where
        for text in texts_of(pattern, asked["flags"]):
            content = text.encode("latin-1", "replace") if asked["is_bytes"] else text
            for way in asked["ways"]:
                signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
                try:
                    _apply(compiled, way, content)
                except TooLongError:
                    _say("slow", asked["where"], way, asked["pattern"], repr(text[:40]))
                    break
                finally:
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            else:
                continue
            break
    _say("done")


if __name__ == "__main__":
    main()
