"""What an app says when a call fails: on purpose (`gr.Error`), or because of an exception that nobody caught.

An app that raises `gr.Error` works: it refuses this call, mostly for its arguments. So the failure is
`RejectedInput`, unless the words say that the app is busy, still loading, or that a quota is used up. An
exception that nobody caught is `Crashed`, whatever its words.
"""

import ast
import re
from collections.abc import Sequence
from typing import Final

from spaces_registry.errors import Building, Busy, CallFailed, Crashed, OutOfQuota, RateLimited, RejectedInput
from spaces_registry.network.refusals import by_words, line, says_it_loads, wait_in
from spaces_registry.plain import words

_KINDS: Final[Sequence[tuple[re.Pattern[str], type[CallFailed]]]] = (
    (
        re.compile(
            r"\b(?:exceeded|reached|used up|depleted|exhausted|insufficient|out of)\b"
            r".{0,40}\b(?:quota|credits)\b"
            r"|\b(?:quota|credits)\b.{0,20}\b(?:exceeded|reached|used up|depleted|exhausted)\b",
            re.IGNORECASE,
        ),
        OutOfQuota,
    ),
    (
        re.compile(
            r"\btoo many requests\b|\brate[ -]?limit(?:ed|s)?\b.{0,20}\b(?:reached|exceeded|hit)\b"
            r"|\b(?:reached|exceeded|hit)\b.{0,40}\brate[ -]?limit",
            re.IGNORECASE,
        ),
        RateLimited,
    ),
    (
        re.compile(
            r"\b(?:is|are|too|very|currently|server|service|system|model|gpu) busy\b|\boverloaded\b"
            r"|\bat (?:full |max(?:imum)? )?capacity\b|\bqueue is (?:currently )?full\b",
            re.IGNORECASE,
        ),
        Busy,
    ),
)
_UPSTREAM = re.compile(
    r"^The upstream Gradio app has raised an exception"
)  # which an app that calls it repeats
_HINT = "the app itself refuses this: change what it is given, or choose another place"
_HIDDEN = "the app hides its errors; try its web page with the same input, or another Space"
_LONGEST = 10_000  # characters that are read as Python's `repr` of a text
_MOST = 2_000  # characters that are searched for such words


def refused_by_app(
    place: str, said: str | None, title: str | None = None, *, is_spoken: bool | None = None
) -> CallFailed:
    """The failure that an app's own error means.

    Args:
        place: what was called.
        said: the error's text; None if the app hides it (`launch(show_error=False)`).
        title: the heading that the app gave it, e.g. `ZeroGPU quota exceeded`.
        is_spoken: whether the app raised it on purpose; None where the answer has no field that tells. Then
            the text does: Gradio 3 and the first 4.x send a `gr.Error` as the `repr` of its message, in
            quotation marks, and the text of another exception without.
    """
    title = words(title) if title else None
    message = unquoted(said or "") if is_spoken is not False else said or ""
    if is_spoken is None:
        is_spoken = message != (said or "")
    if not message and not is_spoken:
        hidden = f"{place} raised an error that it does not show"
        return Crashed(place, hidden, said=title, hint=_HIDDEN)
    text = words(message) or title or "it refuses the call, and does not say why"
    if (failure := by_words(place, text, title)) is not None:
        return failure
    shown = f"{place}: {line(text)}"
    if not is_spoken or _UPSTREAM.search(text):
        return Crashed(place, shown, said=text)
    kind = _kind(f"{title or ''}\n{text}"[:_MOST])
    hint = _HINT if kind is RejectedInput else None
    return kind(place, shown, said=text, wait_s=wait_in(text), hint=hint)


def _kind(said: str) -> type[CallFailed]:
    """The class of what an app says on purpose; a time after which it may be asked again means busy."""
    if (kind := next((kind for wording, kind in _KINDS if wording.search(said)), None)) is not None:
        return kind
    if says_it_loads(said):
        return Building
    return RejectedInput if wait_in(said) is None else Busy


def unquoted(said: str) -> str:
    """The text within its quotation marks, if it is Python's `repr` of a text."""
    if not (2 <= len(said) <= _LONGEST and said[0] == said[-1] and said[0] in "'\""):  # noqa: PLR2004 - two marks
        return said
    try:
        text = ast.literal_eval(said)
    except (ValueError, SyntaxError):
        return said
    return text if isinstance(text, str) else said
