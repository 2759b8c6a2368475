"""The record of a run that others have started, built from Data Factory's description once it has ended."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adf_trigger.contracts import (
    MAX_PIPELINE_NAME,
    NO_RERUN,
    HistoryEntry,
    Rerun,
    RunStatus,
    Source,
)
from adf_trigger.datafactory.models import InvokedBy, PipelineRun
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.declaration import Declaration
from adf_trigger.messages.limits import bounded_json, shorten
from adf_trigger.results import RunInvoker

PREFIX = "run-"
"""Prefix of the requestId of a run that others have started; its runId follows."""

MOST_PARAMETERS = 100
MAX_PARAMETERS_SIZE = 64_000
"""Maximum characters of ASCII JSON of all parameters' values, shared between them where they exceed it."""
LONGEST_NAME = 260


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that rerun one another.

    Attributes:
        first: runId of the first of them, which is all that Data Factory reports.
        attempt: the number of the run among those known here.
    """

    first: UUID
    attempt: int = 2


def request_id_of(run_id: UUID) -> str:
    """The requestId of a run that others have started."""
    return f"{PREFIX}{run_id}"


def group_of(run: PipelineRun) -> UUID | None:
    """The first run of the group that a rerun belongs to; None for a run that is the first, or in none."""
    try:
        first = UUID(run.run_group_id or "")
    except ValueError:
        return None
    return first if first != run.run_id else None


def record_of(
    factory: str, run: PipelineRun, declared: Declaration | None, group: Group | None, *, now: datetime
) -> tuple[RunRecord, bool]:
    """The record of a run as if it were in progress, and whether its parameters were cut.

    Args:
        factory: resource id that it is kept under.
        run: as Data Factory describes it.
        declared: what its pipeline declares; where that is not known, any value may be a secret, and none is kept.
        group: its group, where it reruns another run.
        now: the current time.
    """
    began = min(run.run_start or run.last_updated or now, now)
    names = [name for name in run.parameters if len(name) <= LONGEST_NAME][:MOST_PARAMETERS]
    declares = None if declared is None else {name.lower() for name in declared.secure_names}
    secure = [name for name in names if declares is None or name.lower() in declares]
    plain = [name for name in names if name not in secure]
    share = MAX_PARAMETERS_SIZE // max(1, len(plain))
    values = {_sound(name): bounded_json(run.parameters[name], share) for name in plain}
    invoker = None if run.invoked_by is None else _invoker(run.invoked_by)
    record = RunRecord(
        factory=factory,
        request_id=request_id_of(run.run_id),
        pipeline=_sound(run.pipeline_name)[:MAX_PIPELINE_NAME],
        digest=hashlib.sha256(f"{Source.FACTORY}|{run.run_id}".encode()).hexdigest(),
        run_id=run.run_id,
        state=RunState.SUBMITTED,
        status=RunStatus.IN_PROGRESS,
        requested_at=began,
        submitted_at=began,
        parameters={name: value for name, (value, _) in values.items()},
        secure_parameters=tuple(map(_sound, secure)),
        declares_secrets=None if declares is None else bool(declares),
        source=Source.FACTORY,
        invoked_by=invoker,
        rerun=NO_RERUN if group is None else Rerun(reference_pipeline_run_id=group.first, is_recovery=True),
        group_id=None if group is None else group.first,
        attempt=1 if group is None else group.attempt,
        history=(_entry(began, invoker, "start" if group is None else "rerun"),),
    )
    cut = len(names) < len(run.parameters) or any(was_cut for _, was_cut in values.values())
    return record, cut


def rerun_entry(run: PipelineRun, *, now: datetime) -> HistoryEntry:
    """The history entry of a run that others have rerun."""
    invoker = None if run.invoked_by is None else _invoker(run.invoked_by)
    at = min(run.run_start or now, now)
    return HistoryEntry(at=at, by=_who(invoker), action="rerun", note=rerun_note(run.run_id))


def rerun_note(run_id: UUID) -> str:
    """The note by which a rerun is recognised in the history of the run that it reruns."""
    return f"run {run_id} reruns it, which was started in Data Factory itself"


def _entry(at: datetime, invoker: RunInvoker | None, action: str) -> HistoryEntry:
    note = "in Data Factory itself" if invoker is None else f"{invoker.type}, in Data Factory itself"
    if invoker is not None and invoker.pipeline_run_id is not None:
        note = f"{invoker.type} of run {invoker.pipeline_run_id}"
    return HistoryEntry(at=at, by=_who(invoker), action=action, note=note)


def _who(invoker: RunInvoker | None) -> str | None:
    return None if invoker is None else invoker.name or invoker.type


def _invoker(invoked_by: InvokedBy) -> RunInvoker:
    return RunInvoker(
        type=_text(invoked_by.invoked_by_type) or "Unknown",
        name=_text(invoked_by.name),
        id=_text(invoked_by.id),
        pipeline_name=_text(invoked_by.pipeline_name),
        pipeline_run_id=_text(invoked_by.pipeline_run_id),
    )


def _text(text: str | None) -> str | None:
    return shorten(_sound(text), LONGEST_NAME) if text else None


def _sound(text: str) -> str:
    """A text without lone surrogates, which cannot be encoded."""
    return text.encode(errors="replace").decode()
