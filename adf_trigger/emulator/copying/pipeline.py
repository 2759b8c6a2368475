"""One copy, from the activity's properties to its output."""

from collections.abc import Iterator
from itertools import chain, islice
from threading import Lock
from typing import Any, Generic, TypeVar

from adf_trigger.emulator.common.masking import masked
from adf_trigger.emulator.connectors.catalogue import BYTES_FORMATS
from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.flow import Piece, Sink, Source
from adf_trigger.emulator.connectors.common.integration_runtime import activity_run_fields
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.records import Item
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.settings import flag, forbid_unknown, section, whole_number
from adf_trigger.emulator.connectors.legacy import modern_copy
from adf_trigger.emulator.connectors.sinks import bytes_sink, record_sink
from adf_trigger.emulator.connectors.sources import bytes_source, record_source
from adf_trigger.emulator.contract.activity import (
    ActivityContext,
    ActivityFailed,
    ActivityResult,
    ResolvedDataset,
)
from adf_trigger.emulator.copying.counting import CountedSink, MappedSource
from adf_trigger.emulator.copying.report import CopyReport
from adf_trigger.emulator.copying.translator import Translator

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
        ActivityFailed: with error code 2200, the service's texts and the output until then.
    """
    properties = context.evaluate(context.type_properties)
    shown = masked(properties, evaluated=True)
    try:
        output = await _copy(context, await context.reveal(properties))
    except ActivityFailed as failure:
        failure.input = shown
        raise
    return ActivityResult(output, shown, activity_run_fields(context.location))


async def _copy(context: ActivityContext, properties: dict[str, Any]) -> dict[str, Any]:
    forbid_unknown(properties, _KNOWN, "the Copy activity")
    if flag(properties, "enableStaging"):
        raise NotEmulated("Staged copy (enableStaging)")
    source = await context.dataset(_only(context.definition, "inputs"))
    sink = await context.dataset(_only(context.definition, "outputs"))
    source, source_settings = modern_copy(source, section(properties, "source"), "Source")
    sink, sink_settings = modern_copy(sink, section(properties, "sink"), "Sink")
    properties = properties | {"source": source_settings, "sink": sink_settings}
    binary = source.type in BYTES_FORMATS
    if binary != (sink.type in BYTES_FORMATS):
        raise InvalidSettings("A Binary dataset can only be copied to a Binary dataset.")
    with Job() as job:
        report = CopyReport(
            job,
            source_type=source.linked_service_type,
            sink_type=sink.linked_service_type,
            location=context.location,
            rows=not binary,
        )
        report.data_integration_units = (
            whole_number(properties, "dataIntegrationUnits") or report.data_integration_units
        )
        try:
            if binary:
                await _move(*_bytes_ends(properties, source, sink, context, job), properties, job, report)
            else:
                await _move(*_record_ends(properties, source, sink, context, job), properties, job, report)
        except ActivityFailed as failure:
            failure.output = report.output(failure=failure)
            raise
        return report.output()


def _bytes_ends(
    properties: dict[str, Any],
    source: ResolvedDataset,
    sink: ResolvedDataset,
    context: ActivityContext,
    job: Job,
) -> tuple[Source[bytes], Sink[bytes]]:
    forbid_unknown(section(properties, "translator"), (), "the translator of a binary copy")
    return (
        bytes_source(source, section(properties, "source"), context, job),
        bytes_sink(sink, section(properties, "sink"), context, job, preserve=_preserved(properties)),
    )


def _record_ends(
    properties: dict[str, Any],
    source: ResolvedDataset,
    sink: ResolvedDataset,
    context: ActivityContext,
    job: Job,
) -> tuple[Source[Item], Sink[Item]]:
    rejects = Rejects(job.statistics, skip=flag(properties, "enableSkipIncompatibleRow"))
    records = record_source(source, section(properties, "source"), context, job, rejects)
    translator = Translator(section(properties, "translator"), rejects)
    place = record_sink(sink, section(properties, "sink"), context, job, preserve=_preserved(properties))
    return (
        MappedSource(records, translator, job.statistics.source),
        CountedSink(place, job.statistics.sink),
    )


def _preserved(properties: dict[str, Any]) -> list[Any]:
    return list(properties.get("preserve") or properties.get("preserveRules") or [])


def _only(definition: dict[str, Any], name: str) -> dict[str, Any]:
    references = definition.get(name) or []
    if len(references) != 1:
        raise InvalidSettings(f"A Copy activity needs exactly one dataset reference in '{name}'.")
    reference: dict[str, Any] = references[0]
    return reference


async def _move(
    source: Source[T], sink: Sink[T], properties: dict[str, Any], job: Job, report: CopyReport
) -> None:
    report.source_files, report.sink_files = bool(source.root), bool(sink.root)
    listing = source.pieces()
    if source.root and sink.root.startswith(source.root):
        # Complete the listing first: it must not contain the files that this copy writes.
        listing = iter((await job.run([lambda: list(source.pieces())]))[0])
    # Two are enough to distinguish a copy of one file from a copy of several.
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
