"""Records and publishes the ends of runs: two ledger writes and one message for each."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.contracts import RunStatus
from adf_trigger.datafactory.models import ActivityRun, PipelineRun, TimeWindow
from adf_trigger.errors import AdfTriggerError, CredentialError, DataFactoryError, LedgerConflict, Throttled
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.messages.fitting import fitted_children
from adf_trigger.messages.limits import shortened_together
from adf_trigger.results import Results
from adf_trigger.service.attribution import CLOCK_SKEW
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.recording.records import Records
from adf_trigger.service.recording.run_end import RunEnd
from adf_trigger.service.watching.children import NO_CHILDREN, ChildRuns, children_of
from adf_trigger.service.watching.results import errors_of, in_order, kept_errors, results_of, return_value_of
from adf_trigger.service.watching.withheld import Withholder
from adf_trigger.settings.policy import Details

logger = logging.getLogger(__name__)

MAX_CLOCK_LEAD = timedelta(hours=1)
"""Maximum lead of the service's clock over ours; later times are ignored."""

DETAILS_WAIT = timedelta(minutes=10)
"""How long an end's event waits for the errors of its activities."""

MOST_ACTIVITY_PAGES = 10
MOST_ACTIVITIES = 1000
"""Maximum pages of activities that are read of one run, and the activities that they hold: a loop of thousands must
not use up the calls that all runs share."""

MAX_CHILDREN_SIZE = 16_000
MAX_MESSAGE_SIZE = 8_000
"""Maximum size of a run's message, which repeats an activity's, in characters of ASCII JSON (up to 12 each)."""


class EndRecorder:
    """Records ends.

    Args:
        ledger: the run ledger.
        records: writes it.
        publisher: publishes the ends.
        policies: say for which runs the activities are read.
        withholder: says for which runs inputs and outputs are left out.
        clock: returns the current time.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        publisher: Publisher,
        policies: Policies,
        withholder: Withholder,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._publisher = publisher
        self._policies = policies
        self._withholder = withholder
        self._clock = clock

    def record(self, factory: FactoryHandle, row: ActiveRun, run: PipelineRun, budget: Budget) -> bool:
        """Record and publish the end of a run; returns False where that is left to a later tick.

        Raises:
            LedgerConflict: another process has changed the record.
            LedgerError, PublishError: storage is out of reach.
        """
        try:
            return self._recorded(factory, row, run, budget)
        except LedgerConflict:
            # Its sender or the dispatcher may just have handed it over.
            return self._recorded(factory, row, run, budget)

    def _recorded(self, factory: FactoryHandle, row: ActiveRun, run: PipelineRun, budget: Budget) -> bool:
        if not budget.left:
            return False  # with hundreds waiting for a call, not even the records are read
        stored = self._ledger.get(factory.id, row.request_id)
        if stored is None or stored.record.state is RunState.ACCEPTED:
            return stored is None  # its sender or the dispatcher records first that it was started
        if stored.record.state is not RunState.SUBMITTED:
            return True
        end = self.of(factory, stored.record, run, budget)
        if end is None:
            return False
        self._publisher.publish_leased(self._records.end(stored, end))
        return True

    def of(
        self, factory: FactoryHandle, record: RunRecord, run: PipelineRun, budget: Budget
    ) -> RunEnd | None:
        """Describe the end of a run, with its activities if the policy asks for them; None if a later tick has to."""
        read = self._read(factory, record, run, budget)
        if not read.complete and self._may_still_be_read(run):
            return None
        withheld = read.activities is not None and self._withholder.at_end(factory, record)
        return end_of(run, read.activities, read.children, withheld=withheld, complete=read.complete)

    def _may_still_be_read(self, run: PipelineRun) -> bool:
        """Whether its event still waits for its activities: for DETAILS_WAIT after its end, where that is known."""
        now, ended = self._clock(), run.run_end or run.last_updated
        return ended is not None and ended <= now + MAX_CLOCK_LEAD and now - ended < DETAILS_WAIT

    def _read(self, factory: FactoryHandle, record: RunRecord, run: PipelineRun, budget: Budget) -> "_Read":
        """Read the activity runs of a run, if the policy asks for them.

        Only the first pages are read of a run with very many activities, which then counts as complete.
        """
        details = self._policies.of(record.pipeline).details
        if details is Details.FAILED and run.status == RunStatus.SUCCEEDED:
            return _Read(None, complete=True)
        since = run.run_start or record.submitted_at or record.requested_at
        until = max(self._clock(), since, run.run_end or since, run.last_updated or since)
        window = TimeWindow(after=since - CLOCK_SKEW, before=until + CLOCK_SKEW)
        pages = factory.runs.query_activity_runs(run.run_id, window=window)
        try:
            found, complete = budget.read(pages, at_most=MOST_ACTIVITY_PAGES)
        except (DataFactoryError, CredentialError) as exc:
            if isinstance(exc, Throttled):
                budget.exhaust()
            _log_not_read(run, exc)
            return _Read(None, complete=False)
        if not found and not complete:
            return _Read(None, complete=False)
        activities = in_order(found)
        children = children_of(factory, run, activities, window, budget)
        complete = complete or len(activities) >= MOST_ACTIVITIES
        return _Read(activities, children, complete=complete and children.complete)


@dataclass(frozen=True, slots=True)
class _Read:
    """The activities and child runs of a run, as far as they were read.

    Attributes:
        activities: in the order in which they began; None where they were not read.
        children: the runs that it has started.
        complete: whether no more will be read.
    """

    activities: Sequence[ActivityRun] | None
    children: ChildRuns = NO_CHILDREN
    complete: bool = False


def end_of(
    run: PipelineRun,
    activities: Sequence[ActivityRun] | None,
    children: ChildRuns = NO_CHILDREN,
    *,
    withheld: bool = False,
    complete: bool = True,
) -> RunEnd:
    """Describe the end of a run, cut to what a record can hold.

    Args:
        run: a run that has ended.
        activities: its activity runs, in the order in which they began; None where they were not read.
        children: the runs that it has started.
        withheld: whether figures, user properties and the return value are left out.
        complete: whether everything was read.
    """
    message = run.message or ""
    (shortened,) = shortened_together([message], MAX_MESSAGE_SIZE)
    ended = RunEnd(
        status=run.status,
        started_at=run.run_start,
        ended_at=run.run_end or run.last_updated,
        duration_ms=run.duration_in_ms,
        message=shortened,
        errors=None,
        truncated=shortened != message or not complete,
    )
    if activities is None:
        return ended
    errors, errors_left_out, cut = kept_errors(errors_of(activities, withheld=withheld))
    results, left_out = results_of(activities, withheld=withheld)
    kept = fitted_children(children.runs, size=MAX_CHILDREN_SIZE)
    value, value_cut = (None, False) if withheld else return_value_of(run, activities)
    return replace(
        ended,
        errors=tuple(errors),
        truncated=ended.truncated
        or cut
        or value_cut
        or bool(errors_left_out or left_out)
        or children.is_cut
        or kept != [*children.runs],
        results=Results(
            activities=results,
            activities_left_out=left_out,
            errors_left_out=errors_left_out,
            children=kept,
            children_left_out=len(children.runs) - len(kept),
            return_value=value,
            details="withheld" if withheld else "full",
        ),
    )


def _log_not_read(run: PipelineRun, error: AdfTriggerError) -> None:
    logger.warning(
        "Run %s has ended, but its activities cannot be read yet: %s",
        run.run_id,
        error,
        extra={"action": "activities_not_read", "run_id": str(run.run_id)},
    )
