"""The activity runs of a run, read from Data Factory on demand."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import ActivityRun, PipelineRun, TimeWindow
from adf_trigger.errors import DataFactoryFailed, NotFound, ResourceNotFound
from adf_trigger.ledger.records import RunRecord
from adf_trigger.messages.limits import shorten, shorten_middle
from adf_trigger.readings import ActivityFailure, ActivityView, RunActivities
from adf_trigger.request_ids import as_guid
from adf_trigger.service.attribution import CLOCK_SKEW
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.reads import Reads, nothing_allowed
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.reading.query import By, RunFinder
from adf_trigger.service.reading.unfinished_children import unfinished_children
from adf_trigger.service.watching.results import child_of, in_order
from adf_trigger.service.watching.withheld import Withholder

MOST_PAGES = 20
"""Maximum pages of a hundred activity runs each: a loop of thousands must not use up the calls that all callers
share."""

MOST_GENERATIONS = 10
"""Maximum runs between a run and a descendant of it; each is one read."""

MAX_BODY = 1_048_576
"""Maximum length of an answer, in characters of ASCII JSON."""

_LIMITS = (65_536, 16_384, 4_096, 1_024, 256, 0)
"""Maximum length of an input, output, property or message, in characters: tried in turn until the answer fits."""

_LONGEST_NAME = 260


class ActivityLister:
    """Shows the activity runs of a run.

    Args:
        query: finds runs.
        factories: all configured factories.
        reads: gives budgets for reads.
        withholder: decides for which runs inputs and outputs are left out.
        clock: returns the current time.
    """

    def __init__(
        self,
        query: RunFinder,
        factories: Factories,
        reads: Reads,
        withholder: Withholder,
        clock: Clock,
    ) -> None:
        self._query = query
        self._factories = factories
        self._reads = reads
        self._withholder = withholder
        self._clock = clock

    def show(
        self, run: str, *, factory: str | None = None, by: By | None = None, child: UUID | None = None
    ) -> RunActivities:
        """The activity runs of a run in the order in which they began; each retry and each iteration of a loop is one.

        A request that was not started has none. Inputs, outputs and user properties are left out where the pipeline
        declares secure parameters, or that is not known, unless its policy has `details: full`: Data Factory
        shows the values of parameters in them.

        Args:
            run: a requestId, a runId, or the id of a message.
            factory: see `RunFinder.find`.
            by: see `RunFinder.find`.
            child: runId of a run that it has started, directly or through others, whose activities are shown instead.

        Raises:
            NotFound: there is no such run, or Data Factory does not have it any more; or it has not started that child.
            AmbiguousRun, InvalidRequest, LedgerError: see `RunFinder.find`.
            TryLater, DataFactoryFailed, FactoryUnusable: see `Reads.of`.
        """
        record = self._query.find_or_kept(run, factory=factory, by=by)
        if not isinstance(record, RunRecord):
            return RunActivities(request_id=record.request_id, activities=[], details="full")
        run_id = record.confirmed_run_id
        if run_id is None:
            return RunActivities(request_id=record.request_id, activities=[], details="full")
        handle = self._factories.kept_under(record.factory)
        if handle is None:
            raise DataFactoryFailed(f"the factory is not configured any more: {record.factory}")
        window = TimeWindow(after=record.requested_at - CLOCK_SKEW, before=self._clock() + CLOCK_SKEW)
        shown_id = child or run_id
        with self._reads.of(handle, pages=MOST_PAGES + MOST_GENERATIONS) as budget:
            try:
                between = [] if child is None else list(_line(handle, run_id, child, budget))
                pages = handle.runs.query_activity_runs(shown_id, window=window)
                found, complete = budget.read(pages, at_most=MOST_PAGES)
            except ResourceNotFound as exc:
                sentence = f"Data Factory has no run {shown_id} any more; it keeps runs for 45 days"
                raise NotFound(sentence) from exc
            if not found and not complete:
                raise nothing_allowed()
            unfinished = unfinished_children(handle, shown_id, found, window, budget)
            # A run may have passed its parameters on.
            withheld = self._withholder.now(handle, record) or any(
                self._withholder.of_pipeline(handle, each.pipeline_name) for each in between
            )
        found = in_order(found)
        answer = RunActivities(
            request_id=record.request_id,
            run_id=shown_id,
            activities=[
                _view(each, unfinished.get(each.activity_run_id), withheld=withheld) for each in found
            ],
            details="withheld" if withheld else "full",
            truncated=not complete,
        )
        return fitted(answer)


def _line(factory: FactoryHandle, run_id: UUID, child: UUID, budget: Budget) -> Iterator[PipelineRun]:
    """Yield a child run and those between it and a run, by following each run's invoker.

    Raises:
        NotFound: the child does not descend from that run.
        TryLater: no further read is allowed now.
        ResourceNotFound: Data Factory has no such run.
    """
    current = child
    for _ in range(MOST_GENERATIONS):
        if not budget.spend():
            raise nothing_allowed()
        found = factory.runs.get_run(current)
        yield found
        parent = as_guid((found.invoked_by.pipeline_run_id if found.invoked_by else None) or "")
        if parent == run_id:
            return
        if parent is None:
            break
        current = parent
    raise NotFound(f"run {child} was not started by run {run_id}, nor by one that it has started")


def _view(run: ActivityRun, unfinished_child: str | None, *, withheld: bool) -> ActivityView:
    child = child_of(run) or unfinished_child
    error = run.error
    return ActivityView(
        activity_name=shorten(run.activity_name, _LONGEST_NAME),
        activity_type=shorten(run.activity_type, _LONGEST_NAME),
        activity_run_id=shorten(run.activity_run_id, _LONGEST_NAME),
        status=run.status,
        started_at=run.activity_run_start,
        ended_at=run.activity_run_end,
        duration_ms=run.duration_in_ms,
        retry_attempt=run.retry_attempt,
        iteration_hash=None if run.iteration_hash is None else shorten(run.iteration_hash, _LONGEST_NAME),
        user_properties=None if withheld else run.user_properties,
        input=None if withheld else run.input,
        output=None if withheld else run.output,
        error=ActivityFailure(
            error_code=shorten(error.error_code, _LONGEST_NAME),
            failure_type=shorten(error.failure_type, _LONGEST_NAME),
            message=error.message,
            target=shorten(error.target, _LONGEST_NAME),
        )
        if error.error_code or error.message
        else None,
        child_run_ids=[] if child is None else [child],
    )


def fitted(answer: RunActivities, *, most: int = MAX_BODY) -> RunActivities:
    """Cut an answer to at most `most` characters: first long values, then the last activities."""
    cut = answer
    for limit in _LIMITS:
        if _length(cut) <= most:
            return cut
        cut = answer.model_copy(update={"activities": [_cut(each, limit) for each in answer.activities]})
    while _length(cut) > most:
        fewer: Sequence[ActivityView] = cut.activities[: len(cut.activities) // 2]
        cut = cut.model_copy(update={"activities": fewer, "truncated": True})
    return cut


def _length(answer: RunActivities) -> int:
    return len(json.dumps(answer.model_dump(mode="json")))


def _cut(view: ActivityView, limit: int) -> ActivityView:
    values = {name: _shorter(getattr(view, name), limit) for name in ("input", "output", "user_properties")}
    changed: dict[str, Any] = {
        name: value for name, value in values.items() if value is not getattr(view, name)
    }
    if view.error is not None and len(view.error.message) > limit:
        message = shorten_middle(view.error.message, max(limit, _LONGEST_NAME))
        changed["error"] = view.error.model_copy(update={"message": message})
    return view.model_copy(update={**changed, "truncated": True}) if changed else view


def _shorter(value: object, limit: int) -> object:
    """A value, or its JSON cut in the middle; None where nothing fits."""
    text = value if isinstance(value, str) else json.dumps(value)
    if value is None or len(text) <= limit:
        return value
    return shorten_middle(text, limit) if limit else None
