"""What stands for the answer of a step's own query that found nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmptyQuery:
    """A query of a step's `outputs` that found nothing in the answer.

    It is null in a condition and a comparison, and `or` goes past it. Anything else that is built on it is an
    error that names the query: null would go on as if it were data.

    Attributes:
        name: the step's name for it.
        query: as it is written, JMESPath.
    """

    name: str
    query: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        query = self.query if len(self.query) <= 60 else f"{self.query[:59]}…"  # noqa: PLR2004 - a glance
        return f"`{self.name}` is empty: the query `{query}` finds nothing in the answer"
