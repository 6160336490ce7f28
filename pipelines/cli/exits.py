"""Exit codes, as documented: scripts depend on them."""

from enum import IntEnum

from spaces_registry.errors import CallFailed, Missing, OutOfQuota, ToolkitError, Unauthorized


class Exit(IntEnum):
    """What the command's exit code means."""

    DONE = 0
    STEP_FAILED = 1
    WRONG = 2
    FAULT = 3
    NOT_ALLOWED = 4
    BLOCKED = 5
    INTERRUPTED = 130


_OTHERS = {"not-trusted": Exit.NOT_ALLOWED, "budget-exceeded": Exit.BLOCKED}


def exit_for(error: ToolkitError) -> Exit:
    """The exit code of an error that ended a command."""
    match error:
        case ToolkitError(is_run_kept=True):
            return Exit.STEP_FAILED
        case Unauthorized():
            return Exit.NOT_ALLOWED
        case OutOfQuota():
            return Exit.BLOCKED
        case Missing():
            return Exit.WRONG
        case CallFailed():
            return Exit.STEP_FAILED
        case _:
            return _OTHERS.get(error.code, Exit.WRONG)
