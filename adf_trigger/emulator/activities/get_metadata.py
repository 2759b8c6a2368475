"""GetMetadata: metadata of the file or folder that a dataset names."""

from collections.abc import Callable
from typing import Any

from adf_trigger.emulator.common.masking import masked
from adf_trigger.emulator.connectors.catalogue import file_store
from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.integration_runtime import (
    Stopwatch,
    activity_run_fields,
    check_output_size,
    explain,
)
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.records import Columns
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, section
from adf_trigger.emulator.connectors.common.stores import FileInspector, ItemProperties
from adf_trigger.emulator.connectors.legacy import modern_dataset
from adf_trigger.emulator.connectors.sources import record_source
from adf_trigger.emulator.contract.activity import (
    ActivityContext,
    ActivityFailed,
    ActivityResult,
    ResolvedDataset,
)

ERROR_CODE = "2011"
_KNOWN = frozenset({"dataset", "fieldList", "storeSettings", "formatSettings"})


async def get_metadata(context: ActivityContext) -> ActivityResult:
    """Run one attempt: output each field of fieldList, of a file or a folder.

    Raises:
        ActivityFailed: the item does not exist and `exists` was not requested, or a field does not apply to it.
    """
    properties = context.evaluate(context.type_properties)
    shown = masked(properties, evaluated=True)
    try:
        output = await _metadata(context, properties)
    except ActivityFailed as failure:
        explain(failure, ERROR_CODE, shown)
        raise
    return ActivityResult(output, shown, activity_run_fields(context.location))


async def _metadata(context: ActivityContext, properties: dict[str, Any]) -> dict[str, Any]:
    forbid_unknown(properties, _KNOWN, "the GetMetadata activity")
    fields = properties.get("fieldList") or []
    if not isinstance(fields, list) or not fields:
        raise InvalidSettings("The property 'fieldList' must name at least one field.")
    dataset = modern_dataset(await context.dataset(properties.get("dataset") or {}))
    with Job() as job:
        watch = Stopwatch(job, context.location)
        inspector = file_store(dataset).inspector(dataset, section(properties, "storeSettings"), context, job)
        columns = _FileColumns(context, dataset, section(properties, "formatSettings"), job)
        (output,) = await job.run([lambda: _look(inspector, columns, fields)])
    check_output_size(output)
    return output | watch.fields()


def _look(inspector: FileInspector, columns: "_FileColumns", fields: list[Any]) -> dict[str, Any]:
    item = inspector.item()
    if item is None:
        if "exists" in fields:
            return {"exists": False}
        raise inspector.missing()
    readers: dict[str, Callable[[], Any]] = {
        "exists": lambda: True,
        "itemName": lambda: item.name,
        "itemType": lambda: _type(item),
        "lastModified": lambda: None if item.modified is None else f"{item.modified:%Y-%m-%dT%H:%M:%SZ}",
    }
    if item.is_folder:
        readers["childItems"] = lambda: [
            {"name": child.name, "type": _type(child)}
            for child in sorted(inspector.children(), key=lambda child: child.name)
        ]
    else:
        readers |= {
            "size": lambda: item.size,
            "contentMD5": lambda: item.content_md5,
            "structure": lambda: [{"name": name, "type": "String"} for name in columns.names()],
            "columnCount": lambda: len(columns.names()),
        }
    return {str(field): _read(readers, field, item) for field in fields}


def _read(readers: dict[str, Callable[[], Any]], field: Any, item: ItemProperties) -> Any:
    value = readers[field]() if field in readers else None
    if value is None and field != "contentMD5":
        raise InvalidSettings(
            f"The field '{field}' does not apply to '{item.name}', a {_type(item)} of this store."
        )
    return value


def _type(item: ItemProperties) -> str:
    return "Folder" if item.is_folder else "File"


class _FileColumns:
    """The columns of the dataset's file, read only on request."""

    def __init__(
        self, context: ActivityContext, dataset: ResolvedDataset, format_settings: dict[str, Any], job: Job
    ) -> None:
        self._context = context
        self._dataset = dataset
        self._settings = {"type": f"{dataset.type}Source", "formatSettings": format_settings}
        self._job = job

    def names(self) -> tuple[str, ...]:
        """Names of the columns.

        Raises:
            NotEmulated: the format has no columns, or reading them is not emulated.
        """
        if self._dataset.type != "DelimitedText":
            raise NotEmulated(f"The structure of a file of type {self._dataset.type}")
        source = record_source(
            self._dataset, self._settings, self._context, self._job, Rejects(self._job.statistics)
        )
        for piece in source.pieces():
            for item in piece.items:
                return item if isinstance(item, Columns) else tuple(item)
        return ()
