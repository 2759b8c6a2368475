"""The parameters of a run: defaults filled in, values checked against the declared types."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
}


class ParameterError(Exception):
    """A value does not match its parameter's type; the message is for the caller."""


def bind(
    declared: Mapping[str, Any] | None,
    given: Mapping[str, Any] | None,
    evaluate: Callable[[Any], Any],
) -> dict[str, Any]:
    """The parameters of a run: given values by their declared name, defaults for the others.

    A parameter with neither is absent, so that an expression that uses it fails; an undeclared value is
    dropped. Names are compared case-insensitively. String, SecureString and unknown types accept any value as
    it is.

    Args:
        declared: name → `{"type", "defaultValue"?}`, as in the pipeline's definition.
        given: name → value.
        evaluate: evaluates a default, which may contain expressions.

    Raises:
        ParameterError: a value for an Array, Object, Int, Float or Bool has another type and cannot be parsed as one.
    """
    by_name = {name.casefold(): value for name, value in (given or {}).items()}
    bound: dict[str, Any] = {}
    for name, declaration in (declared or {}).items():
        if name.casefold() in by_name:
            bound[name] = _coerce(name, str(declaration.get("type", "String")), by_name[name.casefold()])
        elif "defaultValue" in declaration:
            bound[name] = evaluate(declaration["defaultValue"])
    return bound


def secure_names(declared: Mapping[str, Any] | None) -> frozenset[str]:
    """Names of the parameters of type SecureString."""
    return frozenset(
        name
        for name, declaration in (declared or {}).items()
        if str(declaration.get("type", "")).casefold() == "securestring"
    )


def _coerce(name: str, type_name: str, value: Any) -> Any:
    wanted = _TYPES.get(type_name.casefold())
    if wanted is None or value is None:
        return value
    if isinstance(value, str):
        with suppress(ValueError):  # what cannot be parsed stays a string, and is rejected below
            value = json.loads(value.lower() if wanted == (bool,) else value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise ParameterError(f"The value of parameter '{name}' is not of type {type_name}.")
    return value
