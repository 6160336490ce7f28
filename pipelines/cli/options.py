"""Options that several commands share."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from pipelines.cli.completing import chain_names, input_names
from spaces_registry.errors import ToolkitError

if TYPE_CHECKING:
    from chains.model import Chain
    from pipelines.running.workshop import Settings


ChainName: TypeAlias = Annotated[
    str, typer.Argument(metavar="CHAIN", help="A chain file, or a recipe's name.", autocompletion=chain_names)
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Inputs: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "-i",
        "--input",
        metavar="NAME=VALUE",
        help="An input; a file by its path, a text out of a file as @path. Repeatable.",
        autocompletion=input_names,
    ),
]
InputsFile: TypeAlias = Annotated[
    Path | None, typer.Option("--inputs", metavar="FILE", help="Inputs in a YAML or JSON file.")
]
Local: TypeAlias = Annotated[bool, typer.Option("--local", help="Use the local studio instead of the Hub.")]
Use: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--use", metavar="SPACE=URL", help="Use the app at URL for this Space. Repeatable."),
]
Out: TypeAlias = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where outputs go.")]


class BadOption(ToolkitError):
    """An option's value is not of the form it must have."""

    code = "bad-option"


def pairs(option: str, written: Sequence[str] | None, what: str) -> Mapping[str, list[str]]:
    """`name=value` texts as a mapping; a repeated name has several values.

    Raises:
        BadOption: one has no `=`, or no name.
    """
    found: dict[str, list[str]] = {}
    for text in written or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise BadOption(f"{option} takes {what}, and got {text!r}", hint=f"write {option} {what}")
        found.setdefault(name.strip(), []).append(value)
    return found


def given_inputs(
    chain: "Chain", written: Sequence[str] | None, file: Path | None = None
) -> dict[str, list[str]]:
    """The inputs of `-i` and of `--inputs`; of one name the former counts.

    Raises:
        BadOption: an `-i` has no `=`, or no name.
        InputsUnreadable: a file cannot be read.
    """
    from pipelines.engine.given import from_files, inputs_in  # noqa: PLC0415

    told = {} if file is None else inputs_in(file, chain)
    return told | from_files(chain, pairs("-i", written, "NAME=VALUE"))


Frozen: TypeAlias = Annotated[
    bool, typer.Option("--frozen", help="Call nothing that differs from the chain's lock.")
]
Wake: TypeAlias = Annotated[
    str | None, typer.Option("--wake", metavar="5m", help="How long to wait for a Space that sleeps.")
]


def settings(
    *,
    local: bool = False,
    use: Sequence[str] | None = None,
    quiet: bool = False,
    frozen: bool = False,
    wake: str | None = None,
) -> "Settings":
    """Where to work, from the options of a command.

    Raises:
        BadOption: `use` or `wake` is not of its form.
    """
    from pipelines.cli.show import say  # noqa: PLC0415
    from pipelines.running.workshop import Settings  # noqa: PLC0415

    given = {name: values[-1] for name, values in pairs("--use", use, "SPACE=URL").items()}
    told = Settings(local=local, use=given, frozen=frozen, wake_s=_duration("--wake", wake))
    return told if quiet else replace(told, say=say)


def _duration(option: str, text: str | None) -> float | None:
    from chains.shape.forms import duration  # noqa: PLC0415 - pydantic comes with it

    try:
        return None if text is None else duration(text)
    except ValueError:
        raise BadOption(
            f"{option} takes a duration, and got {text!r}", hint="write it as 90s, 5m or 2h"
        ) from None
