"""Records how runs have ended, and publishes it: two writes of the ledger and one message for each."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.contracts import RunStatus
from adf_trigger.datafactory.models import ActivityRun, PipelineRun, TimeWindow
from adf_trigger.errors import AdfTriggerError, CredentialError, DataFactoryError, LedgerConflict, Throttled
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.messages.limits import shorten
from adf_trigger.results import ActivityError
from adf_trigger.service.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.publish import Publisher
from adf_trigger.service.reconcile import CLOCK_SKEW
from adf_trigger.service.records import Records
from adf_trigger.service.transitions import RunEnd
from adf_trigger.settings.policy import Details

logger = logging.getLogger(__name__)

BELIEVED_AHEAD = timedelta(hours=1)
"""A time of the service that is further ahead of our clock says nothing."""

DETAILS_WAIT = timedelta(minutes=10)
"""How long the news of an end waits for the reasons of its activities."""

MOST_ACTIVITY_PAGES = 10
MOST_ACTIVITIES = 1000
"""Pages of activities that are read of one run, and what they hold: a loop of thousands must not spend what all
runs share."""

MOST_ERRORS = 10
LONGEST_MESSAGE = 1024
LONGEST_NAME = 256
"""Reasons that a record keeps, and characters of each: a loop of thousands may fail in every round, and a record
holds 500,000 characters of ASCII JSON, in which one character can take twelve."""

_FAILED_ACTIVITY = frozenset({"Failed", "TimedOut"})


class Ends:
    """Records ends.

    Args:
        ledger: the run ledger.
        records: writes it.
        publisher: publishes what has ended.
        policies: of which runs the activities are read.
        clock: gives the present instant.
    """

    def __init__(
        self, ledger: LedgerReader, records: Records, publisher: Publisher, policies: Policies, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._publisher = publisher
        self._policies = policies
        self._clock = clock

    def record(self, factory: FactoryHandle, row: ActiveRun, run: PipelineRun, budget: Budget) -> bool:
        """Record and publish the end of a run; False where a later look has to do it.

        Raises:
            LedgerConflict: another process has changed the record.
            LedgerError, PublishError: out of reach.
        """
        try:
            return self._recorded(factory, row, run, budget)
        except LedgerConflict:
            # Perhaps its sender, or the dispatcher, has just handed it over.
            return self._recorded(factory, row, run, budget)

    def _recorded(self, factory: FactoryHandle, row: ActiveRun, run: PipelineRun, budget: Budget) -> bool:
        if not budget.left:
            return False  # of hundreds that wait for a call not even the records need be read
        stored = self._ledger.get(factory.id, row.request_id)
        if stored is None or stored.record.state is RunState.ACCEPTED:
            return stored is None  # its sender, or the dispatcher, first has to record that it was started
        if stored.record.state is not RunState.SUBMITTED:
            return True
        errors, complete = self._reasons(factory, stored.record, run, budget)
        if not complete and self._may_still_be_read(run):
            return False
        end = end_of(run, errors, complete=complete)
        self._publisher.publish_leased(self._records.end(stored, end))
        return True

    def _may_still_be_read(self, run: PipelineRun) -> bool:
        """Whether its activities are waited for: not where it does not tell since when, or what cannot be."""
        now, ended = self._clock(), run.run_end or run.last_updated
        return ended is not None and ended <= now + BELIEVED_AHEAD and now - ended < DETAILS_WAIT

    def _reasons(
        self, factory: FactoryHandle, record: RunRecord, run: PipelineRun, budget: Budget
    ) -> tuple[list[ActivityError] | None, bool]:
        """Why activities failed, where the policy has them read, and whether that is all that will be read."""
        details = self._policies.of(record.pipeline).details
        if details is Details.FAILED and run.status == RunStatus.SUCCEEDED:
            return None, True
        return self._failed_activities(factory, record, run, budget)

    def _failed_activities(
        self, factory: FactoryHandle, record: RunRecord, run: PipelineRun, budget: Budget
    ) -> tuple[list[ActivityError] | None, bool]:
        """Why it failed, and whether that is all; also what failed inside a run that Data Factory calls Succeeded.

        Of a run with very many activities only the first pages are read: then that is all that will be.
        """
        since = run.run_start or record.submitted_at or record.requested_at
        until = max(self._clock(), since, run.run_end or since, run.last_updated or since)
        window = TimeWindow(after=since - CLOCK_SKEW, before=until + CLOCK_SKEW)
        pages = factory.runs.query_activity_runs(run.run_id, window=window)
        try:
            activities, complete = budget.read(pages, at_most=MOST_ACTIVITY_PAGES)
        except (DataFactoryError, CredentialError) as exc:
            if isinstance(exc, Throttled):
                budget.exhaust()
            _log_not_read(run, exc)
            return None, False
        if not activities and not complete:
            return None, False
        errors = [_error_of(each) for each in activities if each.status in _FAILED_ACTIVITY]
        return errors, complete or len(activities) >= MOST_ACTIVITIES


def end_of(run: PipelineRun, errors: Sequence[ActivityError] | None, *, complete: bool = True) -> RunEnd:
    """How a run has ended, its reasons cut to what a record can hold."""
    message, given = run.message or "", errors or ()
    cut = [_shorten_error(error) for error in given]
    return RunEnd(
        status=run.status,
        started_at=run.run_start,
        ended_at=run.run_end or run.last_updated,
        duration_ms=run.duration_in_ms,
        message=shorten(message, LONGEST_MESSAGE),
        errors=None if errors is None else tuple(cut[:MOST_ERRORS]),
        truncated=len(message) > LONGEST_MESSAGE
        or cut != list(given)
        or len(cut) > MOST_ERRORS
        or not complete,
    )


def _error_of(activity: ActivityRun) -> ActivityError:
    return ActivityError(
        activity_name=activity.activity_name,
        activity_type=activity.activity_type,
        error_code=activity.error.error_code,
        failure_type=activity.error.failure_type,
        message=activity.error.message,
    )


def _shorten_error(error: ActivityError) -> ActivityError:
    names = error.model_dump(by_alias=False, exclude={"message"})
    return ActivityError(
        **{field: shorten(text, LONGEST_NAME) for field, text in names.items()},
        message=shorten(error.message, LONGEST_MESSAGE),
    )


def _log_not_read(run: PipelineRun, error: AdfTriggerError) -> None:
    logger.warning(
        "Run %s has ended, and its activities cannot be read yet: %s",
        run.run_id,
        error,
        extra={"action": "activities_not_read", "run_id": str(run.run_id)},
    )
