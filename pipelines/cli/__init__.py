"""The command line. `main` alone turns errors into text and exit codes."""

import errno
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from spaces_registry.errors import ToolkitError

_MACHINE = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE})  # what the machine lacks is no fault of ours
_FILES_HINT = "allow more (ulimit -n 4096), or run less at once"
_AGAIN = "the same command goes on from there"


def main(words: Sequence[str] | None = None) -> None:
    """The `spacechain` command.

    Args:
        words: what follows the command's name; None for the process's own.

    Raises:
        SystemExit: always, with a documented exit code.
    """
    from pipelines.cli.exits import Exit, exit_for  # noqa: PLC0415
    from pipelines.cli.show import error_json, plain_error, say, show_error  # noqa: PLC0415

    told = list(sys.argv[1:] if words is None else words)
    tell = _teller(told)
    try:
        _run(told)
    except SystemExit as end:  # the command line's own mistakes end in one, too, and so does Ctrl-C
        if (interrupt := _interrupt_behind(end)) is not None:
            tell(_interrupted(interrupt, told))
        elif end.code and isinstance(mistake := end.__context__, Exception) and _is_usage(mistake):
            tell(_usage(mistake))
        raise
    except ToolkitError as error:
        show_error(error)
        tell(error_json(error))
        sys.exit(exit_for(error))
    except KeyboardInterrupt as interrupt:
        tell(_interrupted(interrupt, told))
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        # the reader of our output went away, as `| head` does; nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.DONE)
    except OSError as cause:
        if cause.errno not in _MACHINE:
            tell(_show_fault(cause))
            sys.exit(Exit.FAULT)
        if cause.errno in (errno.EMFILE, errno.ENFILE):
            say("error: too many files are open [storage-failed]")
            say(f"  hint: {_FILES_HINT}")
            tell(plain_error("storage-failed", "too many files are open", _FILES_HINT))
            sys.exit(Exit.WRONG)
        say(f"error: the output cannot be written: {os.strerror(cause.errno or 0).lower()} [storage-failed]")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.WRONG)
    except Exception as fault:  # noqa: BLE001 - the last border: what comes here is a fault of ours
        tell(_show_fault(fault))
        sys.exit(Exit.FAULT)


def _run(words: list[str]) -> None:
    from pipelines.cli.app import app  # noqa: PLC0415 - so that an error while importing is ours to show
    from pipelines.household.dotenv import apply_for_command  # noqa: PLC0415
    from spaces_registry.network.bounds import find_bounds  # noqa: PLC0415

    apply_for_command(words)
    find_bounds()  # a limit that is none is told before anything is done
    app(words, prog_name="spacechain")


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
