"""YAML's own syntax errors in words that help: what stands there, and what to write instead."""

import re
from dataclasses import dataclass

import yaml


@dataclass(frozen=True, slots=True)
class Mistake:
    """A syntax error: where, as an index into the text, which sort, and in which words."""

    index: int
    code: str
    message: str
    hint: str | None = None


def explain(error: yaml.MarkedYAMLError, text: str) -> Mistake:
    """What a syntax error means to the person who wrote the text."""
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text)) if mark else 0
    opened = error.context_mark.index if error.context_mark else index
    problem, context = error.problem or "", error.context or ""
    return (
        _expression(text, index)
        or _character(text, index, problem)
        or _by_words(text, index, opened, f"{context} {problem}")
    )


def _line(text: str, index: int) -> str:
    """The whole line that an index stands in."""
    start = text.rfind("\n", 0, index) + 1
    end = text.find("\n", index)
    return text[start : end if end >= 0 else len(text)]


def _expression(text: str, index: int) -> Mistake | None:
    """The mistakes that people make with expressions."""
    if text[index - 1 : index + 2] == "${{":
        return _unquoted(index - 1, f"${{{{ {_inside(text, index + 2)} }}}}")
    line = _line(text, index)
    if bare := re.search(r":\s+\{\{((?:(?!\{\{).)*?)\}\}", line):
        start = text.rfind("\n", 0, index) + 1 + bare.start() + bare.group().index("{{")
        return bare_braces(start, bare[1])
    return None


def _unquoted(index: int, written: str) -> Mistake:
    """Brackets of an expression, where YAML takes them for its own."""
    message = "an expression needs quotes inside `{…}` or `[…]`"
    quote = "'" if '"' in written else '"'
    return Mistake(index, "unquoted-expression", message, f"write {quote}{written}{quote} in quotes")


def _inside(text: str, start: int) -> str:
    """What stands between `{{` and the next `}}` on the same line."""
    return re.split(r"\}\}|\n", text[start:], maxsplit=1)[0].strip()


def bare_braces(index: int, inner: str) -> Mistake:
    """An expression whose dollar sign is missing, so that YAML reads a mapping."""
    hint = f"write ${{{{ {inner.strip()} }}}}"
    return Mistake(index, "bare-braces", "`{{ … }}` needs a dollar sign to be an expression", hint)


def _character(text: str, index: int, problem: str) -> Mistake | None:
    """A character that YAML keeps for itself, at the beginning of a value."""
    if "cannot start any token" not in problem:
        return None
    found = text[index : index + 1]
    if found == "\t":
        return Mistake(index, "tab-indent", "a tab cannot indent in YAML", "indent with spaces")
    hint = "put the whole value in quotes"
    return Mistake(index, "yaml-syntax", f"a value cannot begin with `{found}`", hint)


_QUOTE_IT = "put the whole value in quotes"
_SENTENCES = (  # what the parser says, what that means, what to do
    (r"mapping values are not allowed", "`: ` inside a value makes YAML see a second key here", _QUOTE_IT),
    (
        r"sequence entries are not allowed",
        "a list cannot begin on the line of its key",
        "begin it on the next line",
    ),
    (
        r"unknown escape character",
        "there is no such escape in double quotes",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    (r"scanning an? (alias|anchor)", "`*` and `&` mean an alias and an anchor in YAML", _QUOTE_IT),
    (r"block scalar", "nothing may follow `|` or `>` on its line", "begin the text on the next line"),
    (
        r"directive|<document start>|document end",
        "this does not belong to the chain",
        "a chain file holds one mapping, and nothing after it",
    ),
    (
        r"node content",
        "a value is missing here, or begins with a sign that YAML keeps for itself",
        _QUOTE_IT,
    ),
)


def _by_words(text: str, index: int, opened: int, said: str) -> Mistake:
    """The rest, by what the parser says (in both its dialects, libyaml's and the pure one's)."""
    if "quoted scalar" in said and "end of stream" in said:
        return Mistake(
            opened, "yaml-syntax", "this quote is never closed", "close it, or double a quote that is meant"
        )
    if "flow" in said:
        sign, closing = ("{", "}") if "'}'" in said else ("[", "]")
        if not text[index:].strip() or "\n" in text[opened:index]:
            return Mistake(opened, "yaml-syntax", f"this `{sign}` is never closed", f"add the `{closing}`")
        hint = "a value with any of `, [ ] { }` in it needs quotes"
        return Mistake(index, "yaml-syntax", f"expected `,` or `{closing}` here", hint)
    if "unknown escape" in said and text[index : index + 1] != "\\":
        index -= 1
    if "could not find expected ':'" in said:
        return Mistake(opened, "yaml-syntax", "a key without `:` after it", "write `key: value`")
    for pattern, message, hint in _SENTENCES:
        if re.search(pattern, said):
            return Mistake(index, "yaml-syntax", message, hint)
    return _after_value(text, index)


def _after_value(text: str, index: int) -> Mistake:
    """Something stands where a key was expected: a wrong indent, or text behind a quoted value."""
    line = _line(text, index)
    start = text.rfind("\n", 0, index) + 1
    before = text[start:index]
    if re.search(r"""(["'])[^"']*\1\s*$""", before):
        message = "there is text after the closing quote"
        if re.match(r"\s*when:", line):
            return Mistake(index, "yaml-syntax", message, "write the name first: `when: name == 'text'`")
        return Mistake(index, "yaml-syntax", message, "put the whole value in one pair of quotes")
    if re.search(r"[*&][\w]+\s*$", before):
        return Mistake(index, "yaml-syntax", "`*` and `&` mean an alias and an anchor in YAML", _QUOTE_IT)
    if not before.strip():
        hint = "keys of one mapping begin in the same column"
        return Mistake(index, "yaml-syntax", "this line's indent fits nothing above it", hint)
    return Mistake(index, "yaml-syntax", "YAML did not expect this here", _QUOTE_IT)
