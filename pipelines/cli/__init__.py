"""The command line. `main` alone turns errors into text and exit codes."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.cli.streams import Streams

_AGAIN = "the same command goes on from there"
_MAKING = frozenset({"run", "resume", "batch", "call", "link"})  # commands that keep what they made
_HELP = frozenset({"--help", "-h", "--version"})


def main(words: Sequence[str] | None = None) -> None:
    """The `spacechain` command.

    Args:
        words: what follows the command's name; None for the process's own, whose streams are replaced then.

    Raises:
        SystemExit: always, with a documented exit code.
    """
    from pipelines.cli.streams import open_streams  # noqa: PLC0415

    if words is not None:
        _end([*words])
        return
    streams, told = open_streams(), sys.argv[1:]
    try:
        _end(told)
    except SystemExit as end:
        _tell_lost(streams, told, end)
        raise


def _tell_lost(streams: "Streams", words: Sequence[str], end: SystemExit) -> None:
    """Say that results could not be written, and let the exit code say so where nothing worse happened."""
    from pipelines.cli.exits import Exit  # noqa: PLC0415
    from pipelines.cli.show import say  # noqa: PLC0415

    if (why := streams.lost()) is None:
        return
    is_kept = next(iter(words), "") in _MAKING
    say(f"error: the output cannot be written: {why} [storage-failed]")
    say("  hint: " + ("what was made is kept: spacechain runs" if is_kept else "let stdout lead elsewhere"))
    if not end.code:
        end.code = int(Exit.STEP_FAILED if is_kept else Exit.WRONG)


def _end(words: list[str]) -> None:
    """Run a command; whatever it raises becomes an exit code, told in words and, if asked for, as JSON."""
    from pipelines.cli.exits import Exit, exit_for  # noqa: PLC0415
    from pipelines.cli.show import error_json, show_error  # noqa: PLC0415
    from spaces_registry.machine import refusal_in  # noqa: PLC0415

    tell = _teller(words)
    try:
        _run(words)
    except SystemExit as end:  # the command line's own mistakes end in one, too, and so does Ctrl-C
        if (interrupt := _interrupt_behind(end)) is not None:
            tell(_interrupted(interrupt, words))
        elif end.code and isinstance(mistake := end.__context__, Exception) and _is_usage(mistake):
            tell(_usage(mistake))
        raise
    except KeyboardInterrupt as interrupt:
        tell(_interrupted(interrupt, words))
        sys.exit(Exit.INTERRUPTED)
    except Exception as fault:  # noqa: BLE001 - the last border: what is left of it is a fault of ours
        error = refusal_in(fault)
        if error is None:
            tell(_show_fault(fault))
            sys.exit(Exit.FAULT)
        if error is not fault and os.environ.get("SPACECHAIN_DEBUG"):
            import traceback  # noqa: PLC0415

            traceback.print_exception(fault)
        show_error(error)
        tell(error_json(error))
        sys.exit(exit_for(error))


def _run(words: list[str]) -> None:
    from pipelines.cli.app import app  # noqa: PLC0415 - so that an error while importing is ours to show
    from pipelines.household.dotenv import apply_for_command  # noqa: PLC0415
    from spaces_registry.machine import require_current_folder  # noqa: PLC0415
    from spaces_registry.network.bounds import find_bounds  # noqa: PLC0415

    if not _asks_for_help(words):
        require_current_folder()
    apply_for_command(words)
    find_bounds()  # a limit that is none is told before anything is done
    app(words, prog_name="spacechain")


def _asks_for_help(words: Sequence[str]) -> bool:
    return not words or words[0] == "help" or not _HELP.isdisjoint(words)


def _teller(words: Sequence[str]) -> Callable[[Mapping[str, object]], None]:
    """What prints an error as JSON on stdout, where `--json` or `--events` asks for it."""
    from pipelines.cli.show import result_json  # noqa: PLC0415

    options = words[: words.index("--")] if "--" in words else words

    def tell(document: Mapping[str, object]) -> None:
        if {"--json", "--events"} & {*options}:
            result_json(document, indent=None, is_versioned=True)

    return tell


def _interrupt_behind(end: SystemExit) -> KeyboardInterrupt | None:
    """The Ctrl-C that Typer made an exit of."""
    behind = end.__context__ and end.__context__.__cause__
    return behind if isinstance(behind, KeyboardInterrupt) else None


def _interrupted(interrupt: KeyboardInterrupt, words: Sequence[str]) -> dict[str, object]:
    """Say that Ctrl-C ended the command; the same as JSON."""
    from pipelines.cli.show import plain_error, say  # noqa: PLC0415

    why = str(interrupt) or "interrupted"
    say(why)
    return plain_error("interrupted", why, _AGAIN, shlex.join(["spacechain", *words]))


def _is_usage(mistake: Exception) -> bool:
    """Whether it is about the words of the command line, by what Typer's own errors have."""
    return callable(getattr(mistake, "format_message", None))


def _usage(mistake: Exception) -> dict[str, object]:
    told = getattr(getattr(mistake, "ctx", None), "command_path", None)  # of the command that read the words
    hint = f"see {told or 'spacechain'} --help"
    message: str = mistake.format_message()  # type: ignore[attr-defined]  # as `_is_usage` found
    from pipelines.cli.show import plain_error  # noqa: PLC0415

    return plain_error("usage", message, hint)


def _show_fault(fault: Exception) -> dict[str, object]:
    """A fault of ours, with its traceback in a file rather than in the user's face; the same as JSON."""
    import tempfile  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    from pipelines.cli.show import plain_error, safe, say  # noqa: PLC0415

    message = f"this is a fault of spacechain's: {type(fault).__name__}: {safe(str(fault))}"
    say(f"error: {message} [fault]")
    if os.environ.get("SPACECHAIN_DEBUG"):
        traceback.print_exception(fault)
        return plain_error("fault", message, None)
    hint = "run it again with SPACECHAIN_DEBUG=1 to see the details"
    with suppress(OSError):
        with tempfile.NamedTemporaryFile(
            "w", prefix="spacechain-fault-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exception(fault, file=file)
        hint = f"please report it with the details in {file.name}"
    say(f"  hint: {hint}")
    return plain_error("fault", message, hint)
