"""What a person does about a run or a rejected message, by whatever id they name it."""

from dataclasses import dataclass

from adf_trigger.contracts import RunView
from adf_trigger.errors import NotFound
from adf_trigger.service.cancel import Canceller, CancelOrder
from adf_trigger.service.query import By, Query
from adf_trigger.service.rerun import Rerunner, RerunOrder
from adf_trigger.service.views import RunViews


@dataclass(frozen=True, slots=True)
class Which:
    """The run that is meant.

    Attributes:
        run: a requestId, a runId, or the id of a rejected message.
        factory: alias or resource id, where the id may mean several.
        by: which id it is; None for either.
    """

    run: str
    factory: str | None = None
    by: By | None = None


class Steering:
    """Finds what is meant, has it done, and shows it as it is then.

    Every method may raise NotFound (there is nothing of that id), AmbiguousRun (it means several), InvalidRequest and
    LedgerError.

    Args:
        query: finds runs.
        views: shows them.
        canceller: cancels them.
        rerunner: reruns them.
    """

    def __init__(self, query: Query, views: RunViews, canceller: Canceller, rerunner: Rerunner) -> None:
        self._query = query
        self._views = views
        self._canceller = canceller
        self._rerunner = rerunner

    def cancel(self, which: Which, order: CancelOrder) -> RunView:
        """Cancel a run; a rejected message is shown as it is, since it is over.

        Raises:
            WrongState, FactoryUnusable, TryLater: see `Canceller.cancel`.
        """
        try:
            record = self._query.find(which.run, factory=which.factory, by=which.by)
        except NotFound:
            kept = self._query.find_rejected(which.run, factory=which.factory, by=which.by)
            if kept is None:
                raise
            return self._views.rejected(kept)
        return self._views.view(self._canceller.cancel(record, order))

    def rerun(self, which: Which, order: RerunOrder) -> tuple[RunView, bool]:
        """The run that reruns another, and whether it had been asked for before.

        Raises:
            WrongState, RequestConflict, Refused, TryLater: see `Rerunner.rerun`.
        """
        record = self._query.find(which.run, factory=which.factory, by=which.by)
        submitted = self._rerunner.rerun(record, order)
        return self._views.view(submitted.record), submitted.replayed
