"""What went wrong with a call of a model: the client library's exceptions, and the answers behind them.

Some providers tell a job's failure with HTTP 200, which the library raises as `ValueError` or `RuntimeError`
in words of its own, or takes for a job that is not done yet: what the place itself said goes first.
"""

from typing import Any

from pipelines.runners.model_answers import misread
from pipelines.runners.model_refusals import Asked, refused
from spaces_registry.errors import (
    BadOutput,
    Building,
    Busy,
    CallFailed,
    Crashed,
    Missing,
    RejectedInput,
    TimedOut,
    ToolkitError,
    Unauthorized,
    Unreachable,
)
from spaces_registry.network.refusals import line


class ModelsNotInstalled(ToolkitError):
    """A library that this task's answers need is not here."""

    code = "not-installed"


def failure_of(
    cause: Exception, asked: Asked, refusal: Any = None, answer: Any = None
) -> ToolkitError | None:
    """The failure that an exception of the library means; None for what is a bug of ours.

    Args:
        cause: what it raised.
        asked: what was called.
        refusal: the last HTTP answer that was a refusal, if there was one.
        answer: the last one that was none.
    """
    import httpx2  # noqa: PLC0415 - only a failure needs them
    from huggingface_hub import errors  # noqa: PLC0415

    place = asked.place
    match cause:
        case ToolkitError():
            return cause
        case errors.OfflineModeIsEnabled():
            return Unreachable(place, f"{place}: nothing is asked, because HF_HUB_OFFLINE is set")
        case errors.HfHubHTTPError() | httpx2.HTTPStatusError():
            return refused(asked, cause.response)
        case errors.InferenceTimeoutError():
            return TimedOut(place, f"{place} did not answer in time", said=str(cause))
        case errors.TextGenerationError():
            return _text_generation(asked, cause)
        case httpx2.HTTPError() | httpx2.StreamError() | httpx2.InvalidURL():
            return Unreachable(place, f"{place}: the connection broke: {cause or type(cause).__name__}")
        case ImportError():
            hint = 'pip install "spacechain[media]"'  # Pillow
            if "numpy" in str(cause).lower():
                hint = "pip install numpy"
            return ModelsNotInstalled(f"{place}: {asked.task} needs a library: {line(str(cause))}", hint=hint)
    if refusal is not None:  # it read an answer that was none
        return refused(asked, refusal)
    return misread(asked, cause, answer) or _in_words(cause, asked)


def _text_generation(asked: Asked, cause: Exception) -> CallFailed:
    from huggingface_hub import errors  # noqa: PLC0415

    said = str(cause)
    message = f"{asked.place}: {line(said)}"
    match cause:
        case errors.OverloadedError():
            return Busy(asked.place, message, said=said)
        case errors.ValidationError():
            return RejectedInput(asked.place, message, said=said)
    return Crashed(asked.place, message, said=said)


def _in_words(cause: Exception, asked: Asked) -> CallFailed | None:
    """The failure behind one of the library's own complaints, which have no class."""
    said = " ".join(str(one) for one in cause.args) or type(cause).__name__
    place, message = asked.place, f"{asked.place}: {line(said)}"
    match cause:
        case TimeoutError():  # replicate's: the model did not start within a minute
            return Building(place, message, said=said, hint="it may still be starting; try again")
        case ValueError() | RuntimeError():
            if "not supported" in said or "doesn't support task" in said or "No provider mapping" in said:
                return Missing(place, message, said=said, hint=asked.elsewhere)
            if "api_key" in said:
                return Unauthorized(place, message, said=said, hint="set HF_TOKEN or run `hf auth login`")
            if said.startswith(("You cannot specify", "You must specify")):
                return RejectedInput(place, message, said=said)
            if "Timed out" in said:
                return TimedOut(place, message, said=said)
            if "failed" in said:
                return Crashed(place, message, said=said)
            return BadOutput(place, message, said=said)
        case KeyError() | IndexError() | TypeError() | AttributeError() | OSError():
            message = f"{place} answered with something else than a result of {asked.task}: {line(said)}"
            return BadOutput(place, message, said=said)
    return None
