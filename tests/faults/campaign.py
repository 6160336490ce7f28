"""What all campaigns share: a watch over every example, figures at the end, and ways to spoil a document."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from spaces_registry.errors import ToolkitError

LONGEST_S = 5.0  # of one example's work
TIMES = int(os.environ.get("SPACECHAIN_FUZZ", "0"))  # so many times the examples, and other ones each time


def tries(number: int) -> settings:
    """So many examples: the same ones each time, unless `SPACECHAIN_FUZZ` asks for more and for others."""
    return settings(
        max_examples=number * max(1, TIMES),
        derandomize=not TIMES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


class Hung(BaseException):
    """An example worked for longer than any may; no `except Exception` hides it."""


@dataclass(slots=True)
class Campaign:
    """The figures of one campaign.

    Attributes:
        name: what is tried.
        tried: examples so far.
        refused: those that an error of ours answered.
        lost: those that anything else came out of, or that worked for too long.
        longest_s: the processor time of the longest.
        codes: how often each error was the answer, and each problem in it.
    """

    name: str
    tried: int = 0
    refused: int = 0
    lost: int = 0
    longest_s: float = 0.0
    codes: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def example(self) -> Iterator[None]:
        """One example: an error of ours ends it, every other exception is a loss."""
        self.tried += 1
        began = time.process_time()
        try:
            with watched():
                yield
        except ToolkitError as error:
            self.refused += 1
            self.codes.update(
                [error.code, *(getattr(one, "code", "") for one in getattr(error, "problems", ()))]
            )
            _is_fit_to_be_read(error)
        except BaseException:
            self.lost += 1
            raise
        finally:
            self.longest_s = max(self.longest_s, time.process_time() - began)

    def __str__(self) -> str:
        kept = self.tried - self.refused - self.lost
        return (
            f"{self.name}: {self.tried} tried, {kept} accepted, {self.refused} refused"
            f" ({len(self.codes)} codes), {self.lost} lost; the longest worked {self.longest_s:.2f} s"
        )


def _is_fit_to_be_read(error: ToolkitError) -> None:
    """A person sees it, on one line of a terminal."""
    assert error.message, error
    assert "\n" not in error.message or hasattr(error, "problems"), error.message
    f"{error.message} {error.hint}".encode()


@contextmanager
def watched() -> Iterator[None]:
    """End whatever takes more of the processor than any example may; what waits is for pytest-timeout."""
    began = time.thread_time()

    def end(*_: object) -> None:
        if time.thread_time() - began < LONGEST_S:  # the rest was other threads': a server's, say
            signal.setitimer(signal.ITIMER_PROF, 1.0)
            return
        raise Hung(f"no end within {LONGEST_S:g} s of work")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


PLACES = st.integers(0, 10**9)


def holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document: its list or object, and the index or key in it."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            yield here, key
            waiting.append(here[key])


def changes(odd: st.SearchStrategy[Any], keys: list[str], most: int = 4) -> st.SearchStrategy[Any]:
    """What may be done to a document: as `changed` takes it."""
    done = st.sampled_from(["replace", "replace", "remove", "repeat", "wrap", "insert", "swap", "rename"])
    return st.lists(st.tuples(PLACES, done, odd, st.sampled_from(keys or ["key"])), min_size=1, max_size=most)


def changed(document: Any, todo: list[tuple[int, str, Any, str]]) -> Any:
    """The document with some of its places replaced, removed, repeated, wrapped, swapped, renamed, added."""
    whole = {"": deepcopy(document)}
    for number, done, odd, name in todo:
        places = list(holders(whole))
        holder, key = places[number % len(places)]
        match done:
            case "remove" if key != "":
                del holder[key]
            case "repeat" if isinstance(holder, list):
                holder.insert(key, deepcopy(holder[key]))
            case "wrap":
                holder[key] = [holder[key]] if number % 2 else {name: holder[key]}
            case "insert" if isinstance(holder[key], dict):
                holder[key][name] = deepcopy(odd)
            case "insert" if isinstance(holder[key], list):
                holder[key].append(deepcopy(odd))
            case "swap":
                other, its = places[(number // 7) % len(places)]
                if its != "" and key != "":
                    holder[key], other[its] = deepcopy(other[its]), deepcopy(holder[key])
            case "rename" if isinstance(holder, dict) and key != "":
                holder[name] = holder.pop(key)
            case _:
                holder[key] = deepcopy(odd)
    return whole[""]


WOUNDS = st.lists(
    st.tuples(
        PLACES,
        st.sampled_from(["cut", "put", "put", "double", "drop", "indent", "end", "swap"]),
        st.sampled_from(
            [
                *(":", " ", "\t", "- ", "{", "}", "[", "]", "'", '"', "$", "${{", "}}", "$$", "|", ">"),
                *("&a ", "*a", "!!python/object:os.system ", "#", "\n", "\r", "\x00", "\x85", "\u2028"),
                *("\ufeff", "é", "日本", "🎬", "\u202e", "---\n", "? ", "<<: *a", "0x", "1e999", ".inf"),
                *("~", "%", "@", "`", ","),
            ]
        ),
    ),
    min_size=1,
    max_size=6,
)


def wounded(text: str, todo: list[tuple[int, str, str]]) -> str:
    """The text with lines and characters cut, put in, doubled, dropped, indented or swapped."""
    for number, done, new in todo:
        lines = text.split("\n")
        line, at = number % len(lines), number % (len(text) + 1)
        match done:
            case "cut":
                text = text[:at] + text[at + 1 + number % 9 :]
            case "put":
                text = text[:at] + new + text[at:]
            case "double":
                text = "\n".join([*lines[: line + 1], *lines[line:]])
            case "drop":
                text = "\n".join([*lines[:line], *lines[line + 1 :]])
            case "indent":
                text = "\n".join([*lines[:line], " " * (1 + number % 3) + lines[line], *lines[line + 1 :]])
            case "end":
                text = text[:at]
            case "swap":
                other = (number // 7) % len(lines)
                lines[line], lines[other] = lines[other], lines[line]
                text = "\n".join(lines)
    return text


ODD = st.one_of(
    st.sampled_from(
        [
            *(None, True, False, 0, -1, 1.5, 10**30, -(10**30), 1e300, "", " ", "a", "2h", "0s"),
            *("1e999s", "-5m", "20MB", "$inputs", "$inputs.prompt", "$image.image"),
            *("$image.outputs[99]", "$film", "$nobody.text", "$", "$$", "$100", "${{ inputs.prompt }}"),
            *("${{ 1 / 0 }}", "${{ item }}", "${{ 'a' * 3 }}", "${{", "}}", "${{ }}", "{{ a }}"),
            *("a ${{ run.id }} b ${{ env.KEY }}", "${{ [1, 2][inputs.seconds] }}"),
            *("${{ template('cinematic') }}", "../x", "/etc/passwd", "http://[", "https://a.b/c"),
            *("a/b", "short-film", "starter", "x.py:f", "spoilt.yaml", "text", "image", "video"),
            *("number", "gallery", "auto", "mux", "slideshow", "text-to-image", "replicate", "\u202e"),
            *("日本", "🎬", "a\nb", "a" * 500, "no", "1:30", "010", "0x1F", "[0].x", "(a+)+$", "[", "*"),
            *([], {}, [[]], [None], {"a": None}, {"": 1}, [1, "a", {}], ["a"] * 50),
            *({"in": [1], "keep_going": True}, {"kind": "text"}, {"space": "a/b"}),
            *({"media": "mux", "with": {}}, {"kind": "image", "default": "a.png"}),
            *({"chain": "starter"}, {"chain": "spoilt.yaml"}, {"python": "a.py:b"}, {"find": "draw"}),
            *({"each": "$inputs.x"},),
        ]
    ),
    st.text(max_size=12),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)


SCALARS = st.one_of(
    st.sampled_from(
        [
            *(None, True, False, 0, -1, 10**400, -(10**25), 1.5, float("nan"), float("inf"), "", "a"),
            *("�", "\x00", "/a.png", "data:image/png;base64,iVBORw0KGgo=", "data:,", "data:;base64,%"),
            *("http://[", "https://", "http://127.0.0.1:1/x.png", "file:///etc/passwd", "\u2028", "日本"),
            *("\x1b[31m", "a" * 3000, "1e999", "../.."),
        ]
    ),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
)
KEYS = st.sampled_from(
    [
        *("path", "url", "name", "is_file", "data", "orig_name", "mime_type", "meta", "size", "image"),
        *("video", "caption", "composite", "background", "layers", "__type__", "value", "_type"),
        *("items", "a", "b", "is_stream"),
    ]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
