"""Walks the activities of a pipeline, also those inside containers."""

from collections.abc import Iterator
from typing import Any

_BRANCHES = ("activities", "ifTrueActivities", "ifFalseActivities", "defaultActivities")


def branches(activity: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The lists of activities inside a container."""
    properties = activity.get("typeProperties")
    if not isinstance(properties, dict):
        return
    holders = [properties, *(case for case in properties.get("cases") or [] if isinstance(case, dict))]
    for holder in holders:
        for name in _BRANCHES:
            inner = holder.get(name)
            if isinstance(inner, list):
                yield [activity for activity in inner if isinstance(activity, dict)]


def every_activity(activities: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All activities of a list, outer before inner."""
    for activity in activities:
        yield activity
        for inner in branches(activity):
            yield from every_activity(inner)
