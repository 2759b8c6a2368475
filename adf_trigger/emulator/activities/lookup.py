"""Lookup: reads rows into the pipeline, only the first or up to 5,000."""

from itertools import islice
from typing import Any

from adf_trigger.emulator.common.masking import masked
from adf_trigger.emulator.connectors.common.flow import Source
from adf_trigger.emulator.connectors.common.integration_runtime import (
    Stopwatch,
    activity_run_fields,
    check_output_size,
    explain,
)
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.records import Item, Record
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.settings import flag, forbid_unknown, section
from adf_trigger.emulator.connectors.sources import record_source
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult

ERROR_CODE = "2100"
MAX_ROWS = 5000
_KNOWN = frozenset({"source", "dataset", "firstRowOnly"})


async def lookup(context: ActivityContext) -> ActivityResult:
    """Run one attempt: `{firstRow}`, or `{count, value}` if firstRowOnly is false. Further rows are cut off.

    Raises:
        ActivityFailed: the rows cannot be read, or take more than 4 MB.
    """
    properties = context.evaluate(context.type_properties)
    shown = masked(properties, evaluated=True)
    try:
        output = await _rows_of(context, await context.reveal(properties))
    except ActivityFailed as failure:
        explain(failure, ERROR_CODE, shown)
        raise
    return ActivityResult(output, shown, activity_run_fields(context.location))


async def _rows_of(context: ActivityContext, properties: dict[str, Any]) -> dict[str, Any]:
    forbid_unknown(properties, _KNOWN, "the Lookup activity")
    dataset = await context.dataset(properties.get("dataset") or {})
    first_only = flag(properties, "firstRowOnly", default=True)
    with Job() as job:
        watch = Stopwatch(job, context.location)
        source = record_source(dataset, section(properties, "source"), context, job, Rejects(job.statistics))
        (rows,) = await job.run([lambda: _take(source, 1 if first_only else MAX_ROWS)])
    output: dict[str, Any] = {"count": len(rows), "value": rows}
    if first_only:
        # Without rows there is no firstRow, so that an expression that refers to it fails.
        output = {"firstRow": rows[0]} if rows else {}
    check_output_size(output)
    return output | watch.fields(unit="DIUHours", duration=False)


def _take(source: Source[Item], limit: int) -> list[Record]:
    rows = (item for piece in source.pieces() for item in piece.items if isinstance(item, dict))
    return list(islice(rows, limit))
