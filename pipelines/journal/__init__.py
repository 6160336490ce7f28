"""The journal: what was asked, where, what came of it."""

from pipelines.journal.errors import JournalFailed, JournalTooNew
from pipelines.journal.journal import NOTHING, Journal
from pipelines.journal.schema import SCHEMA_VERSION, open_journal
from pipelines.journal.values import Begun, Intent, Outcome, Rate, Reached, Used

__all__ = [
    "NOTHING",
    "SCHEMA_VERSION",
    "Begun",
    "Intent",
    "Journal",
    "JournalFailed",
    "JournalTooNew",
    "Outcome",
    "Rate",
    "Reached",
    "Used",
    "open_journal",
]
