"""The checks of a published pipeline at createRun: the service checks expressions and dependencies only then."""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Any

from adf_trigger.emulator.common.errors import InvalidTemplate
from adf_trigger.emulator.engine.graph import Graph, GraphError
from adf_trigger.emulator.expressions import check
from adf_trigger.emulator.validation.activities import branches, every_activity

_CACHE_SIZE = 256
"""Definitions whose result is cached: a pipeline is run much more often than it is changed."""


def check_template(properties: dict[str, Any], target: str) -> None:
    """Reject a pipeline that cannot be run.

    Raises:
        InvalidTemplate: missing or circular dependencies, expressions that can never be evaluated, or references to
            activities that do not exist.
    """
    fault = _first_fault(json.dumps(properties.get("activities") or []))
    if fault is not None:
        raise InvalidTemplate(f"The template validation failed: '{fault}'.", target)


@lru_cache(maxsize=_CACHE_SIZE)
def _first_fault(activities: str) -> str | None:
    """The first fault of a list of activities, given as JSON; None if there is none."""
    read = json.loads(activities)
    return next(chain(_dependency_faults(read), _expression_faults(read)), None)


def _dependency_faults(activities: list[dict[str, Any]]) -> Iterator[str]:
    siblings = {activity["name"].lower() for activity in activities}
    for activity in activities:
        for dependency in activity.get("dependsOn") or []:
            parent = dependency["activity"]
            if parent.lower() not in siblings:
                yield (
                    f"The 'runAfter' property of template action '{activity['name']}' contains non-existent "
                    f"action: '{parent}'."
                )
        for inner in branches(activity):
            yield from _dependency_faults(inner)
    try:
        Graph(activities)
    except GraphError as exc:
        yield str(exc)


def _expression_faults(activities: list[dict[str, Any]]) -> Iterator[str]:
    names = {activity["name"].lower() for activity in every_activity(activities)}
    for activity in every_activity(activities):
        own = {name: value for name, value in activity.items() if name != "typeProperties"}
        own["typeProperties"] = _without_branches(activity)
        found = check(own)
        for problem in found.problems:
            yield f"The template action '{activity['name']}' is not valid: {problem}"
        unknown = [name for name in found.references.activities if name.lower() not in names]
        if unknown:
            yield (
                f"The action(s) '{', '.join(unknown)}' referenced by 'inputs' in action '{activity['name']}' are "
                "not defined in the template"
            )


def _without_branches(activity: dict[str, Any]) -> dict[str, Any]:
    """typeProperties without the activities inside, which are checked on their own."""
    inner = {"activities", "ifTrueActivities", "ifFalseActivities", "defaultActivities", "cases"}
    properties = activity.get("typeProperties") or {}
    return {name: value for name, value in properties.items() if name not in inner}
