"""How a row's files are named: a pattern with the row's columns in it, made safe part by part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from pipelines.artifacts.names import safe_name
from spaces_registry.errors import ToolkitError, nearest

ROW = "row"
_LONGEST = 90  # bytes of a name that its gaps share, below what a safe name is cut to
_SHORTEST = 12  # bytes that each gap gets in any case


class BadPattern(ToolkitError):
    """`--name` is no pattern, or names a column that is not there."""

    code = "bad-pattern"


@dataclass(frozen=True, slots=True)
class Gap:
    """One `{column:format}` of a pattern."""

    column: str
    format: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern such as `{prompt}-{row:03}`; a `/` in it makes folders.

    Attributes:
        parts: for each folder and for the name, its literal texts and its gaps.
    """

    parts: tuple[tuple[str | Gap, ...], ...]

    @property
    def columns(self) -> frozenset[str]:
        """The columns it reads."""
        return frozenset(one.column for part in self.parts for one in part if isinstance(one, Gap))

    @property
    def has_formats(self) -> bool:
        """Whether a cell may turn out not to fit it."""
        return any(isinstance(one, Gap) and one.format != "" for part in self.parts for one in part)

    def fill(self, cells: Mapping[str, object]) -> str:
        """The name of one row's files, without extension.

        Raises:
            BadPattern: a format does not fit its cell.
        """
        return "/".join(_filled(part, cells) for part in self.parts)


def read_pattern(text: str, columns: Sequence[str]) -> Pattern:
    """A pattern out of its text.

    Args:
        text: as written behind `--name`.
        columns: what may stand in its gaps, beside `row`.

    Raises:
        BadPattern: it is none, or names another column.
    """
    parts: list[tuple[str | Gap, ...]] = []
    for part in text.split("/"):
        found: list[str | Gap] = []
        try:
            for literal, column, form, conversion in Formatter().parse(part):
                found += [literal] if literal else []
                if column is None:
                    continue
                if column not in (ROW, *columns):
                    hint = nearest(column, (ROW, *columns)) if column else "write {row} or {a column}"
                    raise BadPattern(f"--name reads {{{column}}}, which is no column", hint=hint)
                if conversion or "{" in (form or ""):
                    raise BadPattern(f"--name takes {{column}} or {{column:format}}, and got {part!r}")
                found.append(Gap(column, form or ""))
        except ValueError as cause:
            hint = "write it as '{prompt}-{row:03}'; a brace itself is written twice"
            raise BadPattern(f"--name is no pattern: {cause}", hint=hint) from None
        parts.append(tuple(found))
    if not all(parts):
        raise BadPattern(f"--name has an empty part: {text!r}", hint="write it as '{prompt}-{row:03}'")
    return Pattern(tuple(parts))


def _filled(part: Sequence[str | Gap], cells: Mapping[str, object]) -> str:
    texts = [one if isinstance(one, str) else _shown(one, cells.get(one.column, "")) for one in part]
    free = [
        at for at, one in enumerate(part) if isinstance(one, Gap) and not one.format and one.column != ROW
    ]
    taken = sum(len(text.encode("utf-8", "ignore")) for at, text in enumerate(texts) if at not in free)
    most = max(_SHORTEST, (_LONGEST - taken) // max(1, len(free)))
    for at in free:
        texts[at] = _short(texts[at], most)
    return safe_name("".join(texts), ".x").removesuffix(".x")


def _shown(gap: Gap, cell: object) -> str:
    if not gap.format:
        return str(cell)
    for kind in (int, float, str):
        try:
            return format(kind(str(cell)), gap.format)
        except ValueError:
            continue
    raise BadPattern(f"--name: the format {gap.format!r} does not fit {gap.column}, which is {cell!r}")


def _short(text: str, most: int) -> str:
    """The beginning of a text as part of a file name, cut between words where that is possible."""
    slug = safe_name(text, ".x").removesuffix(".x") if text.strip() else ""
    raw = slug.encode("utf-8", "ignore")
    if len(raw) <= most:
        return slug
    cut = raw[:most].decode("utf-8", "ignore")
    words, dash, _ = cut.rpartition("-")
    return words if dash and len(words) > most // 2 else cut
