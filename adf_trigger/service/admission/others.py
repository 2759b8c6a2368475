"""Lists unfinished runs that others have started, where a pipeline's policy counts them."""

import json
import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import FieldFilter, PipelineRun, RunFilter
from adf_trigger.errors import CredentialError, DataFactoryError
from adf_trigger.ledger.places import Places
from adf_trigger.service.admission.keys import canonical, parameter_in
from adf_trigger.service.attribution import carried
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import FactoryHandle

logger = logging.getLogger(__name__)

UNFINISHED = ("Queued", "InProgress", "Canceling")

RUNS_ARE_KEPT = timedelta(days=45)
"""How far back the last update of an unfinished run may be: Data Factory keeps no run for longer."""

NEVER_LATER = timedelta(days=1)
"""How far ahead of our clock the list ends, since ours may be behind Data Factory's."""

MOST_PAGES = 20


class OtherRuns:
    """Lists the unfinished runs of a pipeline.

    Args:
        gate: says whether a factory may be read now.
        clock: returns the current time.
    """

    def __init__(self, gate: Gate, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock

    def unfinished(
        self, factory: FactoryHandle, pipeline: str, ours: Collection[UUID], budget: Budget
    ) -> Sequence[PipelineRun] | None:
        """The unfinished runs of a pipeline that are not ours; None where that cannot be determined now."""
        if not self._gate.may_read(factory):
            return None
        now = self._clock()
        wanted = RunFilter(
            last_updated_after=now - RUNS_ARE_KEPT,
            last_updated_before=now + NEVER_LATER,
            filters=(
                FieldFilter(operand="PipelineName", operator="Equals", values=(pipeline,)),
                FieldFilter(operand="Status", operator="In", values=UNFINISHED),
            ),
        )
        try:
            pages = factory.runs.query_runs(wanted, wanted=lambda run: run.run_id not in ours)
            found, complete = budget.read(pages, at_most=MOST_PAGES)
        except (DataFactoryError, CredentialError) as exc:
            logger.info(
                "The runs of %s that others have started could not be listed: %s",
                pipeline,
                exc,
                extra={"action": "others_not_counted", "factory": factory.id, "pipeline": pipeline},
            )
            return None
        return found if complete else None


def count_of(runs: Sequence[PipelineRun], places: Places) -> int:
    """How many of these runs count against a limit: all of them, or those whose parameter has the key."""
    name = parameter_in(places.by)
    if name is None:
        return len(runs)
    return sum(_has(carried(run, name), places.key) for run in runs)


def _has(value: object, key: str | None) -> bool:
    """Whether a parameter has a key's value. Data Factory may list a value that is no string as its JSON text."""
    if canonical(value) == key:
        return True
    try:
        return isinstance(value, str) and canonical(json.loads(value)) == key
    except ValueError:
        return False
