"""The journal: what was asked, where, what came of it."""

from pipelines.journal.errors import JournalFailed, JournalTooNew
from pipelines.journal.journal import NOTHING, Journal
from pipelines.journal.schema import SCHEMA_VERSION, open_journal
from pipelines.journal.values import Begun, Dead, Intent, Outcome, Rate, Reached, Sending, Used, nobody

__all__ = [
    "NOTHING",
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
    "Used",
    "nobody",
    "open_journal",
]
