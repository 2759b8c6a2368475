"""Reads the settings that are JSON documents, by the rules of their published schemas."""

import json
import re
from typing import Any, NoReturn

from pydantic import BeforeValidator

SCHEMA = "$schema"

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


TAKES_WHOLE_FLOATS = BeforeValidator(_whole)
"""For a strict int: to JSON Schema 2.0 is an integer as 2 is, and a string or true is not."""


def json_object(value: object) -> object:
    """The JSON object, or array, in a setting's text.

    Raises:
        ValueError: it is not JSON, repeats a name in one object, or has an unpaired surrogate.
    """
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value, object_pairs_hook=_unique_names, parse_constant=_no_number)
        if _ESCAPED_SURROGATE.search(value):
            json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as exc:
        raise ValueError(f"is not JSON (line {exc.lineno}, column {exc.colno}: {exc.msg})") from exc
    except UnicodeEncodeError as exc:
        raise ValueError("has a string with an unpaired surrogate") from exc
    except RecursionError as exc:
        raise ValueError("is not usable JSON: it is nested too deeply") from exc
    return found


def named_document(value: object) -> object:
    """The same, without the `$schema` by which editors validate a file.

    Raises:
        ValueError: see `json_object`; or its `$schema` is not a string.
    """
    found = json_object(value)
    if not isinstance(found, dict) or SCHEMA not in found:
        return found
    if isinstance(found[SCHEMA], str):
        return {name: each for name, each in found.items() if name != SCHEMA}
    raise ValueError(f"{SCHEMA} must be text, the address of the schema; nothing else may have this name")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"is not JSON, which has no {name}")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeats a name in one object")
    return found
