"""What is checked of a pipeline when it is published."""

from typing import Any

from adf_trigger.local.factory.documents import Document
from adf_trigger.local.factory.errors import BadRequest
from adf_trigger.local.factory.validation.activities import every_activity
from adf_trigger.local.factory.validation.names import check_activity_name

PARAMETER_TYPES = frozenset({"object", "string", "int", "float", "bool", "array", "securestring"})
VARIABLE_TYPES = frozenset({"string", "bool", "boolean", "array", "integer"})


def check_pipeline(pipeline: Document) -> None:
    """Refuse a pipeline that is wrong in itself.

    Raises:
        BadRequest: naming what is wrong.
    """
    target = pipeline.target
    activities = pipeline.properties.get("activities", [])
    if not isinstance(activities, list) or not all(isinstance(activity, dict) for activity in activities):
        raise BadRequest("Property 'activities' is not an array of objects.", target=target)
    _check_names(activities, target)
    _check_declarations(pipeline.properties, "parameters", PARAMETER_TYPES, target)
    _check_declarations(pipeline.properties, "variables", VARIABLE_TYPES, target)


def _check_names(activities: list[dict[str, Any]], target: str) -> None:
    seen: set[str] = set()
    for activity in every_activity(activities):
        name = check_activity_name(activity.get("name"), target)
        if name.lower() in seen:
            raise BadRequest(f"The pipeline has more than one activity named '{name}'.", target=target)
        seen.add(name.lower())
        if not isinstance(activity.get("type"), str):
            raise BadRequest(f"Required property 'type' not found in activity '{name}'.", target=target)


def _check_declarations(properties: dict[str, Any], what: str, types: frozenset[str], target: str) -> None:
    declared = properties.get(what)
    if declared is None:
        return
    if not isinstance(declared, dict):
        raise BadRequest(f"Property '{what}' is not an object.", target=target)
    seen: set[str] = set()
    for name, declaration in declared.items():
        if name.lower() in seen:
            raise BadRequest(f"The pipeline declares '{name}' more than once in '{what}'.", target=target)
        seen.add(name.lower())
        if not isinstance(declaration, dict) or str(declaration.get("type")).lower() not in types:
            raise BadRequest(f"The type of '{name}' in '{what}' is not valid.", target=target)
