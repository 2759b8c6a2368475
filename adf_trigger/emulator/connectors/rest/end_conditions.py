"""EndCondition rules, which detect the last page by its response."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adf_trigger.emulator.connectors.common.failures import InvalidSettings
from adf_trigger.emulator.connectors.common.json_paths import matcher

_CONSTANT = "Const:"
_HEADER = re.compile(r"headers(?:\.(?P<bare>.+)|\['(?P<quoted>.+)'\])", re.IGNORECASE)


def header_name(text: str) -> str | None:
    """The name in `Headers.name` or `Headers['name']`; None if it is neither."""
    match = _HEADER.fullmatch(text)
    return None if match is None else match["bare"] or match["quoted"]


@dataclass(frozen=True, slots=True)
class EndCondition:
    """`EndCondition:$.path` or `EndCondition:headers.name`, and its condition.

    Attributes:
        look: returns the values of the path or header, possibly none.
        wanted: Empty, NonExist, Exist, or Const: and a value.
    """

    look: Callable[[Mapping[str, str], Any], list[Any]]
    wanted: str

    @classmethod
    def read(cls, where: str, wanted: str) -> "EndCondition":
        """Parse an end condition.

        Raises:
            InvalidSettings: `where` is not a JSONPath or header, or `wanted` is not a known condition.
        """
        if wanted not in {"Empty", "NonExist", "Exist"} and not wanted.startswith(_CONSTANT):
            raise InvalidSettings(
                f"The end condition '{wanted}' is not one of Empty, NonExist, Exist and Const:<value>."
            )
        if where.startswith("$"):
            find = matcher(where)
            return cls(lambda headers, body: find(body), wanted)  # noqa: ARG005 - one signature for both places
        header = header_name(where)
        if header is None:
            raise InvalidSettings(
                f"The end condition's place '{where}' is not a JSONPath or a response header."
            )
        return cls(lambda headers, body: _present(headers.get(header)), wanted)  # noqa: ARG005 - one signature for both places

    def holds(self, headers: Mapping[str, str], body: Any) -> bool:
        """Whether this response is the last."""
        found = self.look(headers, body)
        if self.wanted == "Exist":
            return bool(found)
        if self.wanted == "NonExist":
            return not found
        if self.wanted == "Empty":
            # A path without matches counts as empty, like an empty array.
            return all(value in (None, "", [], {}) for value in found)
        constant = self.wanted.removeprefix(_CONSTANT)
        return any(_as_text(value) == _folded(value, constant) for value in found)


def _present(value: str | None) -> list[Any]:
    return [] if value is None else [value]


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _folded(value: Any, constant: str) -> str:
    return constant.lower() if isinstance(value, bool) else constant
