"""Places as a run knew them, whose results are found though they may be gone, asleep or out of reach."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from chains.model import Step
from pipelines.places.finding import Choice
from pipelines.places.place import Place
from pipelines.runners.protocol import Call
from spaces_registry.cache import endpoint_of
from spaces_registry.progress import Listener
from spaces_registry.signature import Json, Value

if TYPE_CHECKING:
    from pipelines.journal import Journal
    from pipelines.places.places import Places

Known: TypeAlias = "Callable[[str, Step, Places], Place | None]"

PLACE = "place"  # under which a run's journal has what was known of a place
_MOST = 200_000  # characters; an endpoint with more to say is looked up anew


def nothing_known(key: str, step: Step, places: "Places") -> None:
    """For a run that begins: it knows of no place that is not there."""
    del key, step, places


def known_to(journal: "Journal", run: str) -> Known:
    """What a run knows of the places it has called; by the key of a way, whatever its chain."""

    def known(key: str, step: Step, places: "Places") -> Place | None:
        outer, slash, way = key.rpartition("/")
        told = journal.runs.facts(run, PLACE, f"{outer}{slash}{step.name}")
        facts = [one for one in told if isinstance(one, Mapping) and one.get("way") == way]
        return remembered(facts[-1], step, places) if facts else None

    return known


def known_within(known: Known, outer: Step) -> Known:
    """The same for the steps of a chain that a step runs."""
    return lambda key, step, places: known(f"{outer.name}/{key}", step, places)


@dataclass(frozen=True, slots=True)
class LateRunner:
    """Looks for the place when a call is really to be made there."""

    step: Step
    places: "Places"

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Make the call at the place as it is now.

        Raises:
            ToolkitError: it is not there.
        """
        place = await self.places.find(self.step, tell=tell)
        return await place.runner(call, tell)


def facts_of(place: Place) -> dict[str, Json] | None:
    """What is to be known of a place to find results of it, as JSON; None where that is too much to keep."""
    facts = {
        "kind": place.kind,
        "address": place.address,
        "endpoint": dataclasses.asdict(place.endpoint),
        "revision": place.revision,
        "url": place.url,
        "binding": dict(place.choice.binding),
        "why": list(place.choice.why),
    }
    try:
        text = json.dumps(facts)
    except (TypeError, ValueError):
        return None
    kept: dict[str, Json] = json.loads(text)
    return kept if len(text) <= _MOST else None


def remembered(facts: Json, step: Step, places: "Places") -> Place | None:
    """A place as `facts_of` told of it; None where that is nothing to go by.

    Args:
        facts: what was kept.
        step: what is called there.
        places: looks for it, should a call be made after all.
    """
    if not isinstance(facts, Mapping):
        return None
    try:
        return Place(
            kind=str(facts["kind"]),
            address=str(facts["address"]),
            endpoint=endpoint_of(facts["endpoint"]),  # type: ignore[arg-type]  # anything else raises
            runner=LateRunner(step, places),
            revision=None if facts["revision"] is None else str(facts["revision"]),
            site=None if facts["url"] is None else str(facts["url"]),
            choice=Choice(dict(facts["binding"]), tuple(map(str, facts["why"]))),  # type: ignore[arg-type]
            is_remembered=True,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # a journal that was damaged and mended may hold anything
