"""`inspect` and `call`: one Space at a time."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsJson, Inputs, Local, Out, Use, Wake, pairs, settings

if TYPE_CHECKING:
    from pipelines.running.workshop import Settings
    from spaces_registry.signature import Endpoint, Parameter, Return, Space

SpaceName = Annotated[str, typer.Argument(metavar="SPACE", help="A Space's id, an alias, or an app's URL.")]


def inspect(
    space: SpaceName, *, local: Local = False, use: Use = None, wake: Wake = None, as_json: AsJson = False
) -> None:
    """Show the endpoints of a Space: what they take and return."""
    import anyio  # noqa: PLC0415

    from pipelines.cli.show import result_json  # noqa: PLC0415

    found = anyio.run(_described, space, settings(local=local, use=use, quiet=as_json, wake=wake))
    if as_json:
        result_json(space_json(found))
    else:
        _show_space(found)


def call(  # noqa: PLR0913 - a command's options
    space: SpaceName,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ENDPOINT] [NAME=VALUE]...", help="What to call, with what."),
    ] = None,
    *,
    input: Inputs = None,  # noqa: A002 - the option's name
    out: Out = Path("outputs"),
    local: Local = False,
    use: Use = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make the call even if its result is kept.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make one call and save the files it gives."""
    import anyio  # noqa: PLC0415

    from pipelines.cli.live import is_watched, watching  # noqa: PLC0415
    from pipelines.cli.running import output_lines, run_exit  # noqa: PLC0415
    from pipelines.cli.show import result, result_json, show_error  # noqa: PLC0415
    from pipelines.engine.results import failed_ones  # noqa: PLC0415
    from pipelines.running.single import STEP, SingleCall, call_once  # noqa: PLC0415

    words = words or []
    endpoint = words[0] if words and "=" not in words[0] else None
    given = {
        **pairs("call", words[1:] if endpoint else words, "NAME=VALUE"),
        **pairs("-i", input, "NAME=VALUE"),
    }
    watched = is_watched(quiet=as_json)
    once = SingleCall(space, endpoint, given, out, fresh=fresh, is_watched=watched)
    with watching([STEP], events=False, quiet=not watched) as tell:
        done = anyio.run(call_once, once, settings(local=local, use=use, quiet=as_json), tell)
    if as_json:
        result_json(done.to_json())
    else:
        for line in output_lines(done):
            result(line)
    for failed in failed_ones(step.result for step in done.steps.values()):
        show_error(failed.error)
    raise typer.Exit(run_exit(done))


async def _described(space: str, where: "Settings") -> "Space":
    from pipelines.running.single import open_space  # noqa: PLC0415
    from spaces_registry.errors import Asleep, Building  # noqa: PLC0415

    try:
        async with open_space(space, where, wake_s=where.wake_s or 0.0) as (_, found):
            return found
    except (Asleep, Building) as failure:
        does = "wakes it" if isinstance(failure, Asleep) else "waits for it"
        failure.hint = f"this {does}: {shlex.join(['spacechain', 'inspect', space, '--wake', '5m'])}"
        raise


def space_json(space: "Space") -> dict[str, object]:
    """A Space in the documented JSON shape."""
    return {
        "space": space.address,
        "url": space.url or None,
        "revision": space.revision,
        "stage": space.stage,
        "hardware": space.hardware,
        "gradio": space.gradio,
        "endpoints": [endpoint_json(one) for one in space.endpoints],
        "unusable": [{"name": one.name, "why": one.why} for one in space.unusable],
    }


def endpoint_json(endpoint: "Endpoint") -> dict[str, object]:
    """An endpoint in the documented JSON shape."""
    return {
        "name": endpoint.name,
        "description": endpoint.description,
        "parameters": [_parameter_json(one) for one in endpoint.parameters],
        "returns": [_return_json(one) for one in endpoint.returns],
    }


def _parameter_json(one: "Parameter") -> dict[str, object]:
    return {
        "name": one.name,
        "label": one.label,
        "kind": str(one.kind),
        "many": one.many,
        "required": one.required,
        "default": one.default,
        "choices": None if one.choices is None else list(one.choices),
        "minimum": one.minimum,
        "maximum": one.maximum,
        "parts": [part.name for part in one.parts],
    }


def _return_json(one: "Return") -> dict[str, object]:
    return {"name": one.name, "label": one.label, "kind": str(one.kind), "many": one.many}


def _show_space(space: "Space") -> None:
    from pipelines.cli.show import folded, result, safe  # noqa: PLC0415

    facts = [space.url, f"Gradio {space.gradio}" if space.gradio else None, space.stage, space.hardware]
    result(
        f"{safe(space.address)}  ({safe(', '.join(one for one in facts if one and one != space.address))})"
    )
    if space.revision:
        result(f"revision {space.revision}")
    if not space.endpoints:
        result("")
        result("it offers nothing that can be called")
    for endpoint in space.endpoints:
        result("")
        told = endpoint.description.strip().split("\n")[0]
        for line in folded(safe(endpoint.name) + (f"  {safe(told)}" if told else ""), "", "  "):
            result(line)
        show_rows([(f"{one.name}:", takes_line(one)) for one in endpoint.parameters])
        show_rows(
            [
                ("→", f"{one.name}: {_many(one.kind, many=one.many)}{_labelled(one)}")
                for one in endpoint.returns
            ]
        )
    if space.unusable:
        result("")
        result("not usable from here:")
        show_rows([(one.name, one.why) for one in space.unusable])


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Names and what is said of each, in two columns; on a terminal the second wraps between words."""
    from pipelines.cli.show import folded, result, safe  # noqa: PLC0415

    width = max((len(name) for name, _ in rows), default=0)
    for name, told in rows:
        for line in folded(safe(told), f"  {safe(name).ljust(width)} ", " " * (width + 3)):
            result(line)


def takes_line(one: "Parameter") -> str:
    """A parameter in words: kind, whether it must be given, range, choices."""
    import json  # noqa: PLC0415

    parts = [_many(one.kind, many=one.many) + _labelled(one)]
    if one.required:
        parts.append("may be empty" if one.may_be_left_out else "required")
    elif one.default is not None:
        text = json.dumps(one.default, ensure_ascii=False)
        parts.append(f"default {text if len(text) <= 40 else text[:39] + '…'}")  # noqa: PLR2004 - a glance
    if one.minimum is not None or one.maximum is not None:
        parts.append(f"{_bound(one.minimum)} to {_bound(one.maximum)}")
    if one.choices is not None:
        shown = ", ".join(str(choice) for choice in one.choices[:8])
        more = f", … {len(one.choices)} in all" if len(one.choices) > 8 else ""  # noqa: PLR2004 - a line's worth
        parts.append(f"{'one of' if one.closed else 'such as'} {shown}{more}")
    if one.parts:
        parts.append("parts " + ", ".join(f".{part.name}" for part in one.parts))
    return "; ".join(parts)


def _labelled(one: "Parameter | Return") -> str:
    """The author's own label, where the name does not say the same."""
    same = "".join(filter(str.isalnum, one.label.lower())) == "".join(filter(str.isalnum, one.name.lower()))
    return f' "{one.label}"' if one.label and not same else ""


def _bound(number: float | None) -> str:
    return "…" if number is None else f"{number:g}"


def _many(kind: str, *, many: bool) -> str:
    return f"list of {kind}" if many else str(kind)
