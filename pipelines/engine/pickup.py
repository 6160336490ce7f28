"""When the result stream of a Space's call is opened: at once, just before the result can be there, or after.

Gradio throws a result away whose stream broke, and keeps one whose stream was never opened. So a stream that
is opened late protects the call from a command that dies; one opened after the result is there makes it wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chains.model import Step
from pipelines.engine.work_times import CallSize, WorkTimes, earliest_s, usual_s
from pipelines.places.place import Place
from spaces_registry.signature import Endpoint, Kind

WORTH_PROTECTING_S: Final = 2.0  # of work: less is sooner done again
WORTH_HIDING_S: Final = (
    30.0  # of work: where a person looks on, the app's own progress is worth more than less
)
FIRST_WAIT_S: Final[Mapping[Kind, float]] = {  # for an endpoint that was never called, by what it gives
    Kind.IMAGE: 20.0,
    Kind.GALLERY: 20.0,
    Kind.AUDIO: 30.0,
    Kind.FILE: 30.0,
    Kind.VIDEO: 90.0,
    Kind.MODEL3D: 90.0,
}
OTHER_FIRST_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ResultPickup:
    """When a result stream is opened, as `Call` has it; without values at once.

    Attributes:
        work_s: how long the app usually works on such a call; the stream is opened only then.
        earliest_s: how long it works at the least, if the stream is to be open before the result is there.
    """

    work_s: float | None = None
    earliest_s: float | None = None


def choose_pickup(
    step: Step, place: Place, size: CallSize | None, times: WorkTimes, *, is_watched: bool
) -> ResultPickup:
    """When the result stream of a call is to be opened.

    Args:
        step: says what its writer wants.
        place: the Space.
        size: of the call; None for a call of anything else, which has no such stream.
        times: the calls that were answered before.
        is_watched: whether a person looks on.
    """
    if size is None or step.pickup.mode == "attached":
        return ResultPickup()
    past = times.of(place.address, place.endpoint.name)
    if step.pickup.mode == "detached":
        return ResultPickup(usual_s(past, size) or step.pickup.first_wait_s or _first_wait_s(place.endpoint))
    least_s = earliest_s(past, size)
    if least_s is None or least_s < (WORTH_HIDING_S if is_watched else WORTH_PROTECTING_S):
        return ResultPickup()
    return ResultPickup(least_s, least_s)


def _first_wait_s(endpoint: Endpoint) -> float:
    """How long an endpoint that was never called may take, by the kinds of its outputs."""
    waits = [FIRST_WAIT_S.get(output.kind, OTHER_FIRST_WAIT_S) for output in endpoint.returns]
    return max(waits, default=OTHER_FIRST_WAIT_S)
