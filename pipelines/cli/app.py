"""The commands, by name. Each is options, one library call, one thing shown, an exit code."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeAlias

import typer
from typer.core import TyperGroup

from pipelines.cli import (
    batching,
    calling,
    checking,
    describing,
    doctor,
    finding,
    history,
    housekeeping,
    library,
    linking,
    locking,
    running,
    services,
    templates,
    usage,
)

Command: TypeAlias = Callable[..., None]

# what `--help` shows: commands by what they are for, each with a line to begin with
GROUPS: Final[Mapping[str, Mapping[Command, str]]] = {
    "Make": {
        running.run: "spacechain run short-film --local",
        batching.batch: "spacechain batch film.yaml prompts.csv",
        calling.call: "spacechain call http://127.0.0.1:7860 /predict text=hello",
        linking.link: "spacechain link z-image ltx-2-turbo -i prompt='a lighthouse'",
        running.resume: "spacechain resume last",
    },
    "Write a chain": {
        library.new: "spacechain new mine",
        library.recipes: "spacechain recipes short-film",
        describing.describe: "spacechain describe short-film",
        checking.check: "spacechain check mine.yaml",
        checking.plan: "spacechain plan mine.yaml -i prompt='a fox'",
        locking.lock: "spacechain lock mine.yaml",
        templates.templates: "spacechain templates cinematic",
        library.trust: "spacechain trust mine.yaml",
        library.schema: "spacechain schema > chain.schema.json",
    },
    "Find out what there is": {
        finding.find: "spacechain find 'turn a picture into a clip' --takes image --gives video",
        calling.inspect: "spacechain inspect z-image",
        finding.models: "spacechain models --task text-to-image",
        services.services: "spacechain services replicate",
        describing.media: "spacechain media mux",
    },
    "Look at what was made": {
        history.runs: "spacechain runs",
        history.show: "spacechain show last",
        history.report: "spacechain report last --open",
        housekeeping.rm: "spacechain rm 20261121-051200",
        housekeeping.store: "spacechain store --prune",
        usage.usage: "spacechain usage --days 7",
    },
    "This machine": {
        doctor.doctor: "spacechain doctor",
        running.studio: "spacechain studio",
    },
}


class Grouped(TyperGroup):
    """Lists the commands by what they are for, with an example each."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the lists; as the base class has it, but for the groups."""
        width = max(len(name) for name in self.commands)
        for title, members in GROUPS.items():
            rows = []
            for command, example in members.items():
                one = self.commands[command.__name__]
                rows += [(one.name, one.get_short_help_str(formatter.width)), ("", f"$ {example}")]
            with formatter.section(title):
                formatter.write_dl([(str(name).ljust(width), told) for name, told in rows])
        del ctx


app = typer.Typer(
    name="spacechain",
    cls=Grouped,
    help="Chain Gradio Spaces and models into media.",
    epilog="Options of a command: spacechain help COMMAND",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for members in GROUPS.values():
    for command, example in members.items():
        app.command(epilog=f"Example: {example}")(command)


@app.command("help", hidden=True)
def show_help(
    command: Annotated[str | None, typer.Argument(metavar="[COMMAND]", help="Which command.")] = None,
) -> None:
    """Tell the commands, or the options of one."""
    app([*([] if command is None else [command]), "--help"], prog_name="spacechain")


@app.callback(invoke_without_command=True)
def spacechain(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),  # noqa: FBT001, FBT003
) -> None:
    """Chain Gradio Spaces and models into media."""
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415

        typer.echo(f"spacechain {installed('spacechain')}")
        raise typer.Exit
