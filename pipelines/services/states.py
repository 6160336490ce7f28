"""What answers say of a job: its state, and its place in the queue."""

from dataclasses import dataclass
from typing import Final

from chains.services.model import Job, JobQueue
from pipelines.services.exchange import Answer, find
from pipelines.services.progress import whole_in

UNKNOWN: Final = frozenset({404, 410})
"""HTTP's statuses for a job that is not there."""
_ACCEPTED: Final = 202


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a job at one moment.

    Attributes:
        word: `waiting`, `working`, `done`, `failed` or `canceled`; `absent` where the service does not know
            the job; None where nothing was said of it.
        position: jobs before it in the queue, where that was told.
    """

    word: str | None
    position: int | None = None


def state_in(job: Job, answer: Answer) -> State:
    """A job's state by the answer to its `status`.

    Args:
        job: how its file describes it.
        answer: a good one, or one that says that there is no such job.
    """
    status = job.status
    if answer.status in UNKNOWN:
        return State("absent")
    position = whole_in(find(status.position, answer.body))
    if status.word is not None:
        word = find(status.word, answer.body)
        return State(None if word is None else status.meanings.get(str(word).lower(), "working"), position)
    if answer.status == _ACCEPTED:
        return State(None, position)
    if status.done_when is not None:
        return State("done" if find(status.done_when, answer.body) else None, position)
    return State("done")


def state_in_queue(queue: JobQueue, answer: Answer, job: object) -> State:
    """A job's state by what its service says of its queue.

    Args:
        queue: where the ids are in the answer.
        answer: any; one that refuses says nothing.
        job: the job's id.
    """
    working, waiting = (find(query, answer.body) for query in (queue.working, queue.waiting))
    if not answer.response.is_success or not isinstance(working, list):
        return State(None)
    if str(job) in map(str, working):
        return State("working")
    if isinstance(waiting, list) and str(job) in (ids := [str(one) for one in waiting]):
        return State("waiting", len(working) + ids.index(str(job)))
    return State("absent")
