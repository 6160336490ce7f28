"""The command line. `main` alone turns errors into text and exit codes."""

import errno
import os
import sys
from collections.abc import Sequence

from spaces_registry.errors import ToolkitError

_MACHINE = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE})  # what the machine lacks is no fault of ours


def main(words: Sequence[str] | None = None) -> None:
    """The `spacechain` command.

    Args:
        words: what follows the command's name; None for the process's own.

    Raises:
        SystemExit: always, with a documented exit code.
    """
    from pipelines.cli.app import app  # noqa: PLC0415 - so that an error while importing is ours to show
    from pipelines.cli.exits import Exit, exit_for  # noqa: PLC0415
    from pipelines.cli.show import say, show_error  # noqa: PLC0415
    from pipelines.household.dotenv import apply_for_command  # noqa: PLC0415
    from spaces_registry.network.bounds import find_bounds  # noqa: PLC0415

    try:
        apply_for_command(list(sys.argv[1:] if words is None else words))
        find_bounds()  # a limit that is none is told before anything is done
        app(words, prog_name="spacechain")
    except ToolkitError as error:
        show_error(error)
        sys.exit(exit_for(error))
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        # the reader of our output went away, as `| head` does; nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.DONE)
    except OSError as cause:
        if cause.errno not in _MACHINE:
            _show_fault(cause)
            sys.exit(Exit.FAULT)
        if cause.errno in (errno.EMFILE, errno.ENFILE):
            say("error: too many files are open [storage-failed]")
            say("  hint: allow more (ulimit -n 4096), or run less at once")
            sys.exit(Exit.WRONG)
        say(f"error: the output cannot be written: {os.strerror(cause.errno or 0).lower()} [storage-failed]")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.WRONG)
    except Exception as fault:  # noqa: BLE001 - the last border: what comes here is a fault of ours
        _show_fault(fault)
        sys.exit(Exit.FAULT)


def _show_fault(fault: Exception) -> None:
    """A fault of ours, with its traceback in a file rather than in the user's face."""
    import tempfile  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    from pipelines.cli.show import safe, say  # noqa: PLC0415

    say(f"error: this is a fault of spacechain's: {type(fault).__name__}: {safe(str(fault))} [fault]")
    if os.environ.get("SPACECHAIN_DEBUG"):
        traceback.print_exception(fault)
        return
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="spacechain-fault-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exception(fault, file=file)
        say(f"  hint: please report it with the details in {file.name}")
    except OSError:
        say("  hint: run it again with SPACECHAIN_DEBUG=1 to see the details")
