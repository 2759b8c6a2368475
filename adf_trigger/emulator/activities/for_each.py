"""ForEach: runs its activities once for each item, sequentially or in parallel."""

import asyncio
from typing import Any

from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from adf_trigger.emulator.contract.control import (
    ControlContext,
    InnerFailure,
    array,
    flag,
    inner_failure,
)

DEFAULT_BATCH_COUNT = 20
MAX_BATCH_COUNT = 50
"""Maximum concurrent iterations, as documented."""
MAX_ITEMS = 100_000
"""Maximum items of a loop, as documented."""


async def for_each(context: ControlContext) -> ActivityResult:
    """Run every iteration, even if others fail; fail in the end if one of them failed.

    In parallel, the items are distributed among batchCount queues before the first iteration starts. Each
    queue is processed sequentially, and a finished queue takes no items from another (documented).
    """
    properties = context.type_properties
    items = array(context.evaluate(properties["items"]))
    if len(items) > MAX_ITEMS:
        raise ActivityFailed(
            f"A ForEach accepts at most {MAX_ITEMS} items, not {len(items)}.", error_code="BadRequest"
        )
    failures: dict[int, InnerFailure] = {}

    async def process(queue: list[tuple[int, Any]]) -> None:
        for number, item in queue:
            iteration = await context.run_iteration(properties.get("activities") or [], number, item)
            if iteration.failure is not None:
                failures[number] = iteration.failure

    queues = 1 if flag(context.evaluate(properties.get("isSequential", False))) else _batch_count(context)
    numbered = list(enumerate(items))
    async with asyncio.TaskGroup() as tasks:
        for start in range(min(queues, len(numbered))):
            tasks.create_task(process(numbered[start::queues]))
    if failures:
        raise inner_failure(failures[min(failures)])
    return ActivityResult()


def _batch_count(context: ControlContext) -> int:
    batch_count = context.evaluate(context.type_properties.get("batchCount", DEFAULT_BATCH_COUNT))
    if not isinstance(batch_count, int) or not 1 <= batch_count <= MAX_BATCH_COUNT:
        raise ActivityFailed(
            f"The batchCount of a ForEach must be a whole number from 1 to {MAX_BATCH_COUNT}, not {batch_count!r}.",
            error_code="BadRequest",
        )
    return batch_count
