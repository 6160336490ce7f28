"""`templates`: prompts with gaps, those that come with spacechain and the user's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsJson, BadOption, pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chains.prompts import PromptTemplate
    from pipelines.household.templates import Known

_COLUMNS = 80


def templates(  # noqa: PLR0913 - a command's options
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME | add NAME | add FILE | remove NAME]", help="Which, or what to do."),
    ] = None,
    *,
    prompt: Annotated[str | None, typer.Option("--prompt", metavar="TEXT", help="add: with {gaps}.")] = None,
    negative: Annotated[
        str | None, typer.Option("--negative", metavar="TEXT", help="add: what should not be seen.")
    ] = None,
    default: Annotated[
        list[str] | None,
        typer.Option("--default", metavar="GAP=TEXT", help="add: what stands in a gap that is not filled."),
    ] = None,
    about: Annotated[str | None, typer.Option("--about", metavar="TEXT", help="add: what it is for.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="add: in place of one of that name.")] = False,
    chain: Annotated[
        str | None, typer.Option("--chain", metavar="CHAIN", help="Show this chain's templates too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List prompt templates, show one, add or remove one of yours."""
    adding = {"--prompt": prompt, "--negative": negative, "--default": default, "--about": about}
    given = [
        option for option, value in {**adding, "--replace": replace or None}.items() if value is not None
    ]
    match words or []:
        case ["add", what]:
            _add(what, prompt, negative, default, about, replace=replace, as_json=as_json)
        case ["add", *_]:
            raise BadOption("`templates add` takes one name or file", hint=_HOW_TO_ADD)
        case _ if given:
            raise BadOption(f"{given[0]} goes with `templates add`", hint=_HOW_TO_ADD)
        case ["remove", name]:
            _remove(name, as_json=as_json)
        case ["remove", *_]:
            raise BadOption(
                "`templates remove` takes one name", hint="write: spacechain templates remove NAME"
            )
        case []:
            _list(_known(chain), as_json=as_json)
        case [name]:
            _show(name, _known(chain), as_json=as_json)
        case _:
            raise BadOption("`templates` takes one name", hint="put a name with spaces in it into quotes")


_HOW_TO_ADD = (
    "write: spacechain templates add noir --prompt 'film noir, {subject}, {light}' --default light=hard"
)


def _known(chain: str | None) -> "Mapping[str, Known]":
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.library import find_chain  # noqa: PLC0415
    from pipelines.household.templates import known_templates  # noqa: PLC0415

    return known_templates(find_home(), find_chain(chain).prompts if chain else {})


def _list(known: "Mapping[str, Known]", *, as_json: bool) -> None:
    from pipelines.cli.show import result_json, table  # noqa: PLC0415

    if as_json:
        result_json([_json(one) for one in known.values()])
        return
    rows = [
        (name, one.origin, one.template.help, ", ".join(one.template.variables))
        for name, one in known.items()
    ]
    table(("TEMPLATE", "FROM", "WHAT IT IS FOR", "VARIABLES"), rows)


def _show(name: str, known: "Mapping[str, Known]", *, as_json: bool) -> None:
    import textwrap  # noqa: PLC0415

    from pipelines.cli.show import result, result_json, safe  # noqa: PLC0415
    from pipelines.household.templates import UnknownTemplate  # noqa: PLC0415
    from spaces_registry.errors import nearest  # noqa: PLC0415

    if name not in known:
        raise UnknownTemplate(f"there is no template {name!r}", hint=nearest(name, known))
    one, facts = known[name].template, _json(known[name])
    if as_json:
        result_json(facts)
        return

    def part(title: str, text: str) -> None:
        head = f"{title:<12}"
        wrapper = textwrap.TextWrapper(_COLUMNS, head, " " * len(head), break_on_hyphens=False)
        for line in wrapper.wrap(safe(text)) if text else ():
            result(line)

    result(f"{name} ({known[name].origin})")
    part("for", one.help)
    part("prompt", one.prompt)
    part("negative", one.negative)
    for variable, value in one.variables.items():
        part("variable", f"{variable}, to be filled" if value is None else f"{variable}: {value}")
    part("example", str(facts["example"]))
    part("in a chain", str(facts["use"]))


def _json(known: "Known") -> dict[str, object]:
    from chains.prompts import fill, gaps  # noqa: PLC0415

    one = known.template
    open_ones = [variable for variable, value in one.variables.items() if value is None]
    filled = {variable: f"<{variable}>" for variable in open_ones}
    arguments = "".join(f", {variable}=inputs.{variable}" for variable in open_ones)
    negative = f", and template('{one.name}.negative')" if one.negative and not gaps(one.negative) else ""
    return {
        "name": one.name,
        "origin": known.origin,
        "help": one.help,
        "prompt": one.prompt,
        "negative": one.negative,
        "variables": dict(one.variables),
        "example": fill(one, filled),
        "use": f"${{{{ template('{one.name}'{arguments}) }}}}{negative}",
    }


def _add(
    what: str,
    prompt: str | None,
    negative: str | None,
    default: list[str] | None,
    about: str | None,
    *,
    replace: bool,
    as_json: bool,
) -> None:
    from chains.prompts import PromptTemplate  # noqa: PLC0415
    from pipelines.cli.show import result, result_json  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.templates import add_templates, written  # noqa: PLC0415

    if prompt is None:
        if negative or default or about:
            raise BadOption("a template needs a prompt", hint=_HOW_TO_ADD)
        text, whence = _file(what), what
    else:
        if what in {"add", "remove"}:
            raise BadOption(f"a template cannot be called {what!r}", hint="choose another name")
        defaults = {name: values[-1] for name, values in pairs("--default", default, "GAP=TEXT").items()}
        template = PromptTemplate(what, prompt, negative or "", defaults, about or "")
        text, whence = written(template), "the template"
        _require_gaps(template)
    names = add_templates(find_home(), text, whence, replace=replace)
    if as_json:
        result_json({"added": list(names), "file": str(find_home().templates)})
    else:
        result(f"added {', '.join(names)} to {find_home().templates}")


def _require_gaps(template: "PromptTemplate") -> None:
    """Refuse a default for a gap that there is not."""
    from chains.prompts import gaps  # noqa: PLC0415
    from spaces_registry.errors import nearest  # noqa: PLC0415

    there = (*gaps(template.prompt), *gaps(template.negative))
    for name in template.variables:
        if name not in there:
            raise BadOption(
                f"--default names {name!r}, and the prompt has no such gap", hint=nearest(name, there)
            )


def _file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadOption(f"{path} is not UTF-8", hint="save it as UTF-8") from None
    except (OSError, ValueError) as cause:
        why = getattr(cause, "strerror", None) or str(cause)
        raise BadOption(f"{path} cannot be read: {why}", hint=_HOW_TO_ADD) from cause


def _remove(name: str, *, as_json: bool) -> None:
    from pipelines.cli.show import result, result_json  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.templates import remove_template  # noqa: PLC0415

    remove_template(find_home(), name)
    if as_json:
        result_json({"removed": [name], "file": str(find_home().templates)})
    else:
        result(f"removed {name}")
