"""JSON Schemas of the settings that are kept in files, with which editors validate policies, routes and triggers."""

import inspect
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel, TypeAdapter

from adf_trigger.functions.openapi import DIALECT
from adf_trigger.functions.schemas import describe_model
from adf_trigger.settings.policy import (
    Details,
    Observe,
    Overflow,
    PipelinePolicy,
    PoliciesByName,
    UnknownOutcomePolicy,
)
from adf_trigger.settings.routes import Route, RoutesByName
from tests.support.trigger_schema import triggers_schema

_ENUMS = {each.__name__: each for each in (Details, Observe, Overflow, UnknownOutcomePolicy)}
_MEMBER = re.compile(r'^    \w+ = "(\w+)"\n    """(.*?)"""', re.MULTILINE | re.DOTALL)
_OF_THE_FILE = {"$schema": {"type": "string", "description": "This schema; the service passes over it."}}


def policy_schema() -> dict[str, Any]:
    """The schema of ADF_TRIGGER_POLICY."""
    words = (
        "ADF_TRIGGER_POLICY: what holds for which pipeline, by its name in any case, `*` for every other one."
    )
    return _by_name(TypeAdapter(PoliciesByName), PipelinePolicy, words)


def routes_schema() -> dict[str, Any]:
    """The schema of ADF_TRIGGER_ROUTES."""
    schema = _by_name(
        TypeAdapter(RoutesByName), Route, "ADF_TRIGGER_ROUTES: where else news goes, by a name of yours."
    )
    most = schema.pop("maxProperties")
    return {
        **schema,
        # The file's own `$schema` is no route.
        "if": {"required": ["$schema"]},
        "then": {"maxProperties": most + 1},
        "else": {"maxProperties": most},
        "additionalProperties": False,
    }


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "policy.schema.json": policy_schema,
    "routes.schema.json": routes_schema,
    "triggers.schema.json": triggers_schema,
}
"""File → the function that builds it."""


def _by_name(adapter: TypeAdapter[Any], model: type[BaseModel], words: str) -> dict[str, Any]:
    schema = adapter.json_schema()
    for name, each in schema["$defs"].items():
        describe_model(each, [(model, "validation")], name)
        if name in _ENUMS:
            each["description"] = _said_of(_ENUMS[name])
    return {"$schema": DIALECT, "description": words, "properties": _OF_THE_FILE, **schema}


def _said_of(enum: type[Enum]) -> str:
    """What a setting decides, and what each of its values means, as the source documents it."""
    words = {word: " ".join(said.split()) for word, said in _MEMBER.findall(inspect.getsource(enum))}
    return " ".join(
        [inspect.cleandoc(enum.__doc__ or ""), *(f"`{each.value}`: {words[each.value]}" for each in enum)]
    )
