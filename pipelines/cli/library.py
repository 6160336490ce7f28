"""`recipes`, `new`, `trust` and `schema`: chains as files."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.completing import recipe_names
from pipelines.cli.options import AsJson, ChainName


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Print this recipe's YAML.", autocompletion=recipe_names),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the bundled chains, or print one."""
    from chains.recipes import recipes as bundled  # noqa: PLC0415
    from pipelines.cli.show import result, result_json, table  # noqa: PLC0415
    from pipelines.household.library import UnknownChain, load_recipe  # noqa: PLC0415
    from spaces_registry.errors import nearest  # noqa: PLC0415

    known = bundled()
    if name is not None:
        if name not in known:
            raise UnknownChain(f"there is no recipe named {name!r}", hint=nearest(name, known))
        if as_json:
            result_json({"name": name, "yaml": known[name].text})
        else:
            result(known[name].text.rstrip("\n"))
        return
    chains = {one.name: load_recipe(one) for one in known.values()}
    if as_json:
        result_json(
            [
                {"name": one, "description": chain.description, "inputs": [*chain.inputs]}
                for one, chain in chains.items()
            ]
        )
        return
    rows = [(one, chain.description) for one, chain in chains.items()]
    table(("RECIPE", "WHAT IT MAKES"), rows)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the chain; the file is NAME.yaml.")],
    *,
    recipe: Annotated[
        str,
        typer.Option("--from", metavar="RECIPE", help="Start from this recipe.", autocompletion=recipe_names),
    ] = "starter",
    as_json: AsJson = False,
) -> None:
    """Write a new chain to begin with."""
    from pipelines.cli.show import result, result_json, say  # noqa: PLC0415
    from pipelines.household.library import write_new  # noqa: PLC0415

    path = write_new(Path(name), recipe)
    if as_json:
        result_json({"written": str(path.absolute())})
        return
    result(str(path))
    say(f"try it with: spacechain run {path} --local")


def trust(chain: ChainName, *, as_json: AsJson = False) -> None:
    """Allow a chain's code to run, and keys and variables to be sent.

    It is allowed as it stands now: what changes is asked for again.
    """
    from pipelines.cli.show import result, result_json, safe, say  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.library import find_chain  # noqa: PLC0415
    from pipelines.household.trusting import allow, wishes  # noqa: PLC0415

    home = find_home()
    wanted = wishes(find_chain(chain, kept=True), home)  # all of them, before any is trusted
    if not wanted:
        say(
            f"{chain} runs no code of its own and sends no key and no variable anywhere; "
            "there is nothing to trust"
        )
    for one in wanted:
        allow(one, home)
    if as_json:
        trusted = [
            {"file": _absolute(one.read), "sha256": next(iter(one.marks)), "allows": one.told}
            for one in wanted
        ]
        result_json({"trusted": trusted})
        return
    for one in wanted:
        what = f"trusted {one.read} as it is now" if one.read else "trusted"
        result(f"{safe(what)} (sha256 {next(iter(one.marks))[:12]}…)")
        say(f"  {safe(one.told)}")


def _absolute(read: str | None) -> str | None:
    """A file as a path that holds in every folder; what is read at an address is told as that."""
    from chains.meaning.paths import is_url  # noqa: PLC0415

    return read if read is None or is_url(read) else str(Path(read).absolute())


def schema(*, as_json: AsJson = False) -> None:
    """Print the JSON Schema of chain files, for editors."""
    del as_json  # it is JSON anyway; the option is there because every command has it
    from chains.shape.schema import chain_schema  # noqa: PLC0415
    from pipelines.cli.show import result_json  # noqa: PLC0415

    result_json(chain_schema(), is_versioned=False)  # its keys are those of JSON Schema
