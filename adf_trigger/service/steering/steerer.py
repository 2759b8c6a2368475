"""Actions on a run or a rejected message, named by any of its ids."""

from dataclasses import dataclass

from adf_trigger.contracts import RunView
from adf_trigger.errors import InvalidRequest, WrongState
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.news.views import RunViews
from adf_trigger.service.reading.query import By, RunFinder
from adf_trigger.service.steering.cancel import Canceller, CancelOrder
from adf_trigger.service.steering.rejected import RejectedMessageActions, ReplayOrder
from adf_trigger.service.steering.rerun import Rerunner, RerunOrder
from adf_trigger.service.steering.resolve import ResolveOrder, Resolver


@dataclass(frozen=True, slots=True)
class RunSelector:
    """Selects a run or a rejected message by an id.

    Attributes:
        run: a requestId, a runId, or the id of a rejected message.
        factory: alias or resource id, where the id may mean several.
        by: which kind of id it is; None for any.
    """

    run: str
    factory: str | None = None
    by: By | None = None


class Steerer:
    """Finds the run or message of an id, carries out an action, and shows the result.

    Every method may raise NotFound (there is nothing of that id), AmbiguousRun (it means several), InvalidRequest and
    LedgerError.

    Args:
        query: finds runs.
        views: shows them.
        canceller: cancels them.
        rerunner: reruns them.
        resolver: carries out decisions about those whose outcome is unknown.
        rejected: sends rejected messages again, and discards them.
    """

    def __init__(
        self,
        query: RunFinder,
        views: RunViews,
        canceller: Canceller,
        rerunner: Rerunner,
        resolver: Resolver,
        rejected: RejectedMessageActions,
    ) -> None:
        self._query = query
        self._views = views
        self._canceller = canceller
        self._rerunner = rerunner
        self._resolver = resolver
        self._rejected = rejected

    def cancel(self, selector: RunSelector, order: CancelOrder) -> RunView:
        """Cancel a run; a rejected message is shown as it is, since it is over.

        Raises:
            WrongState, FactoryUnusable, TryLater: see `Canceller.cancel`.
        """
        found = self._query.find_or_kept(selector.run, factory=selector.factory, by=selector.by)
        if isinstance(found, RunRecord):
            return self._views.view(self._canceller.cancel(found, order))
        if found.is_on_queue:
            raise WrongState(
                "its message waits in the requests queue: it can be cancelled once that is accepted"
            )
        return self._views.kept(found)

    def rerun(self, selector: RunSelector, order: RerunOrder) -> tuple[RunView, bool]:
        """Rerun a run; returns the new run, and whether the rerun had been requested before.

        Raises:
            WrongState, RequestConflict, Refused, TryLater: see `Rerunner.rerun`; or it is a rejected message.
        """
        record = self._query.find_or_kept(selector.run, factory=selector.factory, by=selector.by)
        if isinstance(record, KeptMessage):
            if record.waiting:
                raise WrongState(f"it was never started: {record.fate_in_words}")
            raise WrongState("it is a rejected message and was never started: send it again by replay")
        submitted = self._rerunner.rerun(record, order)
        return self._views.view(submitted.record), submitted.replayed

    def resolve(self, selector: RunSelector, order: ResolveOrder) -> RunView:
        """Carry out a decision about a run whose outcome is unknown; a rejected message can be dismissed, too.

        Raises:
            WrongState, TryLater, FactoryUnusable: see `Resolver.resolve`.
        """
        record, kept = self._find(selector)
        if order.decision == "dismiss" and (record is None or record.rejected):
            if faults := order.faults():
                raise InvalidRequest(faults)
            return self._rejected.dismiss(record, kept, by=order.by, note=order.note)
        if record is None:
            raise WrongState("a rejected message can be dismissed, or sent again by replay")
        return self._views.view(self._resolver.resolve(record, order))

    def replay(self, selector: RunSelector, order: ReplayOrder) -> RunView:
        """Send a rejected message to the requests queue again; returns the view of it as it waits.

        One that was sent before is shown as it is: it waits there, or its request was accepted.

        Raises:
            WrongState: no message is kept of it, it can never work, or it may start a second run and `force` is not
                given.
            InvalidRequest: values of secure parameters are missing, or others are given.
            PublishError: the queue is out of reach; the message is kept as it was.
        """
        record, kept = self._find(selector)
        return self._rejected.replay(record, kept, order)

    def _find(self, selector: RunSelector) -> tuple[RunRecord | None, KeptMessage | None]:
        return self._query.find_both(selector.run, factory=selector.factory, by=selector.by)
