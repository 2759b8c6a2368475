"""Previews a request: every check is made, and nothing is claimed, sent or stored."""

from dataclasses import dataclass
from typing import Any

from adf_trigger.errors import InvalidRequest, Refused, RequestConflict, TryLater
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.messages.masking import MASK
from adf_trigger.service.starting.check import Checker
from adf_trigger.service.starting.outlook import Outlook, OutlookFinder
from adf_trigger.service.starting.partitions import Partitions
from adf_trigger.service.submission import Submission

REPEAT = Outlook(outcome="repeat")
"""The same request was made before."""


@dataclass(frozen=True, slots=True)
class Previewed:
    """The preview of a request.

    Attributes:
        parameters: the parameters that it would be started with, secure ones masked.
        outlook: what would happen to it.
        earlier: the record with which it would be answered, starting nothing; None where it would be a new request.
    """

    parameters: dict[str, Any]
    outlook: Outlook
    earlier: RunRecord | None = None


class Previewer:
    """Previews requests.

    Args:
        ledger: the run ledger.
        checker: checks them as on submission.
        partitions: finds the id under which a request is kept.
        outlooks: determines what would happen to valid requests.
    """

    def __init__(
        self, ledger: LedgerReader, checker: Checker, partitions: Partitions, outlooks: OutlookFinder
    ) -> None:
        self._outlooks = outlooks
        self._ledger = ledger
        self._checker = checker
        self._partitions = partitions

    def preview(self, submission: Submission) -> Previewed:
        """Preview a request.

        Raises:
            InvalidRequest: it can never work; every fault is named.
            Refused: Data Factory refuses it, for instance since there is no such pipeline.
            RequestConflict: the key names another request.
            TryLater: its caller would be asked to retry.
            LedgerError: the ledger is out of reach.
        """
        submission = self._partitions.placed(submission)
        stored = self._ledger.get(submission.factory.id, submission.request_id)
        # A rejected request has started nothing, so that its key may be used again.
        earlier = None if stored is None or stored.record.rejected else stored.record
        try:
            definition = self._checker.check(submission)
        except (InvalidRequest, Refused, TryLater):
            if earlier is None or not submission.asks_for(earlier):
                raise
            self._checker.require_callback(submission)
            return Previewed(_masked(submission, earlier.secure_parameters), REPEAT, earlier)
        if definition is not None:
            submission = submission.declared_as(definition)
        if earlier is not None and not submission.asks_for(earlier):
            raise RequestConflict(
                f"the key {submission.request_id} already names another request, made at {earlier.requested_at}"
            )
        secure = definition.secure_among(submission.request.parameters) if definition else ()
        outlook = self._outlooks.of(submission, definition) if earlier is None else REPEAT
        return Previewed(_masked(submission, secure), outlook, earlier)


def _masked(submission: Submission, secure: tuple[str, ...]) -> dict[str, Any]:
    return {name: MASK if name in secure else value for name, value in submission.request.parameters.items()}
