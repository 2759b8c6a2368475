"""The variables of one pipeline run: typed, and shared by all its activities."""

from collections.abc import Mapping
from typing import Any

from adf_trigger.emulator.contract.activity import ActivityFailed

_TYPES: dict[str, tuple[str, type]] = {
    "string": ("String", str),
    "bool": ("Boolean", bool),
    "boolean": ("Boolean", bool),
    "array": ("Array", list),
    "integer": ("Integer", int),
}
_TYPE_NAMES = {
    type(None): "Null",
    bool: "Boolean",
    int: "Integer",
    float: "Float",
    str: "String",
    list: "Array",
}


class Variables:
    """Name → value, declared by the pipeline. Names are compared case-insensitively.

    Args:
        declared: name → `{"type", "defaultValue"?}`.
    """

    __slots__ = ("_types", "values")

    def __init__(self, declared: Mapping[str, Any] | None) -> None:
        self._types = {
            name.casefold(): (name, str(entry.get("type", "String")))
            for name, entry in (declared or {}).items()
        }
        self.values: dict[str, Any] = {
            name: entry.get("defaultValue", [] if str(entry.get("type")).casefold() == "array" else None)
            for name, entry in (declared or {}).items()
        }

    def set(self, name: str, value: Any) -> None:
        """Set a variable.

        Raises:
            ActivityFailed: it is not declared, or the value is of another type.
        """
        declared, type_name = self._declared(name)
        shown, wanted = _TYPES.get(type_name.casefold(), ("String", str))
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is int):
            raise ActivityFailed(
                f"The variable '{declared}' of type '{shown}' cannot be initialized or updated with value of "
                f"type '{_type_of(value)}'. The variable '{declared}' only supports values of types '{shown}'.",
                error_code="InvalidTemplate",
            )
        self.values[declared] = value

    def append(self, name: str, value: Any) -> None:
        """Append to an array.

        Raises:
            ActivityFailed: it is not declared, or not an array.
        """
        declared, type_name = self._declared(name)
        if type_name.casefold() != "array":
            raise ActivityFailed(
                f"The variable '{declared}' of type '{type_name}' cannot be appended to: it is not an array.",
                error_code="InvalidTemplate",
            )
        # A new list: an output or an item may hold the old one.
        self.values[declared] = [*self.values[declared], value]

    def _declared(self, name: str) -> tuple[str, str]:
        try:
            return self._types[name.casefold()]
        except KeyError:
            raise ActivityFailed(
                f"The variable '{name}' is not declared in the pipeline.", error_code="InvalidTemplate"
            ) from None


def _type_of(value: Any) -> str:
    return _TYPE_NAMES.get(type(value), "Object")
