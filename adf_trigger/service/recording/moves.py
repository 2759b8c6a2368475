"""Shared by all moves of a record: the states that they start from, and the texts of their reasons."""

from dataclasses import replace

from adf_trigger.contracts import HistoryEntry
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.limits import shorten_middle

WAITS_FOR_CALLER = (
    "it waits for its caller or its message, since values of secure parameters are not kept: the same request under "
    "the same key sends it"
)
"""The reason that the timer does not send a request with secrets."""

WAITS_FOR_A_PLACE = "it waits for a place among the concurrent runs"

LONGEST_REASON = 3_000
"""Maximum characters of a reason in a record."""


class IllegalMove(RuntimeError):
    """A bug: the record is not in a state from which this move can be made."""


def require_state(record: RunRecord, *states: RunState) -> None:
    """Require that a record is in one of the states from which a move can be made.

    Raises:
        IllegalMove: it is in none of these states.
    """
    if record.state not in states:
        raise IllegalMove(f"{record.state} record {record.request_id} cannot make this move")


def cut(reason: str) -> str:
    """Shorten a reason to the maximum of a record."""
    return shorten_middle(reason, LONGEST_REASON)


def noted(record: RunRecord, entry: HistoryEntry) -> RunRecord:
    """The record with one more entry of its history; the ledger keeps the newest."""
    return replace(record, history=(*record.history, entry))
