"""Walks the activities of a pipeline, including those inside containers."""

from collections.abc import Iterator
from typing import Any

_BRANCHES = ("activities", "ifTrueActivities", "ifFalseActivities", "defaultActivities")


def branches(activity: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The lists of activities inside a container."""
    properties = activity.get("typeProperties") or {}
    for holder in (properties, *(properties.get("cases") or [])):
        for name in _BRANCHES:
            yield holder.get(name) or []


def every_activity(activities: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All activities of a list, outer before inner."""
    for activity in activities:
        yield activity
        for inner in branches(activity):
            yield from every_activity(inner)
