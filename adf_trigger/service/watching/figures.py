"""The metrics of activity runs, by Data Factory's own names.

Only documented names are taken, since most outputs hold data of the pipeline's sources.
Sources: docs copy-activity-monitoring, delete-activity, control-flow-lookup-activity, control-flow-filter-activity,
control-flow-get-metadata-activity, transform-data-using-script, control-flow-execute-data-flow-activity,
control-flow-web-activity, control-flow-webhook-activity.
"""

import re
from collections.abc import Iterable, Mapping

from adf_trigger.datafactory.lenient import json_object
from adf_trigger.datafactory.models import ActivityRun
from adf_trigger.results import Figures

_BY_TYPE: Mapping[str, tuple[str, ...]] = {
    "copy": (
        "dataRead",
        "dataWritten",
        "filesRead",
        "filesWritten",
        "filesSkipped",
        "rowsRead",
        "rowsCopied",
        "rowsSkipped",
        "copyDuration",
        "throughput",
    ),
    "delete": ("filesDeleted",),
    "filter": ("ItemsCount", "FilteredItemsCount"),
    "getmetadata": ("exists", "size", "columnCount"),
    "lookup": ("count",),
    "script": ("resultSetCount", "recordsAffected"),
}
_CALLS = frozenset({"webactivity", "webhook", "azurefunctionactivity"})
_DURATION = "executionDuration"
"""In seconds; of activities that run on an integration runtime."""

_STATUS_CODES = range(100, 600)
_STATUS = re.compile(r"(?:\bstatus code:? '?|\bHttpStatusCode - '|\bstatus-')(\d{3})\b", re.IGNORECASE)
"""The HTTP status in the error of a failed call, whose output lacks it."""

_LARGEST = 2**53
"""Largest integer that consumers which read JSON numbers as doubles read exactly."""


def figures_of(run: ActivityRun) -> Figures:
    """The metrics of an activity run; empty where its type has none, or its output is hidden."""
    kind, output = run.activity_type.lower(), json_object(run.output)
    found: Figures = {name: output[name] for name in _BY_TYPE.get(kind, ()) if _is_number(output.get(name))}
    if kind == "executedataflow":
        found |= _of_data_flow(output)
    if kind in _CALLS and (status := _status_of(run, output)) is not None:
        found["statusCode"] = status
    if _is_number(output.get(_DURATION)):
        found[_DURATION] = output[_DURATION]
    return found


def _status_of(run: ActivityRun, output: Mapping[str, object]) -> int | None:
    """The HTTP status of a call, from its output or its error."""
    code = next((output[name] for name in ("statusCode", "StatusCode") if name in output), None)
    if code is None and (match := _STATUS.search(run.error.message)):
        code = match[1]
    try:
        status = int(code) if isinstance(code, int | str) else 0
    except ValueError:
        return None
    return status if status in _STATUS_CODES else None


def _of_data_flow(output: Mapping[str, object]) -> Figures:
    """The sums of rows over all sinks and sources."""
    metrics = json_object(json_object(output.get("runStatus")).get("metrics"))
    sinks = [json_object(each) for each in metrics.values()]
    sources = [json_object(each) for sink in sinks for each in json_object(sink.get("sources")).values()]
    found: Figures = {}
    for name, each in (("rowsWritten", sinks), ("rowsRead", sources)):
        if (total := _sum_of(entry.get(name) for entry in each)) is not None:
            found[name] = total
    return found


def _sum_of(values: Iterable[object]) -> int | None:
    counts = [value for value in values if isinstance(value, int) and _is_number(value)]
    return sum(counts) if counts else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) <= _LARGEST
