"""The JSON Schema of ADF_TRIGGER_TRIGGERS, from the names and limits of its reader."""

from collections.abc import Collection, Mapping
from typing import Any

from adf_trigger.contracts import MAX_PIPELINE_NAME, PIPELINE_NAME_PATTERN
from adf_trigger.functions.openapi import DIALECT
from adf_trigger.triggers.definitions import (
    AT_THE_TOP,
    BLOB_CREATED,
    BLOB_DELETED,
    BLOB_EVENTS,
    BLOB_PATH,
    CLOSING_CALLS,
    EVENT_TRIGGERS,
    MAX_NAME,
    MAX_TRIGGERS,
    OF_BLOBS,
    OF_CUSTOM,
    PROPERTIES,
)

_TEXT = {"type": ["string", "null"]}
_SAID = {"type": "string", "minLength": 1}
_ANYTHING = r"[\s\S]*"
_PATH_OR_NOTHING = f"^({BLOB_PATH.pattern.replace('.*', _ANYTHING)})?$"


def triggers_schema() -> dict[str, Any]:
    """The schema: an array of definitions, or one of them. References in parameters are left to the service."""
    trigger = {"$ref": "#/$defs/Trigger"}
    return {
        "$schema": DIALECT,
        "description": "ADF_TRIGGER_TRIGGERS: which events start which pipelines, as Data Factory defines triggers.",
        "if": {"type": "array"},
        "then": {"items": trigger, "maxItems": MAX_TRIGGERS},
        "else": trigger,
        "$defs": {"Trigger": _trigger(), "Start": _start()},
    }


def _trigger() -> dict[str, Any]:
    of_blobs = {"properties": {"properties": {"properties": {"type": {"const": BLOB_EVENTS}}}}}
    closing = ", ".join(CLOSING_CALLS)
    return {
        **_object(
            AT_THE_TOP,
            {
                "name": {**_SAID, "maxLength": MAX_NAME},
                "factory": {
                    **_TEXT,
                    "description": "Alias of the factory whose pipelines it starts; needed where there are several.",
                },
                "calls": {
                    "type": ["array", "null"],
                    "items": {"type": "string"},
                    "description": "The calls of storage that count for a blob that was created: where it is left out "
                    f"{closing}; all where it is empty.",
                },
                "properties": {
                    **_object(
                        PROPERTIES,
                        {
                            "type": {"enum": sorted(EVENT_TRIGGERS)},
                            "pipelines": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Start"}},
                            "runtimeState": {"description": "Of Data Factory's own trigger; not looked at."},
                        },
                    ),
                    "required": ["type", "typeProperties", "pipelines"],
                },
            },
        ),
        "required": ["name", "properties"],
        "if": of_blobs,
        "then": {"properties": {"properties": {"properties": {"typeProperties": _of_blobs()}}}},
        "else": {
            "properties": {
                "calls": {"type": "null"},
                "properties": {"properties": {"typeProperties": _of_custom_events()}},
            }
        },
    }


def _of_blobs() -> dict[str, Any]:
    usual = [BLOB_CREATED, BLOB_DELETED]
    return {
        **_object(
            OF_BLOBS,
            {
                "scope": {**_SAID, "description": "Resource id of the storage account."},
                "events": _events(
                    {"anyOf": [{"enum": usual}, *({"pattern": _in_any_case(each)} for each in usual)]}
                ),
                "blobPathBeginsWith": {
                    **_TEXT,
                    "pattern": _PATH_OR_NOTHING,
                    "description": "Such as `/container/blobs/folder/`.",
                },
                "blobPathEndsWith": _TEXT,
                "ignoreEmptyBlobs": {"type": ["boolean", "null"]},
            },
        ),
        "required": ["scope", "events"],
        "anyOf": [
            {"properties": {name: _SAID}, "required": [name]}
            for name in ("blobPathBeginsWith", "blobPathEndsWith")
        ],
    }


def _of_custom_events() -> dict[str, Any]:
    return {
        **_object(
            OF_CUSTOM,
            {
                "scope": {**_SAID, "description": "Resource id of the topic."},
                "events": _events({}),
                "subjectBeginsWith": _TEXT,
                "subjectEndsWith": _TEXT,
            },
        ),
        "required": ["scope", "events"],
    }


def _start() -> dict[str, Any]:
    name = {"type": "string", "pattern": PIPELINE_NAME_PATTERN, "maxLength": MAX_PIPELINE_NAME}
    return {
        "type": "object",
        "properties": {
            "pipelineReference": {
                "type": "object",
                "properties": {"referenceName": {**name, "description": "The pipeline that is started."}},
                "required": ["referenceName"],
            },
            "parameters": {
                "type": ["object", "null"],
                "description": "Name → value, with references to the event such as `@triggerBody().fileName`.",
            },
        },
        "required": ["pipelineReference"],
    }


def _object(names: Collection[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """An object with these properties and no other."""
    properties = {name: known.get(name, {}) for name in sorted(names)}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _events(form: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": {**_SAID, **form}}


def _in_any_case(text: str) -> str:
    letters = (f"[{each.upper()}{each.lower()}]" if each.isalpha() else f"[{each}]" for each in text)
    return f"^{''.join(letters)}$"
