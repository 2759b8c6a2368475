"""What createRun refuses of a published pipeline: the service looks at expressions and dependencies only then."""

from typing import Any

from adf_trigger.local.factory.engine.graph import Graph, GraphError
from adf_trigger.local.factory.errors import InvalidTemplate
from adf_trigger.local.factory.expressions import check
from adf_trigger.local.factory.validation.activities import branches, every_activity


def check_template(properties: dict[str, Any], target: str) -> None:
    """Refuse a pipeline that cannot be run.

    Raises:
        InvalidTemplate: dependencies on nothing or in a circle, expressions that can never be evaluated, or
            references to activities that are not there.
    """
    activities = properties.get("activities") or []
    names = {activity["name"].lower() for activity in every_activity(activities)}
    _check_dependencies(activities, target)
    for activity in every_activity(activities):
        own = {name: value for name, value in activity.items() if name != "typeProperties"}
        own["typeProperties"] = _without_branches(activity)
        found = check(own)
        if found.problems:
            raise _invalid(
                f"The template action '{activity['name']}' is not valid: {found.problems[0]}", target
            )
        unknown = [name for name in found.references.activities if name.lower() not in names]
        if unknown:
            raise _invalid(
                f"The action(s) '{', '.join(unknown)}' referenced by 'inputs' in action '{activity['name']}' are "
                "not defined in the template",
                target,
            )


def _check_dependencies(activities: list[dict[str, Any]], target: str) -> None:
    siblings = {activity["name"].lower() for activity in activities}
    for activity in activities:
        for dependency in activity.get("dependsOn") or []:
            parent = dependency["activity"]
            if parent.lower() not in siblings:
                raise _invalid(
                    f"The 'runAfter' property of template action '{activity['name']}' contains non-existent "
                    f"action: '{parent}'.",
                    target,
                )
        for inner in branches(activity):
            _check_dependencies(inner, target)
    try:
        Graph(activities)
    except GraphError as exc:
        raise _invalid(str(exc), target) from exc


def _without_branches(activity: dict[str, Any]) -> dict[str, Any]:
    """typeProperties without the activities inside, which are looked at on their own."""
    inner = {"activities", "ifTrueActivities", "ifFalseActivities", "defaultActivities", "cases"}
    properties = activity.get("typeProperties") or {}
    return {name: value for name, value in properties.items() if name not in inner}


def _invalid(detail: str, target: str) -> InvalidTemplate:
    return InvalidTemplate(f"The template validation failed: '{detail}'.", target)
