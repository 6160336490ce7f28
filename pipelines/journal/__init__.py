"""The journal: what was asked, where, what came of it."""

from pipelines.journal.errors import JournalFailed, JournalTooNew
from pipelines.journal.journal import NOTHING, Journal
from pipelines.journal.schema import SCHEMA_VERSION, open_journal
from pipelines.journal.unexpected import READ, WholeAnswer
from pipelines.journal.values import (
    Begun,
    Dead,
    Intent,
    Outcome,
    Rate,
    Reached,
    Sending,
    UnderWay,
    Used,
    nobody,
)

__all__ = [
    "NOTHING",
    "READ",
    "SCHEMA_VERSION",
    "Begun",
    "Dead",
    "Intent",
    "Journal",
    "JournalFailed",
    "JournalTooNew",
    "Outcome",
    "Rate",
    "Reached",
    "Sending",
    "UnderWay",
    "Used",
    "WholeAnswer",
    "nobody",
    "open_journal",
]
