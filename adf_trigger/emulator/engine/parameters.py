"""Parameters as they reach a run: defaults filled in, values held against the declared types."""

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
    """A value does not fit its parameter; the message is for the caller."""


def bind(
    declared: Mapping[str, Any] | None,
    given: Mapping[str, Any] | None,
    evaluate: Callable[[Any], Any],
) -> dict[str, Any]:
    """The parameters of a run: given values by their declared name, defaults where none is given.

    A parameter that has neither is absent, so that what uses it fails when it is used; a value that was
    not asked for is dropped. Names are compared without case. String, SecureString and types that are not
    known take any value as it is.

    Args:
        declared: name → `{"type", "defaultValue"?}`, as in the pipeline's definition.
        given: name → value.
        evaluate: evaluates a default, which may contain expressions.

    Raises:
        ParameterError: a value for an Array, Object, Int, Float or Bool is none and cannot be read as one.
    """
    by_name = {name.casefold(): value for name, value in (given or {}).items()}
    bound: dict[str, Any] = {}
    for name, declaration in (declared or {}).items():
        if name.casefold() in by_name:
            bound[name] = _fit(name, str(declaration.get("type", "String")), by_name[name.casefold()])
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


def _fit(name: str, type_name: str, value: Any) -> Any:
    wanted = _TYPES.get(type_name.casefold())
    if wanted is None or value is None:
        return value
    if isinstance(value, str):
        with suppress(ValueError):  # what cannot be read stays a string, and is refused as one below
            value = json.loads(value.lower() if wanted == (bool,) else value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise ParameterError(f"The value of parameter '{name}' is not of type {type_name}.")
    return value
