"""Determines what would happen to a new request now; nothing is claimed, sent or stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.contracts import PlaceInLine, RunChoice
from adf_trigger.errors import AtCapacity
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import JoinedTo, RunRecord, Waits
from adf_trigger.messages.declaration import Declaration
from adf_trigger.readings import PreviewOutcome
from adf_trigger.service.admission.entries import Entries
from adf_trigger.service.admission.holders import Holders
from adf_trigger.service.admission.keys import places_of
from adf_trigger.service.admission.positions import LinePositions
from adf_trigger.service.factories import Factories
from adf_trigger.service.holds.hold import Hold
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.policy import Policies
from adf_trigger.service.starting.new_record import new_record
from adf_trigger.service.submission import Submission

NO_RUN = UUID(int=0)
"""The runId of a record that is never written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would happen to a request.

    Attributes:
        outcome: see RunPreview.
        message: what it would wait for, or why it would be refused; None where it would be started.
        hold: the hold that would keep it from being started.
        in_line: its place in line; None where it would not wait in one.
        joined_to: the request that it would join.
        in_the_way: the runs because of which it would be refused.
    """

    outcome: PreviewOutcome
    message: str | None = None
    hold: Hold | None = None
    in_line: PlaceInLine | None = None
    joined_to: JoinedTo | None = None
    in_the_way: Sequence[RunChoice] = ()


class OutlookFinder:
    """Decides as a claim does, but writes nothing.

    Args:
        policies: the policy of each pipeline.
        holds: the holds of operators.
        entries: decides where a new request stands.
        positions: counts the requests in a line.
        clock: returns the current time.
    """

    def __init__(
        self, policies: Policies, holds: HoldNotes, entries: Entries, positions: LinePositions, clock: Clock
    ) -> None:
        self._policies = policies
        self._holds = holds
        self._entries = entries
        self._positions = positions
        self._clock = clock

    def of(self, submission: Submission, definition: Declaration | None) -> Outlook:
        """What would happen to a request that was checked.

        Args:
            submission: a new request.
            definition: what its pipeline declares; None where that is not known.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        record = new_record(submission, definition, self._policies, NO_RUN, self._clock())
        policy = self._policies.of(record.pipeline).admission
        hold = self._holds.of(submission.factory).covering(record)
        if hold is not None:
            lined_up = policy is not None and not record.secure_parameters
            in_line = self._last_in_line(record) if lined_up else None
            return Outlook(outcome="held", message=hold.in_words, hold=hold, in_line=in_line)
        if policy is None:
            return Outlook(outcome="start")
        try:
            entry = self._entries.of_new(record, policy)
        except AtCapacity as exc:
            return Outlook(outcome="refuse", message=str(exc), in_the_way=tuple(exc.runs))
        if entry.is_admitted:
            return Outlook(outcome="start")
        message, joined_to = entry.record.message, entry.record.joined_to
        if joined_to is not None:
            return Outlook(outcome="join", message=message, joined_to=joined_to)
        in_line = self._last_in_line(record) if entry.record.waits_for is Waits.ADMISSION else None
        return Outlook(outcome="wait", message=message, in_line=in_line)

    def _last_in_line(self, record: RunRecord) -> PlaceInLine | None:
        policy = self._policies.of(record.pipeline).admission
        return (
            None if policy is None else self._positions.behind(record.factory, places_of(record, policy).name)
        )


def wire_outlooks(
    ledger: LedgerReader,
    factories: Factories,
    policies: Policies,
    holds: HoldNotes,
    choice: Callable[[RunRecord], RunChoice],
    clock: Clock,
    *,
    seconds: Callable[[], float],
) -> OutlookFinder:
    """An `OutlookFinder`, wired to a ledger that it only reads."""
    entries = Entries(ledger, Holders(ledger, factories), choice, clock)
    positions = LinePositions(ledger, policies, seconds=seconds)
    return OutlookFinder(policies, holds, entries, positions, clock)
