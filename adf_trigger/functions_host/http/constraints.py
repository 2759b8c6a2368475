"""The inline constraints of ASP.NET Core route templates: `{id:int}`, `{name:length(1,20)}`, `{x:regex(...)}`."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime

from adf_trigger.functions_host.common.errors import AppLoadError

Constraint = Callable[[str], bool]

_INT32 = 2**31
_INT64 = 2**63
_CONSTRAINT = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")


def constraint(text: str) -> Constraint:
    """The predicate of a constraint.

    Raises:
        AppLoadError: there is no such constraint, or its arguments are wrong.
    """
    match = _CONSTRAINT.fullmatch(text)
    name, argument = (match[1].lower(), match[2]) if match else ("", None)
    try:
        if name == "regex" and argument:
            return _regex(argument)
        if argument is None:
            return _PLAIN[name]
        return _WITH_LIMITS[name, argument.count(",") + 1](*map(int, argument.split(",")))
    except (KeyError, ValueError, re.error) as exc:
        raise AppLoadError(f"A route has the constraint {text!r}, which this host does not know") from exc


def _regex(pattern: str) -> Constraint:
    # In a template, braces within a regular expression are doubled; a search suffices, and case is ignored.
    compiled = re.compile(pattern.replace("{{", "{").replace("}}", "}"), re.IGNORECASE)
    return lambda value: compiled.search(value) is not None


def _integer(bound: int) -> Constraint:
    def fits(value: str) -> bool:
        text = value.strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
            return False
        return -bound <= int(text) < bound

    return fits


def _is_guid(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def _is_datetime(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_number(value: str) -> bool:
    return _NUMBER.fullmatch(value.strip()) is not None


def _between(low: int, high: int) -> Constraint:
    is_long = _integer(_INT64)
    return lambda value: is_long(value) and low <= int(value) <= high


def _length(low: int, high: int) -> Constraint:
    return lambda value: low <= len(value) <= high


_PLAIN: dict[str, Constraint] = {
    "int": _integer(_INT32),
    "long": _integer(_INT64),
    "bool": lambda value: value.strip().lower() in {"true", "false"},
    "guid": _is_guid,
    "datetime": _is_datetime,
    "decimal": _is_number,
    "double": _is_number,
    "float": _is_number,
    "alpha": lambda value: re.fullmatch(r"[A-Za-z]*", value) is not None,
    "required": lambda value: value != "",
}

_WITH_LIMITS: dict[tuple[str, int], Callable[..., Constraint]] = {
    ("min", 1): lambda low: _between(low, _INT64 - 1),
    ("max", 1): lambda high: _between(-_INT64, high),
    ("range", 2): _between,
    ("minlength", 1): lambda low: _length(low, _INT32),
    ("maxlength", 1): lambda high: _length(0, high),
    ("length", 1): lambda exact: _length(exact, exact),
    ("length", 2): _length,
}
