"""`find` and `models`: what there is to call."""

import os
import textwrap
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.completing import kind_names
from pipelines.cli.exits import exit_for
from pipelines.cli.options import AsJson, BadOption, Local, Use, settings
from spaces_registry.errors import ToolkitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.running.workshop import Settings
    from spaces_registry.fitting.matching import Supply
    from spaces_registry.fitting.ranking import Candidate, Need
    from spaces_registry.fitting.resolver import Resolution
    from spaces_registry.hub.models import Offer, Served, ServedModel
    from spaces_registry.progress import CallEvent
    from spaces_registry.registry import StandIn
    from spaces_registry.signature import Kind

_WIDTH = 80
_STAGE = 8  # letters of a state
_TOLD = 5  # passed-over Spaces that are named
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100, help="How many at most.")]


def find(  # noqa: PLR0913 - a command's options
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="What the Space should do.")
    ] = None,
    *,
    takes: Annotated[
        list[str] | None,
        typer.Option(
            "--takes",
            metavar="[NAME=]KIND",
            help="What it must take: image, text, … Repeatable.",
            autocompletion=kind_names,
        ),
    ] = None,
    gives: Annotated[
        list[str] | None,
        typer.Option(
            "--gives",
            metavar="KIND",
            help="What it must give: image, video, … Repeatable.",
            autocompletion=kind_names,
        ),
    ] = None,
    category: Annotated[
        str | None, typer.Option("--category", metavar="SLUG", help="Only Spaces of this category.")
    ] = None,
    among: Annotated[
        list[str] | None,
        typer.Option("--among", metavar="SPACE", help="Only this Space: id, URL or alias. Repeatable."),
    ] = None,
    limit: Limit = 10,
    categories: Annotated[
        bool, typer.Option("--categories", help="List the Hub's categories, and nothing else.")
    ] = False,
    local: Local = False,
    use: Use = None,
    as_json: AsJson = False,
) -> None:
    """Find Spaces for a need, best first, with the reasons."""
    import anyio  # noqa: PLC0415

    from pipelines.cli.show import result_json, show_error  # noqa: PLC0415
    from spaces_registry.fitting.ranking import Need  # noqa: PLC0415

    if categories:
        _show_categories(as_json=as_json)
        return
    need = Need(
        words=" ".join(words or ()),
        takes=tuple(_supply(one) for one in takes or ()),
        gives=tuple(_kind("--gives", one) for one in gives or ()),
        category=category,
        among=tuple(among or ()),
    )
    found = anyio.run(_resolved, need, limit, settings(local=local, use=use, quiet=as_json))
    if as_json:
        result_json([candidate_json(one) for one in found.candidates])
    elif found.candidates:
        _show_candidates(found)
    _say_how(found)
    try:
        found.best()
    except ToolkitError as nothing:
        if not as_json:
            raise
        show_error(nothing)  # the list is the one document on stdout
        raise typer.Exit(exit_for(nothing)) from None


def models(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="Part of a model's name.")
    ] = None,
    *,
    task: Annotated[
        str | None, typer.Option("--task", metavar="TASK", help="What it does, as in text-to-image.")
    ] = None,
    limit: Limit = 30,
    as_json: AsJson = False,
) -> None:
    """List models that Inference Providers serve."""
    import anyio  # noqa: PLC0415

    from pipelines.cli.show import result_json, safe, say  # noqa: PLC0415

    found = anyio.run(_served, " ".join(words or ()), task, limit)
    if as_json:
        result_json([model_json(one) for one in found.models])
    elif found.models:
        _show_models(found.models, with_task=task is None)
    for remark in found.remarks:
        say(f"note: {safe(remark)}")
    if not found.models:
        say("no model of that name is served" if words else "no model is served for that")


async def _resolved(need: "Need", limit: int, where: "Settings") -> "Resolution":
    from spaces_registry.bookmarks import find_bookmarks  # noqa: PLC0415
    from spaces_registry.fitting.resolver import resolve  # noqa: PLC0415
    from spaces_registry.registry import open_registry  # noqa: PLC0415

    own = find_bookmarks(where.home.folder, Path.cwd(), os.environ)
    async with AsyncExitStack() as stack:
        stand_ins: Mapping[str, StandIn] = {}
        if where.local:
            from pipelines.studio import SPACES  # noqa: PLC0415 - only who asks for it pays
            from pipelines.studio.stand_ins import open_stand_ins  # noqa: PLC0415 - as above

            stand_ins = await stack.enter_async_context(open_stand_ins(SPACES, tell=where.say))
            need = replace(need, among=need.among or tuple(stand_ins))
        registry = await stack.enter_async_context(
            open_registry(cache=where.home.signatures, own=own, use=where.use, stand_ins=stand_ins)
        )
        return await resolve(need, registry, limit=limit, tell=_tell)


async def _served(words: str, task: str | None, limit: int) -> "Served":
    from pipelines.household.home import find_home  # noqa: PLC0415
    from spaces_registry.hub.models import served_models  # noqa: PLC0415
    from spaces_registry.registry import open_registry  # noqa: PLC0415

    async with open_registry(cache=find_home().signatures) as registry:
        return await served_models(
            registry.hub, registry.answers, words=words, task=task, limit=limit, tell=_tell
        )


def _tell(event: "CallEvent") -> None:
    from pipelines.cli.show import safe, say  # noqa: PLC0415
    from spaces_registry.progress import Logged  # noqa: PLC0415

    if isinstance(event, Logged):
        say(safe(event.message))


