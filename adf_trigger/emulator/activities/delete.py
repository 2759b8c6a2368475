"""Delete: removes the files that a dataset and store settings name, and logs them if asked to."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from adf_trigger.emulator.common.clock import new_id
from adf_trigger.emulator.common.masking import masked
from adf_trigger.emulator.connectors.blob.location import location_of
from adf_trigger.emulator.connectors.catalogue import file_store
from adf_trigger.emulator.connectors.common.failures import InvalidSettings
from adf_trigger.emulator.connectors.common.integration_runtime import (
    Stopwatch,
    activity_run_fields,
    explain,
)
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.settings import (
    flag,
    forbid_unknown,
    required_text,
    section,
    text,
    whole_number,
)
from adf_trigger.emulator.connectors.common.stores import FileSink, FileSource, FileTraits
from adf_trigger.emulator.connectors.common.wildcards import has_wildcard
from adf_trigger.emulator.connectors.legacy import modern_dataset
from adf_trigger.emulator.contract.activity import (
    ActivityContext,
    ActivityFailed,
    ActivityResult,
    ResolvedDataset,
)

ERROR_CODE = "2200"
_KNOWN = frozenset(
    {
        "dataset",
        "storeSettings",
        "recursive",
        "maxConcurrentConnections",
        "enableLogging",
        "logStorageSettings",
    }
)

_SELECTING = (
    "wildcardFileName",
    "wildcardFolderPath",
    "prefix",
    "fileListPath",
    "modifiedDatetimeStart",
    "modifiedDatetimeEnd",
)


async def delete(context: ActivityContext) -> ActivityResult:
    """Run one attempt. Unlike a copy, it is not recursive by default.

    Raises:
        ActivityFailed: there is nothing to delete, or the store refuses. Files deleted until then stay deleted.
    """
    properties = context.evaluate(context.type_properties)
    shown = masked(properties, evaluated=True)
    try:
        output = await _delete(context, properties)
    except ActivityFailed as failure:
        explain(failure, ERROR_CODE, shown)
        raise
    return ActivityResult(output, shown, activity_run_fields(context.location))


async def _delete(context: ActivityContext, properties: dict[str, Any]) -> dict[str, Any]:
    forbid_unknown(properties, _KNOWN, "the Delete activity")
    dataset = modern_dataset(await context.dataset(properties.get("dataset") or {}))
    settings = _store_settings(properties, dataset)
    with Job() as job:
        watch = Stopwatch(job, context.location)
        source = file_store(dataset).source(dataset, settings, context, job)
        log = await _log(context, properties, job) if flag(properties, "enableLogging") else None
        whole = settings["recursive"] and not _selects(settings, dataset)

        def work() -> int:
            number = log.delete(source) if log else sum(1 for _ in _deleted(source))
            if whole:
                source.delete_folders()
            return number

        (deleted,) = await job.run([work])
    return {
        "datasetName": dataset.name,
        "type": dataset.type,
        "recursive": settings["recursive"],
        "isWildcardUsed": bool(settings.get("wildcardFileName") or settings.get("wildcardFolderPath")),
        "maxConcurrentConnections": whole_number(settings, "maxConcurrentConnections", 1),
        "filesDeleted": deleted,
        **({"logPath": log.url} if log else {}),
        **watch.fields(),
    }


def _store_settings(properties: dict[str, Any], dataset: ResolvedDataset) -> dict[str, Any]:
    """storeSettings, completed with the properties that older pipelines have beside them or in the dataset."""
    settings = dict(section(properties, "storeSettings"))
    for name in ("recursive", "maxConcurrentConnections"):
        if settings.get(name) is None and properties.get(name) is not None:
            settings[name] = properties[name]
    settings["recursive"] = flag(settings, "recursive")
    file_name = text(section(dataset.properties, "location"), "fileName")
    if has_wildcard(file_name) and not settings.get("wildcardFileName"):
        settings["wildcardFileName"] = file_name
    return settings


def _selects(settings: dict[str, Any], dataset: ResolvedDataset) -> bool:
    """Whether only some files of the folder are selected, so that the folder itself stays."""
    file_name = text(section(dataset.properties, "location"), "fileName")
    return bool(file_name) or any(settings.get(name) for name in _SELECTING)


def _deleted(source: FileSource) -> Iterator[str]:
    """Delete the files one by one, yielding each path after its deletion."""
    for file in source.files():
        source.delete(file)
        yield file.path


async def _log(context: ActivityContext, properties: dict[str, Any], job: Job) -> "_Log":
    settings = section(properties, "logStorageSettings")
    reference = section(settings, "linkedServiceName")
    if not reference:
        raise InvalidSettings("With enableLogging, logStorageSettings must name a linked service.")
    path = required_text(settings, "path", "logStorageSettings").strip("/")
    container, _, folder = path.partition("/")
    kind, linked_service = await context.linked_service(reference)
    place = ResolvedDataset(
        name="logStorageSettings",
        type="Binary",
        properties={"location": location_of(kind, container, folder)},
        linked_service_name=str(reference.get("referenceName", "")),
        linked_service_type=kind,
        linked_service=linked_service,
    )
    return _Log(file_store(place).sink(place, {}, context, job), path)


class _Log:
    """A CSV file of the deleted paths, written while they are deleted.

    Args:
        sink: where it is written.
        path: container and folder of the sink, for the output.
    """

    def __init__(self, sink: FileSink, path: str) -> None:
        self._sink = sink
        self._name = str(new_id())
        self.url = f"{path}/{self._name}"

    def delete(self, source: FileSource) -> int:
        """Delete the files, log each of them, and return their number."""
        paths: list[str] = []

        def rows() -> Iterator[bytes]:
            yield _row("Name", "Category", "Status", "Error")
            for path in _deleted(source):
                paths.append(path)
                yield _row(path, "File", "Deleted", "")

        self._sink.write(self._name, rows(), FileTraits(), size=None)
        return len(paths)


def _row(*values: str) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode()
