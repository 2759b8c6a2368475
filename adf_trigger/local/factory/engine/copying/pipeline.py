"""One copy, from the activity's properties to its output."""

from collections.abc import Iterator
from itertools import chain, islice
from threading import Lock
from typing import Any, Generic, TypeVar

from adf_trigger.local.factory.engine.activities.base import ActivityContext, ActivityFailed, ActivityResult
from adf_trigger.local.factory.engine.copying.ends import Ends
from adf_trigger.local.factory.engine.copying.failures import InvalidSettings, NotEmulated
from adf_trigger.local.factory.engine.copying.flow import Piece, Sink, Source
from adf_trigger.local.factory.engine.copying.job import Job
from adf_trigger.local.factory.engine.copying.report import CopyReport, activity_run_fields
from adf_trigger.local.factory.engine.copying.settings import flag, refuse_unknown, section, whole_number

_KNOWN = frozenset(
    {
        "dataIntegrationUnits",
        "enableSkipIncompatibleRow",
        "enableStaging",
        "parallelCopies",
        "preserve",
        "preserveRules",
        "sink",
        "source",
        "translator",
    }
)
_DEFAULT_PARALLEL_COPIES = 4

T = TypeVar("T")


async def copy(context: ActivityContext) -> ActivityResult:
    """Run a Copy activity.

    Raises:
        ActivityFailed: with error code 2200, the service's texts and the output so far.
    """
    properties = context.evaluate(context.type_properties)
    shown = context.evaluate(without_secrets(context.type_properties))
    try:
        output = await _copy(context, properties)
    except ActivityFailed as failure:
        failure.input = shown
        raise
    return ActivityResult(output, shown, activity_run_fields(context.location))


async def _copy(context: ActivityContext, properties: dict[str, Any]) -> dict[str, Any]:
    refuse_unknown(properties, _KNOWN, "the Copy activity")
    if flag(properties, "enableStaging"):
        raise NotEmulated("Staged copy (enableStaging)")
    source = context.dataset(_only(context.definition, "inputs"))
    sink = context.dataset(_only(context.definition, "outputs"))
    job = Job()
    ends = Ends(context, properties, source, sink, job)
    report = CopyReport(
        job,
        source_type=source.linked_service_type,
        sink_type=sink.linked_service_type,
        location=context.location,
        rows=not ends.binary,
    )
    report.data_integration_units = (
        whole_number(properties, "dataIntegrationUnits") or report.data_integration_units
    )
    try:
        if ends.binary:
            await _move(properties, ends.bytes_source(), ends.bytes_sink(), job, report)
        else:
            await _move(properties, ends.record_source(), ends.record_sink(), job, report)
    except ActivityFailed as failure:
        failure.output = report.output(failure=failure)
        raise
    return report.output()


def without_secrets(value: Any) -> Any:
    """The same JSON with the value of every SecureString masked."""
    if isinstance(value, dict):
        if value.get("type") == "SecureString":
            return {"type": "SecureString", "value": "**********"}
        return {name: without_secrets(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value


def _only(definition: dict[str, Any], name: str) -> dict[str, Any]:
    references = definition.get(name) or []
    if len(references) != 1:
        raise InvalidSettings(f"A Copy activity needs exactly one dataset reference in '{name}'.")
    reference: dict[str, Any] = references[0]
    return reference


async def _move(
    properties: dict[str, Any], source: Source[T], sink: Sink[T], job: Job, report: CopyReport
) -> None:
    report.source_files, report.sink_files = source.has_files, sink.has_files
    listing = source.pieces()
    # Two are enough to tell a copy of one file from a copy of several.
    first = (await job.run([lambda: list(islice(listing, 2))]))[0]
    several = len(first) > 1
    if several:
        sink.expect_several()
    threads = _parallel_copies(properties) if several and not sink.merges else 1
    report.parallel_copies = threads
    pieces = _Shared(chain(first, listing))
    await job.run([lambda: sink.take(pieces)] * threads)


def _parallel_copies(properties: dict[str, Any]) -> int:
    wanted = whole_number(properties, "parallelCopies") or _DEFAULT_PARALLEL_COPIES
    stores = [section(section(properties, side), "storeSettings") for side in ("source", "sink")]
    caps = [whole_number(store, "maxConcurrentConnections") or wanted for store in stores]
    return max(1, min(wanted, *caps))


class _Shared(Generic[T]):
    """A listing that several threads take from."""

    def __init__(self, pieces: Iterator[Piece[T]]) -> None:
        self._pieces = pieces
        self._lock = Lock()

    def __iter__(self) -> "_Shared[T]":
        return self

    def __next__(self) -> Piece[T]:
        with self._lock:
            return next(self._pieces)
