"""Cancels the descendants of a run, which continue where it alone was cancelled; each run's invoker identifies them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.contracts import ENDED_IN_DATA_FACTORY
from adf_trigger.datafactory.models import PipelineRun, RunFilter
from adf_trigger.errors import (
    CredentialError,
    FactoryUnusable,
    NotSent,
    Refused,
    Throttled,
    TryLater,
    Unavailable,
    UnknownOutcome,
    WrongState,
)
from adf_trigger.service.attribution import CLOCK_SKEW
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.steps import Steps

MOST_PAGES = 10
"""Maximum pages of a hundred runs that are read."""

TRY_AGAIN = 15.0
"""Default Retry-After in seconds, where Data Factory gives none."""

NEVER_LATER = timedelta(days=1)
"""How far past our clock a list extends, since our clock may be behind the service's."""


def cancel_descendants(
    factory: FactoryHandle,
    run_id: UUID,
    steps: Steps,
    allowance: Allowance,
    *,
    since: datetime,
    now: datetime,
) -> Sequence[UUID]:
    """Cancel the unfinished descendants of a run through Data Factory.

    Repeating it is safe: cancelled runs are left alone.

    Args:
        factory: where they run.
        run_id: the run that has started them.
        steps: surrounds each call.
        allowance: counts each call.
        since: when the run was requested.
        now: the current time.

    Returns:
        The runs that were cancelled.

    Raises:
        TryLater: Data Factory gave no clear answer, or there are too many runs to search at once.
        FactoryUnusable: it denies access.
        WrongState: it refuses to cancel some of them.
    """
    cancelled: list[UUID] = []
    refused: list[str] = []
    try:
        found, complete = Budget(MOST_PAGES).read(
            factory.runs.query_runs(
                RunFilter(last_updated_after=since - CLOCK_SKEW, last_updated_before=now + NEVER_LATER)
            )
        )
        for run in _descendants(found, run_id):
            if run.status in ENDED_IN_DATA_FACTORY:
                continue
            try:
                with (
                    allowance.demand(factory.present_id, Bucket.WRITES) as permit,
                    steps("cancel.call"),
                ):
                    permit.use()
                    factory.runs.cancel_run(run.run_id, recursive=True)
                cancelled.append(run.run_id)
            except (Throttled, FactoryUnusable):
                raise
            except Refused as exc:
                refused.append(f"{run.run_id}: {exc}")
    except (Throttled, NotSent, Unavailable, UnknownOutcome, CredentialError) as exc:
        wait = exc.retry_after or TRY_AGAIN
        raise TryLater(
            f"not all of the runs that it has started are cancelled: {exc}", retry_after=wait
        ) from exc
    if refused:
        raise WrongState(f"Data Factory refuses to cancel runs that it has started: {'; '.join(refused)}")
    if not complete:
        raise TryLater(
            f"{len(cancelled)} of the runs that it has started were cancelled; the factory has had more runs since "
            "than are searched at once",
            retry_after=TRY_AGAIN,
        )
    return cancelled


def _descendants(runs: Sequence[PipelineRun], run_id: UUID) -> Iterator[PipelineRun]:
    """The descendants of a run, the nearest first."""
    by_parent: dict[str, list[PipelineRun]] = {}
    for run in runs:
        parent = None if run.invoked_by is None else run.invoked_by.pipeline_run_id
        by_parent.setdefault((parent or "").lower(), []).append(run)
    parents, seen = [str(run_id)], {run_id}
    while parents:
        for run in by_parent.get(parents.pop(0), ()):
            if run.run_id not in seen:
                seen.add(run.run_id)
                parents.append(str(run.run_id))
                yield run
