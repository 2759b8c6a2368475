"""Which request a run of Data Factory belongs to: its correlation parameter, its invoker, the record that has it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from adf_trigger.datafactory.models import PipelineRun, RunGlance
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.factories import Factories, FactoryHandle

CLOCK_SKEW = timedelta(minutes=5)
"""Maximum difference between Data Factory's clock and ours."""

_STARTED_BY_A_CALL = "manual"
"""`invokedByType` of runs that createRun has started, rather than a trigger or another pipeline."""


def was_called(run: PipelineRun | RunGlance) -> bool:
    """Whether createRun may have started a run; True where Data Factory does not say."""
    if isinstance(run, RunGlance):
        kind: str | None = run.invoked_by_type
    else:
        kind = run.invoked_by.invoked_by_type if run.invoked_by else None
    return (kind or _STARTED_BY_A_CALL).lower() == _STARTED_BY_A_CALL


def carried(run: PipelineRun, parameter: str) -> object:
    """The value of a run's parameter, whose name is case-insensitive; None where it has none."""
    given: dict[str, Any] = {name.lower(): each for name, each in run.parameters.items()}
    return given.get(parameter.lower())


def owner_of(
    ledger: LedgerReader, factories: Factories, factory: FactoryHandle, run_id: UUID
) -> RunRecord | None:
    """The record that has a run, under whatever id of the factory it is kept."""
    for handle in (factory, *(each for each in factories.of(factory.alias) if each.id != factory.id)):
        stored = ledger.find(handle.id, run_id)
        if stored is not None:
            return stored.record
    return None
