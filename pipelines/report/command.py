"""The command that goes on with a run, or runs it again, as its page shows it."""

import json
import shlex
from collections.abc import Iterator, Mapping

from pipelines.report.values import Json, items, mapping


def _options(document: Json) -> Iterator[str]:
    """The options that decide where a run's calls go, and which of them are made."""
    told = mapping(document.get("options"))
    yield from ("--local",) if told.get("local") is True else ()
    for space, url in mapping(told.get("use")).items():
        yield from ("--use", f"{space}={url}")
    yield from ("--frozen",) if told.get("frozen") is True else ()
    for step in items(told.get("only")):
        yield from ("--only", str(step))


def command_again(document: Json) -> str:
    """The command that goes on, or runs it again; files and long inputs are left to whoever runs it.

    A run whose budget is used up would go on with the same budget: its chain is to be run with a larger one.
    """
    errors = (mapping(mapping(one).get("error")) for one in mapping(document.get("steps")).values())
    is_spent = any(one.get("code") == "budget-exceeded" for one in errors)
    if document.get("status") != "succeeded" and document.get("run") and not is_spent:
        return shlex.join(("spacechain", "resume", str(document["run"])))
    words = [
        "spacechain",
        "run",
        str(document.get("named") or document.get("file") or document.get("chain") or ""),
        *_options(document),
    ]
    for name, value in mapping(document.get("inputs")).items():
        if isinstance(value, str | int | float) and len(str(value)) < 200:  # noqa: PLR2004 - a line's worth
            told = str(value).lower() if isinstance(value, bool) else str(value)
            words += ["-i", f"{name}={told}"]
        elif isinstance(value, Mapping) and "sha256" in value:
            words += ["-i", f"{name}={value.get('name', '…')}"]
        elif isinstance(value, list) and not any(
            isinstance(one, Mapping) and "sha256" in one for one in value
        ):
            told = json.dumps(value, ensure_ascii=False)
            words += ["-i", f"{name}={told if len(told) < 200 else '…'}"]  # noqa: PLR2004 - a line's worth
    return shlex.join(words)


def batch_again(document: Json, batch: str, *, is_done: bool) -> str:
    """The command that goes on with a batch, or does it again.

    Args:
        document: its `batch.json`.
        batch: its id.
        is_done: whether every row succeeded.
    """
    chain, table = document.get("chain"), document.get("table")
    if not is_done or not isinstance(chain, str) or not isinstance(table, str):
        return shlex.join(("spacechain", "resume", batch))
    words = ["spacechain", "batch", chain, table]
    for option, key in (("-i", "input"), ("--map", "map"), ("--use", "use")):
        for one in items(document.get(key)):
            words += [option, str(one)]
    for option, key in (("--name", "name"), ("--out", "out")):
        if isinstance(told := document.get(key), str) and (key, told) != ("out", "outputs"):
            words += [option, told]
    words += [f"--{key}" for key in ("local", "frozen") if document.get(key) is True]
    return shlex.join(words)
