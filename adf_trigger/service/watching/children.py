"""The child runs of a run: their status, and the errors of those whose failure made it fail.

One level deep: the children of a child are named, but not read.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from adf_trigger.contracts import RunStatus
from adf_trigger.datafactory.lenient import json_object, text
from adf_trigger.datafactory.models import ActivityRun, FieldFilter, PipelineRun, RunFilter, TimeWindow
from adf_trigger.errors import CredentialError, DataFactoryError, ResourceNotFound, Throttled
from adf_trigger.messages.fitting import LONGEST_NAME, fitted_errors
from adf_trigger.messages.limits import shorten_middle
from adf_trigger.results import FAILED_ACTIVITY, ChildRun
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.watching.results import child_of, cured_among, errors_of, in_order, starts_a_run

logger = logging.getLogger(__name__)

MOST_FOLLOWED = 3
"""Maximum child runs whose activities are read: one call for the run, and one for each page."""

MOST_PAGES = 3
"""Maximum pages of a hundred entries: of a child's activities, newest first, and of a list of runs."""

MOST_ASKED = 5
"""Maximum child runs of a cancelled run that are read by id, since no list has shown them."""

MOST_NAMES = 20
"""Maximum pipelines by which a list is filtered; with more, all runs are listed."""

MOST_ERRORS = 5
MAX_MESSAGES_SIZE = 6_000
"""Maximum size of the errors of one child run, in characters of ASCII JSON."""

NEVER_LATER = timedelta(days=1)
"""How far past our clock a list extends, since our clock may be behind the service's."""


@dataclass(slots=True)
class _Look:
    """The progress of reading one run's children.

    Attributes:
        factory: where they run.
        window: the time window of the run that started them.
        budget: calls that may be spent.
        children: runId → what is known of it.
        complete: whether everything was read.
        is_cut: whether part of what was read is left out.
    """

    factory: FactoryHandle
    window: TimeWindow
    budget: Budget
    children: dict[str, ChildRun] = field(default_factory=dict)
    complete: bool = True
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class ChildRuns:
    """What is known of the runs that a run has started.

    Attributes:
        runs: the runs, failed ones first.
        complete: whether everything was read.
        is_cut: whether part of what was read is left out.
    """

    runs: Sequence[ChildRun] = ()
    complete: bool = True
    is_cut: bool = False


NO_CHILDREN = ChildRuns()


def children_of(
    factory: FactoryHandle,
    run: PipelineRun,
    activities: Sequence[ActivityRun],
    window: TimeWindow,
    budget: Budget,
) -> ChildRuns:
    """The runs that a run has started.

    Makes no call if none has failed and the run was not cancelled: the run's own activities name them.

    Args:
        factory: where they run.
        run: a run that has ended.
        activities: its activity runs, in the order in which they began.
        window: the time window in which these were read.
        budget: calls that may be spent.
    """
    cured = cured_among(activities)
    failed = [
        each
        for number, each in enumerate(activities)
        if each.status in FAILED_ACTIVITY and number not in cured
    ]
    look = _Look(factory, window, budget)
    for each in (*failed, *activities):
        child = child_of(each)
        if child is not None and child not in look.children:
            look.children[child] = _named(child, each)
    if run.status == RunStatus.CANCELLED and any(map(starts_a_run, activities)):
        _list_children(look, run, activities)
    to_follow = dict.fromkeys(child for each in failed if (child := child_of(each)) is not None)
    for child in [*to_follow][:MOST_FOLLOWED]:
        _follow(look, child)
    return ChildRuns(list(look.children.values()), look.complete, look.is_cut)


def _named(child: str, activity: ActivityRun) -> ChildRun:
    """A child run as the activity that started it names it."""
    given, output = json_object(activity.input), json_object(activity.output)
    waits = given.get("waitOnCompletion")
    name = text(output.get("pipelineName")) or text(json_object(given.get("pipeline")).get("referenceName"))
    return ChildRun(
        run_id=child,
        pipeline=shorten_middle(name, LONGEST_NAME),
        activity_name=shorten_middle(activity.activity_name, LONGEST_NAME),
        activity_run_id=shorten_middle(activity.activity_run_id, LONGEST_NAME) or None,
        waited_for=waits if isinstance(waits, bool) else None,
    )


