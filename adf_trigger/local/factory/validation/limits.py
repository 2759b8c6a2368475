"""The service's documented limits, kept when the emulator is strict."""

from adf_trigger.local.factory.documents import PIPELINES, Document
from adf_trigger.local.factory.errors import BadRequest
from adf_trigger.local.factory.store import Store
from adf_trigger.local.factory.store.database import encode
from adf_trigger.local.factory.validation.activities import every_activity

MAX_ENTITIES = 5000
MAX_ACTIVITIES = 80
MAX_PARAMETERS = 50
MAX_PIPELINE_BYTES = 200 * 1024
MAX_DOCUMENT_BYTES = 100 * 1024
MAX_BATCH_COUNT = 50
MAX_CONCURRENT_RUNS = 10_000


def check_limits(document: Document, store: Store, *, is_new: bool) -> None:
    """Refuse a document that is over a limit.

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
            f"The pipeline has {len(activities)} activities; the maximum is {MAX_ACTIVITIES}.",
            target=document.target,
        )
    parameters = document.properties.get("parameters") or {}
    if len(parameters) > MAX_PARAMETERS:
        raise BadRequest(
            f"The pipeline has {len(parameters)} parameters; the maximum is {MAX_PARAMETERS}.",
            target=document.target,
        )
    for activity in activities:
        count = (activity.get("typeProperties") or {}).get("batchCount")
        if isinstance(count, int) and not 1 <= count <= MAX_BATCH_COUNT:
            raise BadRequest(
                f"The batchCount of activity '{activity['name']}' is {count}; it must be between 1 and "
                f"{MAX_BATCH_COUNT}.",
                target=document.target,
            )
