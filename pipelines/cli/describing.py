"""`describe` and `media`: what a chain or a media operation takes and gives, before it is used."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.calling import endpoint_json, show_rows, takes_line
from pipelines.cli.completing import operation_names
from pipelines.cli.options import AsJson, ChainName

if TYPE_CHECKING:
    from chains.model import Chain, Input, Step

_VALUE = 60  # characters of a default


def describe(chain: ChainName, *, as_json: AsJson = False) -> None:
    """Tell what a chain takes, gives and calls; nothing is asked."""
    from pipelines.cli.show import folded, result, result_json, safe, say  # noqa: PLC0415
    from pipelines.household.library import find_chain  # noqa: PLC0415

    found = find_chain(chain)
    if as_json:
        result_json(_chain_json(found))
        return
    for line in folded(safe(found.name + (f": {found.description}" if found.description else "")), "", ""):
        result(line)
    for title, rows in (
        ("takes", [(f"{name}:", _input_line(one)) for name, one in found.inputs.items()]),
        ("gives", [(f"{one['name']}:", _output_line(one)) for one in _outputs(found)]),
        ("calls", [(f"{name}:", line) for name, line in _calls(found)]),
    ):
        if rows:
            result("")
            result(title)
            show_rows(rows)
    needed = " ".join(f"-i {name}=…" for name, one in found.inputs.items() if one.required)
    say(f"run it with: spacechain run {safe(chain)} {needed}".rstrip())


def media(
    operation: Annotated[
        str | None,
        typer.Argument(metavar="[OPERATION]", help="Show this operation.", autocompletion=operation_names),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the media operations, or show what one takes and gives."""
    from pipelines.cli.show import folded, result, result_json, safe, say, table  # noqa: PLC0415
    from pipelines.runners.media import OPERATIONS, UnknownOperation  # noqa: PLC0415

    if operation is None:
        if as_json:
            result_json([endpoint_json(one) for one in OPERATIONS.values()])
            return
        table(
            ("OPERATION", "TAKES", "GIVES", "WHAT IT DOES"),
            (
                (
                    one.name,
                    ", ".join(each.name for each in one.parameters if each.required),
                    ", ".join(each.name for each in one.returns),
                    one.description,
                )
                for one in OPERATIONS.values()
            ),
        )
        say("show one with: spacechain media OPERATION")
        return
    if operation not in OPERATIONS:
        raise UnknownOperation(operation)
    found = OPERATIONS[operation]
    if as_json:
        result_json(endpoint_json(found))
        return
    for line in folded(safe(f"{found.name}: {found.description}"), "", ""):
        result(line)
    show_rows(
        [
            *((f"{one.name}:", takes_line(one)) for one in found.parameters),
            *(
                (f"→ {one.name}:", f"list of {one.kind}" if one.many else str(one.kind))
                for one in found.returns
            ),
        ]
    )
    result("")
    given = ", ".join(f"{one.name}: …" for one in found.parameters if one.required)
    result(f"  {found.name}_it:")
    result(f"    media: {found.name}")
    result(f"    with: {{{given}}}")


def _input_line(one: "Input") -> str:
    """An input in words: kind, whether it must be given, default, choices, range, help."""
    parts = [f"list of {one.kind}" if one.many else str(one.kind)]
    if one.required:
        parts[0] += ", required"
    elif one.default is not None:
        text = one.default if isinstance(one.default, str) else json.dumps(one.default, ensure_ascii=False)
        parts[0] += f", default {text if len(text) <= _VALUE else text[: _VALUE - 1] + '…'}"
    if one.choices is not None:
        parts.append("one of " + ", ".join(map(str, one.choices)))
    if one.minimum is not None or one.maximum is not None:
        low, high = ("…" if number is None else f"{number:g}" for number in (one.minimum, one.maximum))
        parts.append(f"{low} to {high}")
    return "; ".join([*parts, one.help] if one.help else parts)


def _outputs(chain: "Chain") -> list[dict[str, object]]:
    """The outputs of a chain: their kinds as far as they are known offline, and what they read."""
    from chains.text.source import plain  # noqa: PLC0415
    from pipelines.places.nested import signature_of  # noqa: PLC0415
    from pipelines.places.places import local_endpoints  # noqa: PLC0415
    from spaces_registry.signature import Endpoint, Kind  # noqa: PLC0415

    known = {key: one for key, one in local_endpoints(chain).items() if isinstance(one, Endpoint)}
    told = {one.name: one for one in signature_of(chain, known).returns}
    outputs: list[dict[str, object]] = []
    for name in chain.outputs:
        node, one = chain.source.node(("outputs", name)), told.get(name)
        is_known = one is not None and one.kind is not Kind.ANY
        outputs.append(
            {
                "name": name,
                "kind": str(one.kind) if one is not None and is_known else None,
                "many": one.many if one is not None and is_known else None,
                "from": plain(node) if node is not None else None,
            }
        )
    return outputs


def _output_line(one: Mapping[str, object]) -> str:
    read = one["from"] if isinstance(one["from"], str) else json.dumps(one["from"], ensure_ascii=False)
    if one["kind"] is None:
        return str(read)
    return f"{'list of ' if one['many'] else ''}{one['kind']}, {read}"


def _calls(chain: "Chain") -> Iterator[tuple[str, str]]:
    for name, step in chain.steps.items():
        yield name, " or ".join(_place(way) for way in (step, *step.fallback))


def _place(step: "Step") -> str:
    """What a step calls, as its chain names it."""
    told = _place_json(step)
    kind, via, endpoint = told["kind"], told["via"], told["endpoint"]
    return f"{kind} {via} {endpoint}" if endpoint else f"{kind} {via}"


def _place_json(step: "Step") -> dict[str, object]:
    from chains import model  # noqa: PLC0415

    endpoint: str | None = None
    match step:
        case model.SpaceStep():
            kind, via, endpoint = "space", ", ".join((step.space, *step.others)), step.endpoint
        case model.FindStep():
            kind, via = "find", step.words
        case model.ModelStep():
            kind, via = "model", step.model
        case model.ServiceStep():
            kind, via, endpoint = "service", step.service, step.endpoint
        case model.MediaStep():
            kind, via = "media", step.operation
        case model.PythonStep():
            kind, via, endpoint = "python", step.file, step.function
        case model.ChainStep():
            kind, via = "chain", step.chain
    return {"kind": kind, "via": via, "endpoint": endpoint}


def _chain_json(chain: "Chain") -> dict[str, object]:
    from pipelines.cli.show import whole_path  # noqa: PLC0415

    return {
        "chain": chain.name,
        "description": chain.description,
        "file": whole_path(chain.source.file),
        "inputs": [
            {
                "name": name,
                "kind": str(one.kind),
                "many": one.many,
                "required": one.required,
                "default": one.default,
                "choices": None if one.choices is None else [*one.choices],
                "minimum": one.minimum,
                "maximum": one.maximum,
                "help": one.help,
            }
            for name, one in chain.inputs.items()
        ],
        "outputs": _outputs(chain),
        "steps": [
            {"name": name, **_place_json(step), "fallback": [_place_json(one) for one in step.fallback]}
            for name, step in chain.steps.items()
        ],
        "env": [*chain.env],
    }
