"""Validation: waits until a file or a folder exists and meets its conditions."""

from typing import Any

from adf_trigger.emulator.common.masking import masked
from adf_trigger.emulator.connectors.catalogue import file_store
from adf_trigger.emulator.connectors.common.failures import InvalidSettings
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.settings import flag, forbid_unknown, seconds, whole_number
from adf_trigger.emulator.connectors.common.stores import FileInspector
from adf_trigger.emulator.connectors.legacy import modern_dataset
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult
from adf_trigger.emulator.contract.time_limit import TimeLimitReached, time_limit

_KNOWN = frozenset({"dataset", "timeout", "sleep", "minimumSize", "childItems"})
_DEFAULT_TIMEOUT = 12 * 3600.0
_DEFAULT_SLEEP = 10


async def validation(context: ActivityContext) -> ActivityResult:
    """Check the dataset's item every `sleep` seconds (default: 10), for at most `timeout` (default: 12 hours).

    A file must have at least minimumSize bytes (default: 0); childItems says whether a folder must have children
    or must be empty (default: either).

    Raises:
        ActivityFailed: the item was not valid in time (TimedOut), or it cannot be read.
    """
    properties = context.evaluate(context.type_properties)
    shown = masked(properties, evaluated=True)
    try:
        return ActivityResult(await _wait(context, properties), shown)
    except ActivityFailed as failure:
        failure.input = shown
        raise


async def _wait(context: ActivityContext, properties: dict[str, Any]) -> dict[str, Any]:
    forbid_unknown(properties, _KNOWN, "the Validation activity")
    timeout = seconds(properties, "timeout", _DEFAULT_TIMEOUT)
    pause = whole_number(properties, "sleep", _DEFAULT_SLEEP) or _DEFAULT_SLEEP
    dataset = modern_dataset(await context.dataset(properties.get("dataset") or {}))
    inspector_of = file_store(dataset).inspector
    seen: dict[str, Any] = {"exists": False}
    try:
        async with time_limit(timeout, context.sleep):
            while True:
                with Job() as job:
                    inspector = inspector_of(dataset, {}, context, job)
                    ((seen, valid),) = await job.run([lambda: _look(inspector, properties)])  # noqa: B023 - awaited immediately
                if valid:
                    return seen
                await context.sleep(pause)
    except TimeLimitReached:
        raise ActivityFailed(
            f"The dataset '{dataset.name}' did not become valid within the timeout of {timeout:g} seconds.",
            error_code="TimedOut",
            status="TimedOut",
            output=seen,
        ) from None


def _look(inspector: FileInspector, properties: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The output, and whether the item is valid."""
    item = inspector.item()
    if item is None:
        return {"exists": False}, False
    seen: dict[str, Any] = {
        "exists": True,
        "itemName": item.name,
        "itemType": "Folder" if item.is_folder else "File",
    }
    if not item.is_folder:
        seen["size"] = item.size
        return seen, (item.size or 0) >= (whole_number(properties, "minimumSize", 0) or 0)
    if whole_number(properties, "minimumSize", 0):
        raise InvalidSettings(f"The property 'minimumSize' is for files; '{item.name}' is a folder.")
    if properties.get("childItems") is None:
        return seen, True
    has_children = any(True for _ in inspector.children())
    return seen, has_children == flag(properties, "childItems")
