"""How far a batch is."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """How far a batch is.

    Attributes:
        rows: in all, of those asked for.
        succeeded: in this batch.
        failed: in this batch.
        skipped: done by an earlier batch.
        blocked: stopped by a quota or a budget, with all that are not begun.
        running: now.
        interrupted: whether it was ended from outside.
        calls: made for its rows.
        seconds: since it began.
    """

    rows: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    blocked: int = 0
    running: int = 0
    interrupted: bool = False
    calls: int = 0
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """Rows that have not ended."""
        return self.rows - self.succeeded - self.failed - self.skipped

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape of the last line."""
        return {
            "rows": self.rows,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "skipped": self.skipped,
            "left": self.left,
            "seconds": round(self.seconds, 3),
        }

    @property
    def status(self) -> str:
        """How the batch ended."""
        if self.interrupted:
            return "interrupted"
        if self.blocked:
            return "blocked"
        return "failed" if self.left or self.failed else "succeeded"