def _list_children(look: _Look, run: PipelineRun, activities: Iterable[ActivityRun]) -> None:
    """Read the status of a cancelled run's children, which may still be running, even those that no activity names."""
    names = {name for each in activities if (name := _named("", each).pipeline) and starts_a_run(each)}
    filters = [FieldFilter(operand="PipelineName", operator="In", values=tuple(sorted(names)))]
    wanted = RunFilter(
        last_updated_after=look.window.after,
        last_updated_before=look.window.before + NEVER_LATER,
        filters=tuple(filters) if 0 < len(names) <= MOST_NAMES else (),
    )
    try:
        found, _ = look.budget.read(look.factory.runs.query_runs(wanted), at_most=MOST_PAGES)
    except (DataFactoryError, CredentialError) as exc:
        _not_read(look, run.run_id, exc)
        return
    for each in found:
        by = each.invoked_by
        if by is not None and (by.pipeline_run_id or "").lower() == str(run.run_id):
            known = look.children.get(str(each.run_id)) or ChildRun(
                run_id=str(each.run_id), pipeline=shorten_middle(each.pipeline_name, LONGEST_NAME)
            )
            look.children[known.run_id] = known.model_copy(update={"status": each.status})
    unseen = [child for child, each in look.children.items() if each.status is None]
    for child in unseen[:MOST_ASKED]:
        _ask(look, child)


def _follow(look: _Look, child: str) -> None:
    """Read the errors of a child run's activities."""
    run = _ask(look, child)
    if run is None or run.status != RunStatus.FAILED:
        return
    window = TimeWindow(
        after=min(run.run_start or look.window.after, look.window.after), before=look.window.before
    )
    try:
        pages = look.factory.runs.query_activity_runs(run.run_id, window=window, newest_first=True)
        found, complete = look.budget.read(pages, at_most=MOST_PAGES)
    except (DataFactoryError, CredentialError) as exc:
        _not_read(look, run.run_id, exc)
        return
    if not found and not complete:
        look.complete = False
        return
    # The declaration of that pipeline is not known here: its user properties may hold secure values.
    errors = errors_of(in_order(found), withheld=True)
    kept = fitted_errors(errors, most=MOST_ERRORS, size=MAX_MESSAGES_SIZE)
    left_out = len(errors) - len(kept)
    look.is_cut |= not complete or bool(left_out) or any(each not in errors for each in kept)
    look.children[child] = look.children[child].model_copy(
        update={"errors": kept, "errors_left_out": left_out}
    )


def _ask(look: _Look, child: str) -> PipelineRun | None:
    """Read a child run and store its status; returns None where it was not read."""
    try:
        run_id = UUID(child)
    except ValueError:
        return None
    if not look.budget.spend():
        look.complete = False
        return None
    try:
        run = look.factory.runs.get_run(run_id)
    except ResourceNotFound:
        return None
    except (DataFactoryError, CredentialError) as exc:
        _not_read(look, run_id, exc)
        return None
    known = look.children[child]
    changes: Mapping[str, str] = {
        "status": shorten_middle(run.status, LONGEST_NAME),
        "pipeline": known.pipeline or shorten_middle(run.pipeline_name, LONGEST_NAME),
    }
    look.children[child] = known.model_copy(update=dict(changes))
    return run


def _not_read(look: _Look, run_id: UUID, error: DataFactoryError | CredentialError) -> None:
    look.complete = False
    if isinstance(error, Throttled):
        look.budget.exhaust()
    logger.warning(
        "The child runs of run %s, or their errors, cannot be read yet: %s",
        run_id,
        error,
        extra={"action": "children_not_read", "run_id": str(run_id)},
    )
