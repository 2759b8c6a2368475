"""The service's limits on activity runs: concurrency and size. Enforced when the engine is strict.

The numbers are those of the article on the service's limits, the codes and texts those of its
troubleshooting guide.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from adf_trigger.emulator.contract.activity import ActivityFailed

LARGEST_PAYLOAD: Final = 896 * 1024
"""Bytes of an activity run: the activity, its datasets and their linked services, evaluated."""
LARGEST_OUTPUT: Final = 4 * 1024 * 1024
"""Bytes of an activity's output. Always enforced: outputs are held in memory."""


@dataclass(frozen=True, slots=True)
class Group:
    """Activities that are counted together.

    Attributes:
        words: the service's name for them.
        limit: maximum concurrent activities of a subscription in a region.
    """

    words: str
    limit: int


EXTERNAL: Final = Group("external activity", 3000)
PIPELINE: Final = Group("pipeline activity", 1000)

_GROUPS: Final = {
    "azurefunctionactivity": EXTERNAL,
    "delete": PIPELINE,
    "getmetadata": PIPELINE,
    "lookup": PIPELINE,
    "webactivity": EXTERNAL,
    "webhook": EXTERNAL,
}


def group_of(type_name: str) -> Group | None:
    """The group that a type is counted in; None if it only controls the run, or is limited in other units (Copy)."""
    return _GROUPS.get(type_name.casefold())


class ActivitySlots:
    """Counts the running activities in each subscription and region."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[str, str, Group]] = Counter()

    @contextmanager
    def slot(self, group: Group, factory_id: str, region: str, *, limited: bool) -> Iterator[None]:
        """Hold a slot for an activity while it runs. An activity that finds none free fails: it does not queue.

        Args:
            group: the activity's group.
            factory_id: resource id of its factory.
            region: region of its integration runtime.
            limited: whether the limit is enforced; activities are counted either way.

        Raises:
            ActivityFailed: no slot is free.
        """
        subscription = factory_id.split("/")[2]
        key = subscription.casefold(), region, group
        if limited and self._taken[key] >= group.limit:
            raise ActivityFailed(
                f"There are substantial concurrent {group.words} executions which is causing failures due to "
                f"throttling under subscription {subscription}, region {region} and limitation {group.limit}. "
                "Please reduce the concurrent executions. For limits, refer https://aka.ms/adflimits.",
                error_code="2003",
            )
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1


class Payload:
    """The size of the configuration of an activity's attempt, counted as it is evaluated."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, configuration: Any) -> None:
        """Add a part of the configuration.

        Raises:
            ActivityFailed: the payload exceeds the limit.
        """
        self._bytes += len(json.dumps(configuration, separators=(",", ":"), ensure_ascii=False).encode())
        if self._bytes > LARGEST_PAYLOAD:
            raise ActivityFailed(
                "The payload including configurations on activity/dataSet/linked service is too large. Please "
                "check if you have settings with very large value and try to reduce its size.",
                error_code="2002",
            )


def output_too_large() -> ActivityFailed:
    """The failure of an activity whose output would exceed LARGEST_OUTPUT."""
    return ActivityFailed(
        "The length of execution output is over limit (around 4MB currently).", error_code="2001"
    )
