"""The commands, by name. Each is options, one library call, one thing shown, an exit code."""

import typer

from pipelines.cli import (
    batching,
    calling,
    checking,
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

app = typer.Typer(
    name="spacechain",
    help="Chain Gradio Spaces and models into media.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command()(running.run)
app.command()(running.resume)
app.command()(checking.check)
app.command()(checking.plan)
app.command()(batching.batch)
app.command()(history.runs)
app.command()(history.show)
app.command()(history.report)
app.command()(housekeeping.rm)
app.command()(housekeeping.store)
app.command()(finding.find)
app.command()(finding.models)
app.command()(services.services)
app.command()(locking.lock)
app.command()(calling.inspect)
app.command()(calling.call)
app.command()(linking.link)
app.command()(library.recipes)
app.command()(library.new)
app.command()(templates.templates)
app.command()(library.trust)
app.command()(library.schema)
app.command()(running.studio)
app.command()(usage.usage)
app.command()(doctor.doctor)


@app.callback(invoke_without_command=True)
def spacechain(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),  # noqa: FBT001, FBT003
) -> None:
    """Chain Gradio Spaces and models into media."""
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415

        typer.echo(f"spacechain {installed('spacechain')}")
        raise typer.Exit
