"""The service's documented limits, enforced when the emulator is strict."""

from collections.abc import Iterator
from typing import Any

from adf_trigger.emulator.common.documents import PIPELINES, Document
from adf_trigger.emulator.common.errors import BadRequest
from adf_trigger.emulator.contract.timespans import seconds_of
from adf_trigger.emulator.store import Store
from adf_trigger.emulator.store.database import encode
from adf_trigger.emulator.validation.activities import every_activity

MAX_ENTITIES = 5000
MAX_ACTIVITIES = 80
MAX_PARAMETERS = 50
MAX_PIPELINE_BYTES = 200 * 1024
MAX_DOCUMENT_BYTES = 100 * 1024
MAX_BATCH_COUNT = 50
MAX_DATA_INTEGRATION_UNITS = 256
TIMEOUTS = ("00:10:00", "7.00:00:00")
"""The shortest and the longest timeout of an activity's policy."""
MAX_CONCURRENT_RUNS = 10_000


def check_limits(document: Document, store: Store, *, is_new: bool) -> None:
    """Reject a document that is over a limit.

    Raises:
        BadRequest: naming the limit.
    """
    target = document.target
    if is_new and store.resources.count(document.factory_id) >= MAX_ENTITIES:
        raise BadRequest(f"The data factory has the maximum of {MAX_ENTITIES} entities.", target=target)
    size = len(encode(document.properties).encode())
    limit = MAX_PIPELINE_BYTES if document.kind is PIPELINES else MAX_DOCUMENT_BYTES
    if size > limit:
        raise BadRequest(f"The document has {size} bytes; the maximum is {limit}.", target=target)
    if document.kind is PIPELINES:
        _check_pipeline(document)


def _check_pipeline(document: Document) -> None:
    activities = list(every_activity(document.properties.get("activities") or []))
    if len(activities) > MAX_ACTIVITIES:
        raise BadRequest(
            f"Pipeline '{document.name}' has more than the max number of {MAX_ACTIVITIES} activities allowed per "
            f"pipeline: {len(activities)}.",
            target=document.target,
        )
    parameters = document.properties.get("parameters") or {}
    if len(parameters) > MAX_PARAMETERS:
        raise BadRequest(
            f"Pipeline '{document.name}' has more than the max number of {MAX_PARAMETERS} parameters allowed per "
            f"pipeline: {len(parameters)}.",
            target=document.target,
        )
    faults = [
        f"The {what} of activity '{activity['name']}' is {value}; it must be between {least} and {most}."
        for activity in activities
        for what, value, least, most in _out_of_range(activity)
    ]
    if faults:
        raise BadRequest(" ".join(faults), target=document.target)


def _out_of_range(activity: dict[str, Any]) -> Iterator[tuple[str, object, object, object]]:
    """The values of an activity that are out of range; those of expressions are not known yet."""
    properties = activity.get("typeProperties") or {}
    for name, most in (
        ("batchCount", MAX_BATCH_COUNT),
        ("dataIntegrationUnits", MAX_DATA_INTEGRATION_UNITS),
    ):
        count = properties.get(name)
        if isinstance(count, int) and not 1 <= count <= most:
            yield name, count, 1, most
    timeout = _seconds((activity.get("policy") or {}).get("timeout"))
    shortest, longest = TIMEOUTS
    if timeout is not None and not seconds_of(shortest) <= timeout <= seconds_of(longest):
        yield "timeout", activity["policy"]["timeout"], shortest, longest


def _seconds(timespan: object) -> float | None:
    """The length of a timespan; None if it is an expression, or not a timespan."""
    try:
        return seconds_of(timespan) if isinstance(timespan, str) else None
    except ValueError:
        return None
