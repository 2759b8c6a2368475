"""The unfinished runs that activities have started: the activities' outputs name them only at their end."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from adf_trigger.datafactory.lenient import json_object, text
from adf_trigger.datafactory.models import ActivityRun, FieldFilter, PipelineRun, RunFilter, TimeWindow
from adf_trigger.errors import CredentialError, DataFactoryError
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.watching.results import child_of, starts_a_run

logger = logging.getLogger(__name__)

MOST_PAGES = 3
"""Maximum pages of a hundred runs of those pipelines that are read."""

MOST_NAMES = 20
"""Maximum pipelines by which the list is filtered; with more, none is searched."""

NEVER_LATER = timedelta(days=1)
"""How far ahead of our clock a list ends, since ours may be behind Data Factory's."""

_UNFINISHED = frozenset({"Queued", "InProgress"})


def unfinished_children(
    factory: FactoryHandle,
    run_id: UUID,
    activities: Sequence[ActivityRun],
    window: TimeWindow,
    budget: Budget,
) -> Mapping[str, str]:
    """Map unfinished activity runs to the runs that they have started, as far as that is known.

    A run names the run that started it. Where it does not name the activity, and several may have started it, there is
    no guess. Where the list cannot be read, the result is empty.

    Args:
        factory: where they run.
        run_id: whose activities they are.
        activities: all of them.
        window: in which they were read.
        budget: calls that may be spent.
    """
    waiting = [
        each
        for each in activities
        if starts_a_run(each) and child_of(each) is None and each.status in _UNFINISHED
    ]
    names = sorted({name for each in waiting if (name := _pipeline_of(each))})
    if not 0 < len(names) <= MOST_NAMES:
        return {}
    wanted = RunFilter(
        last_updated_after=window.after,
        last_updated_before=window.before + NEVER_LATER,
        filters=(FieldFilter(operand="PipelineName", operator="In", values=tuple(names)),),
    )
    try:
        found, _ = budget.share(1 / 10).read(factory.runs.query_runs(wanted), at_most=MOST_PAGES)
    except (DataFactoryError, CredentialError) as exc:
        logger.info(
            "The runs that run %s has started could not be listed: %s",
            run_id,
            exc,
            extra={"action": "children_not_read", "run_id": str(run_id)},
        )
        return {}
    named = {child.lower() for each in activities if (child := child_of(each)) is not None}
    ours = [run for run in found if _is_of(run, run_id) and str(run.run_id) not in named]
    return _paired(waiting, ours)


def _paired(waiting: Sequence[ActivityRun], runs: Sequence[PipelineRun]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for activity in waiting:
        own = [run for run in runs if _says(run, activity)]
        pipeline = _pipeline_of(activity).lower()
        of_pipeline = [run for run in runs if run.pipeline_name.lower() == pipeline]
        alone = sum(_pipeline_of(each).lower() == pipeline for each in waiting) == 1
        likely = own or (of_pipeline if alone else [])
        if len(likely) == 1:
            pairs[activity.activity_run_id] = str(likely[0].run_id)
    return pairs


def _is_of(run: PipelineRun, parent: UUID) -> bool:
    return run.invoked_by is not None and (run.invoked_by.pipeline_run_id or "").lower() == str(parent)


def _says(run: PipelineRun, activity: ActivityRun) -> bool:
    """Whether a run names the activity run that has started it, in either form of a GUID."""
    said = "" if run.invoked_by is None else (run.invoked_by.id or "")
    own = activity.activity_run_id
    return bool(own) and said.replace("-", "").lower() == own.replace("-", "").lower()


def _pipeline_of(activity: ActivityRun) -> str:
    given = json_object(activity.input)
    return text(json_object(given.get("pipeline")).get("referenceName"))
