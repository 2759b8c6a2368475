"""One copy, from the activity's properties to its output."""

from collections.abc import Iterator
from itertools import chain, islice
from threading import Lock
from typing import Any

from adf_trigger.local.factory.engine.activities.base import (
    ActivityContext,
    ActivityFailed,
    ActivityResult,
    ResolvedDataset,
)
from adf_trigger.local.factory.engine.copying.blob.sink import BlobSink
from adf_trigger.local.factory.engine.copying.blob.source import BlobSource
from adf_trigger.local.factory.engine.copying.failures import InvalidSettings, NotEmulated
from adf_trigger.local.factory.engine.copying.job import Job
from adf_trigger.local.factory.engine.copying.report import CopyReport, activity_run_fields
from adf_trigger.local.factory.engine.copying.settings import (
    flag,
    refuse_unknown,
    section,
    text,
    whole_number,
)
from adf_trigger.local.factory.engine.copying.stores import FileTraits, StoredFile
from adf_trigger.local.factory.engine.copying.targets import CopyBehavior, Targets

_KNOWN = frozenset({"source", "sink", "enableStaging", "parallelCopies", "dataIntegrationUnits"})
_DEFAULT_PARALLEL_COPIES = 4


async def copy(ctx: ActivityContext) -> ActivityResult:
    """Run a Copy activity.

    Raises:
        ActivityFailed: with error code 2200, the service's texts and the output so far.
    """
    properties = ctx.evaluate(ctx.type_properties)
    shown = ctx.evaluate(without_secrets(ctx.type_properties))
    try:
        refuse_unknown(properties, _KNOWN, "the Copy activity")
        if flag(properties, "enableStaging"):
            raise NotEmulated("Staged copy (enableStaging)")
        source = ctx.dataset(_only(ctx.definition, "inputs"))
        sink = ctx.dataset(_only(ctx.definition, "outputs"))
        job = Job()
        report = CopyReport(
            job,
            source_type=source.linked_service_type,
            sink_type=sink.linked_service_type,
            location=ctx.location,
            rows=False,
        )
        try:
            await _copy_files(properties, source, sink, job, report)
        except ActivityFailed as failure:
            failure.output = report.output(failure=failure.message)
            raise
    except ActivityFailed as failure:
        failure.input = shown
        raise
    return ActivityResult(report.output(), shown, activity_run_fields(ctx.location))


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


async def _copy_files(
    properties: dict[str, Any], source: ResolvedDataset, sink: ResolvedDataset, job: Job, report: CopyReport
) -> None:
    read, write = section(properties, "source"), section(properties, "sink")
    for side, dataset, kind in ((read, source, "BinarySource"), (write, sink, "BinarySink")):
        refuse_unknown(side, {"storeSettings", "formatSettings"}, f"the {text(side, 'type')}")
        if dataset.type != "Binary" or text(side, "type") != kind:
            raise NotEmulated(f"Copying with {text(side, 'type')} and a dataset of type {dataset.type}")
    read_settings, write_settings = section(read, "storeSettings"), section(write, "storeSettings")
    files = BlobSource(source, read_settings, job)
    target = BlobSink(sink, write_settings, job)
    targets = Targets(CopyBehavior.read(text(write_settings, "copyBehavior")), target.location.file_name)

    listing = files.files()
    first = (await job.run([lambda: list(islice(listing, 2))]))[0]
    pending = chain(first, listing)
    if targets.behavior is CopyBehavior.MERGE_FILES:
        await job.run([lambda: _merge(files, target, targets, pending)])
        return
    if len(first) > 1 and targets.file_name:
        raise InvalidSettings(
            f"More than one source file would be written to '{targets.file_name}'. "
            "Remove the file name from the sink's dataset, or set copyBehavior to MergeFiles."
        )
    report.parallel_copies = 1 if len(first) < 2 else _parallel_copies(properties)  # noqa: PLR2004 - one file needs one thread
    shared = _Shared(pending)
    delete = flag(read_settings, "deleteFilesAfterCompletion")
    await job.run(
        [lambda: _copy_each(files, target, targets, shared, delete=delete)] * report.parallel_copies
    )


def _parallel_copies(properties: dict[str, Any]) -> int:
    wanted = whole_number(properties, "parallelCopies") or _DEFAULT_PARALLEL_COPIES
    caps = [
        whole_number(section(section(properties, side), "storeSettings"), "maxConcurrentConnections")
        or wanted
        for side in ("source", "sink")
    ]
    return max(1, min(wanted, *caps))


class _Shared:
    """A listing that several threads take from."""

    def __init__(self, files: Iterator[StoredFile]) -> None:
        self._files = files
        self._lock = Lock()

    def __iter__(self) -> "_Shared":
        return self

    def __next__(self) -> StoredFile:
        with self._lock:
            return next(self._files)


def _copy_each(
    source: BlobSource, sink: BlobSink, targets: Targets, files: Iterator[StoredFile], *, delete: bool
) -> None:
    for file in files:
        sink.write(targets.of(file), source.read(file), FileTraits(), size=file.size)
        if delete:
            source.delete(file)


def _merge(source: BlobSource, sink: BlobSink, targets: Targets, files: Iterator[StoredFile]) -> None:
    everything = chain.from_iterable(source.read(file) for file in files)
    sink.write(targets.single(), everything, FileTraits(), size=None)
