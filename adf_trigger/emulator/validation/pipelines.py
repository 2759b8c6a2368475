"""The checks of a pipeline, apart from its structure, when it is published."""

from typing import Any

from adf_trigger.emulator.common.documents import Document
from adf_trigger.emulator.common.errors import BadRequest
from adf_trigger.emulator.validation.activities import every_activity
from adf_trigger.emulator.validation.names import check_activity_name

PARAMETER_TYPES = frozenset({"object", "string", "int", "float", "bool", "array", "securestring"})
VARIABLE_TYPES = frozenset({"string", "bool", "boolean", "array", "integer"})


def check_pipeline(pipeline: Document) -> None:
    """Reject names that are not valid or not unique, and unknown types.

    Raises:
        BadRequest: naming what is wrong.
    """
    _check_names(pipeline.properties.get("activities") or [], pipeline.target)
    _check_declarations(pipeline.properties, "parameters", PARAMETER_TYPES, pipeline.target)
    _check_declarations(pipeline.properties, "variables", VARIABLE_TYPES, pipeline.target)


def _check_names(activities: list[dict[str, Any]], target: str) -> None:
    seen: set[str] = set()
    for activity in every_activity(activities):
        name = check_activity_name(activity["name"], target)
        if name.lower() in seen:
            raise BadRequest(f"The pipeline has more than one activity named '{name}'.", target=target)
        seen.add(name.lower())


def _check_declarations(properties: dict[str, Any], what: str, types: frozenset[str], target: str) -> None:
    seen: set[str] = set()
    for name, declaration in (properties.get(what) or {}).items():
        if name.lower() in seen:
            raise BadRequest(f"The pipeline declares '{name}' more than once in '{what}'.", target=target)
        seen.add(name.lower())
        if declaration["type"].lower() not in types:
            raise BadRequest(f"The type of '{name}' in '{what}' is not valid.", target=target)
