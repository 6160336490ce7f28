"""The templates of pages, and how a page is written."""

import os
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.artifacts import StorageFailed
from spaces_registry.plain import lines

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def template(name: str) -> "Template":
    """A page's template; whatever is put into it is escaped."""
    return _environment().get_template(f"{name}.html.jinja")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - only who writes pages

    def read(name: str) -> str:
        return (files("pipelines.report") / name).read_text(encoding="utf-8")

    made = Environment(
        loader=FunctionLoader(read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    made.filters["duration"] = duration
    return made


def _seen(value: object) -> object:
    """A value as the page shows it: without controls and marks that turn the direction of writing."""
    return lines(value) if type(value) is str else value  # what is markup was put together of such values


def write_page(path: Path, parts: Iterable[str]) -> Path:
    """Write a page; whoever has it open never sees half of it.

    Raises:
        StorageFailed: the folder cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(parts)
        aside.replace(path)
    except OSError as cause:
        aside.unlink(missing_ok=True)
        raise StorageFailed(path, cause) from cause
    return path


def duration(seconds: float) -> str:
    """Seconds for people: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:  # noqa: PLR2004 - two digits are enough
        return f"{seconds:.1f} s"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"
