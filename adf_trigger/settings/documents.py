"""The settings that are JSON documents: how their text is read, by the rules of their published schemas."""

import json
import re
from typing import Any, NoReturn

from pydantic import BeforeValidator

SCHEMA = "$schema"

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


TAKES_WHOLE_FLOATS = BeforeValidator(_whole)
"""For a strict int: JSON Schema calls 2.0 an integer as well as 2, and neither a text nor true."""


def json_object(value: object) -> object:
    """The JSON object, or array, in a setting's text, in which no name is said twice.

    Raises:
        ValueError: it is not JSON, says a name twice, or has half of a surrogate pair.
    """
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value, object_pairs_hook=_once_each, parse_constant=_no_number)
        if _ESCAPED_SURROGATE.search(value):
            json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as exc:
        raise ValueError(f"is not JSON (line {exc.lineno}, column {exc.colno}: {exc.msg})") from exc
    except UnicodeEncodeError as exc:
        raise ValueError("has a text that is none: half of a surrogate pair") from exc
    except RecursionError as exc:
        raise ValueError("is not usable JSON: it is nested too deep") from exc
    return found


def named_document(value: object) -> object:
    """The same, without the `$schema` by which editors know what may stand in a file.

    Raises:
        ValueError: see `json_object`; or what it names as its schema is no text.
    """
    found = json_object(value)
    if not isinstance(found, dict) or SCHEMA not in found:
        return found
    if isinstance(found[SCHEMA], str):
        return {name: each for name, each in found.items() if name != SCHEMA}
    raise ValueError(f"{SCHEMA} must be text, the address of its schema: it is no name of anything else")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"is not JSON, which has no {name}")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("says a name twice in one object")
    return found