def _supply(written: str) -> "Supply":
    """`image`, `images` or `portrait=image`."""
    from spaces_registry.fitting.matching import Supply  # noqa: PLC0415

    name, _, kind = written.rpartition("=")
    one = kind.strip().lower()
    is_many = one.endswith("s") and one.removesuffix("s") in _kinds()
    found = _kind("--takes", one.removesuffix("s") if is_many else one)
    return Supply(name.strip() or str(found), found, is_many, source=written)


def _kinds() -> list[str]:
    from spaces_registry.signature import Kind  # noqa: PLC0415

    return [str(one) for one in Kind]


def _kind(option: str, written: str) -> "Kind":
    from spaces_registry.errors import nearest  # noqa: PLC0415
    from spaces_registry.signature import Kind  # noqa: PLC0415

    try:
        return Kind(written.strip().lower())
    except ValueError as cause:
        raise BadOption(
            f"{option} takes a kind, and got {written!r}", hint=nearest(written, _kinds())
        ) from cause


def candidate_json(one: "Candidate") -> dict[str, object]:
    """A candidate in the documented JSON shape."""
    return {
        "space": one.space,
        "endpoint": one.endpoint,
        "score": one.score,
        "relevance": one.relevance,
        "stage": one.stage,
        "hardware": one.hardware,
        "likes": one.likes,
        "category": one.category,
        "about": one.about,
        "binding": dict(one.binding),
        "unbound": list(one.unbound),
        "unused": list(one.unused),
        "why": list(one.why),
    }


def model_json(one: "ServedModel") -> dict[str, object]:
    """A model in the documented JSON shape; prices in US dollars for a million tokens."""
    return {
        "model": one.id,
        "task": one.task,
        "likes": one.likes,
        "about": one.about,
        "providers": [
            {
                "provider": offer.provider,
                "status": offer.status,
                "task": offer.task,
                "context_tokens": offer.context_tokens,
                "usd_per_million_in": offer.usd_in,
                "usd_per_million_out": offer.usd_out,
            }
            for offer in one.offers
        ],
    }


def _show_categories(*, as_json: bool) -> None:
    from pipelines.cli.show import result_json, table  # noqa: PLC0415
    from spaces_registry.catalogue import categories  # noqa: PLC0415

    known = categories().values()
    if as_json:
        result_json([{"category": one.slug, "label": one.label, "help": one.help} for one in known])
    else:
        table(("CATEGORY", "WHAT ONE FINDS THERE"), [(one.slug, one.help) for one in known])


def _show_candidates(found: "Resolution") -> None:
    """A line a candidate, then the reasons for the first one."""
    from pipelines.cli.show import result, safe, table  # noqa: PLC0415

    spaces = [_cut(one.space, 37) for one in found.candidates]
    likes = max(len("LIKES"), *(len(str(one.likes)) for one in found.candidates))
    left = _WIDTH - max(len("SPACE"), *map(len, spaces)) - len("SCORE") - _STAGE - likes - 4 * 2
    rows = [
        (
            space,
            _cut(one.endpoint or "?", left),
            f"{one.score:.2f}",
            _cut((one.stage or "").lower().replace("_", " "), _STAGE),
            str(one.likes),
        )
        for space, one in zip(spaces, found.candidates, strict=True)
    ]
    table(("SPACE", "ENDPOINT", "SCORE", "STAGE", "LIKES"), rows)
    best = found.candidates[0]
    result("")
    about = f": {best.about}" if best.about else ""
    for line in textwrap.wrap(safe(f"{best.space}{about}"), _WIDTH):
        result(line)
    for reason in best.why:
        lines = textwrap.wrap(safe(reason), _WIDTH - 2, initial_indent="- ", subsequent_indent="  ")
        for line in lines:
            result(line)


def _say_how(found: "Resolution") -> None:
    """Remarks, and what was passed over."""
    from pipelines.cli.show import safe, say  # noqa: PLC0415

    for remark in found.remarks if found.candidates else ():  # without them the error says it
        say(f"note: {safe(remark)}")
    for one in found.passed_over[:_TOLD]:
        say(f"passed over {safe(one.space)}: {safe(one.why)}")
    if (more := len(found.passed_over) - _TOLD) > 0:
        say(f"and {more} more")


def _show_models(found: "Sequence[ServedModel]", *, with_task: bool) -> None:
    from pipelines.cli.show import table  # noqa: PLC0415

    with_price = any(_price(one.offers) for one in found)
    head = ["MODEL", *(["TASK"] if with_task else []), *(["IN/OUT $/M", "CONTEXT"] if with_price else [])]
    rows = [
        [
            one.id,
            *([one.task or ""] if with_task else []),
            *([_price(one.offers), _context(one.offers)] if with_price else []),
            ", ".join(offer.provider for offer in one.offers),
        ]
        for one in found
    ]
    table([*head, "PROVIDERS"], rows)


def _price(offers: "Sequence[Offer]") -> str:
    """The cheapest offer, by its output."""
    named = [
        (one.usd_out, one.usd_in) for one in offers if one.usd_out is not None and one.usd_in is not None
    ]
    return f"{min(named)[1]:g}/{min(named)[0]:g}" if named else ""


def _context(offers: "Sequence[Offer]") -> str:
    longest = max((one.context_tokens or 0 for one in offers), default=0)
    return f"{longest // 1000}k" if longest else ""


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(1, width - 1)]}…"
