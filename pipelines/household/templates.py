"""The user's own prompt templates: a YAML file in the home folder, edited by hand or by command."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chains.prompt_reader import read_templates, shipped
from chains.prompts import PromptTemplate
from pipelines.artifacts import StorageFailed
from pipelines.household.home import Home
from spaces_registry.errors import ToolkitError, nearest

Origin = Literal["chain", "home", "shipped"]


class UnknownTemplate(ToolkitError):
    """There is no prompt template of that name."""

    code = "unknown-template"


class TemplateNotWritten(ToolkitError):
    """The library of templates was not changed."""

    code = "not-written"


@dataclass(frozen=True, slots=True)
class Known:
    """A template, and where it is from.

    Attributes:
        template: the one that counts for its name.
        origin: `chain`, `home` (the user's) or `shipped` (comes with spacechain).
    """

    template: PromptTemplate
    origin: Origin


def home_library(home: Home) -> Mapping[str, PromptTemplate]:
    """The templates of the user's own library; none if there is no file.

    Raises:
        InvalidTemplates: something is wrong with the file; all problems are in it.
        StorageFailed: it cannot be read.
    """
    return read_templates(_text(home), str(home.templates))


def known_templates(home: Home, of_chain: Mapping[str, PromptTemplate] = {}) -> dict[str, Known]:
    """Every template by name, sorted: a chain's before the user's before those that come with spacechain.

    Args:
        home: has the user's.
        of_chain: those that a chain fills, whatever their origin.

    Raises:
        InvalidTemplates, StorageFailed: as `home_library`.
    """
    own = home_library(home)
    known = {name: Known(one, "shipped") for name, one in shipped().items()}
    known |= {name: Known(one, "home") for name, one in own.items()}
    known |= {
        name: Known(one, "chain")
        for name, one in of_chain.items()
        if name not in known or known[name].template != one
    }
    return dict(sorted(known.items()))


def add_templates(home: Home, text: str, whence: str, *, replace: bool = False) -> tuple[str, ...]:
    """Add templates to the user's library; what stands there stays as it is, comments and all.

    Args:
        home: has the library.
        text: the templates, as YAML.
        whence: what to call that text in messages.
        replace: whether those of the same names go.

    Returns:
        The names of what was added.

    Raises:
        InvalidTemplates: the text, or the library, has something wrong in it.
        TemplateNotWritten: there is nothing in the text, or a name is taken.
        StorageFailed: the library cannot be read or written.
    """
    new = read_templates(text, whence)
    if not new:
        raise TemplateNotWritten(
            f"{whence} has no templates in it", hint="see how one is written: spacechain templates cinematic"
        )
    old = home_library(home)
    taken = [name for name in new if name in old]
    if taken and not replace:
        message = f"there is a template {taken[0]!r} already in {home.templates}"
        raise TemplateNotWritten(message, hint="add --replace to put this one in its place")
    kept = _without(_text(home), taken)
    _write(home, "\n".join(part.strip("\n") for part in (kept, text) if part.strip()) + "\n", {*old, *new})
    return tuple(new)


def remove_template(home: Home, name: str) -> None:
    """Remove a template from the user's library.

    Raises:
        UnknownTemplate: it is not there.
        InvalidTemplates: the library has something wrong in it.
        StorageFailed: the library cannot be read or written.
    """
    own = home_library(home)
    if name not in own:
        if name in shipped():
            hint = "one that comes with spacechain stays; a template of yours with this name counts before it"
            raise UnknownTemplate(f"{name!r} is no template of yours", hint=hint)
        raise UnknownTemplate(f"there is no template {name!r} in {home.templates}", hint=nearest(name, own))
    _write(home, _without(_text(home), [name]), {*own} - {name})


def written(template: PromptTemplate) -> str:
    """A template as YAML, in the form that a library has it."""
    import yaml  # noqa: PLC0415 - only showing and adding pay for it

    facts: dict[str, object] = {"prompt": template.prompt}
    facts |= {"help": template.help} if template.help else {}
    facts |= {"negative": template.negative} if template.negative else {}
    facts |= {"variables": dict(template.variables)} if template.variables else {}
    text: str = yaml.safe_dump({template.name: facts}, sort_keys=False, allow_unicode=True, width=100)
    return text.replace(": null\n", ":\n")


def _without(text: str, names: list[str]) -> str:
    """The text without these top-level keys; a comment goes with the key that it stands under or beside."""
    import yaml  # noqa: PLC0415

    root = yaml.compose(text, Loader=yaml.SafeLoader) if names else None
    if not isinstance(root, yaml.MappingNode):
        return text
    lines = text.splitlines(keepends=True)
    starts = [key.start_mark.line for key, _ in root.value] + [len(lines)]
    for (key, _), start, following in reversed([*zip(root.value, starts[:-1], starts[1:], strict=True)]):
        if key.value in names:
            end = following
            while end > start + 1 and following < len(lines) and lines[end - 1].startswith("#"):
                end -= 1  # what stands right above the next key is about that
            del lines[start:end]
    return "".join(lines)


def _text(home: Home) -> str:
    try:
        return home.templates.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as cause:
        raise StorageFailed(home.templates, cause) from cause
    except UnicodeDecodeError as cause:
        message = f"{home.templates} is not UTF-8 from byte {cause.start} on"
        raise TemplateNotWritten(message, hint="save it as UTF-8") from None


def _write(home: Home, text: str, names: set[str]) -> None:
    """Write the library aside and put it into its place, if it then holds just these names."""
    if set(read_templates(text, str(home.templates))) != names:
        message = f"{home.templates} is written in a way that only an editor can change"
        raise TemplateNotWritten(
            message, hint="write each template as a block of its own: NAME: and below it its parts"
        )
    aside: Path | None = None
    try:
        home.make()
        descriptor, name = tempfile.mkstemp(dir=home.folder, prefix=".templates-")
        aside = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        aside.replace(home.templates)
    except OSError as cause:
        if aside is not None:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        raise StorageFailed(home.templates, cause) from cause
