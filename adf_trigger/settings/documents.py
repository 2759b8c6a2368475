"""The settings that are JSON documents: how their text is read."""

import json
from typing import Any

SCHEMA = "$schema"


def json_object(value: object) -> object:
    """The JSON object, or array, in a setting's text, in which no name is said twice.

    Raises:
        ValueError: it is not JSON, or says a name twice.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, object_pairs_hook=_once_each)
    except json.JSONDecodeError as exc:
        raise ValueError(f"is not JSON (line {exc.lineno}, column {exc.colno}: {exc.msg})") from exc
    except RecursionError as exc:
        raise ValueError("is not usable JSON: it is nested too deep") from exc


def named_document(value: object) -> object:
    """The same, without the `$schema` by which editors know what may stand in a file.

    Raises:
        ValueError: see `json_object`.
    """
    found = json_object(value)
    if isinstance(found, dict) and isinstance(found.get(SCHEMA), str):
        return {name: each for name, each in found.items() if name != SCHEMA}
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("says a name twice in one object")
    return found
