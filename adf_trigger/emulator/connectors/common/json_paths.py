"""JSONPath: only names and indexes for column mappings, the full language for pagination rules."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.ext.parser import parse

from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated

_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]'"*?@()$\s][^.\[\]'"*?()]*)
      | \[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]
      | \[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
      | \[\s*(?P<index>\d+)\s*\]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A path of names and indexes.

    Attributes:
        from_root: whether it begins with `$`.
        steps: names of fields, and indexes into arrays.
    """

    from_root: bool
    steps: tuple[str | int, ...]

    def find(self, value: Any) -> Any:
        """The value at the path; None if there is none."""
        found = self.find_all(value)
        return found[0] if found else None

    def find_all(self, value: Any) -> list[Any]:
        """The value at the path as a list of one; an empty list if there is none."""
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(value, dict) or step not in value:
                    return []
            elif not isinstance(value, list) or step >= len(value):
                return []
            value = value[step]
        return [value]

    def put(self, record: dict[str, Any], value: Any) -> None:
        """Write a value, creating parent objects.

        Raises:
            NotEmulated: the path contains an index; the service cannot write into arrays either.
            InvalidSettings: a parent is not an object, or the path is the root.
        """
        if not self.steps:
            raise InvalidSettings("A sink path must name a field.")
        for step in self.steps:
            if isinstance(step, int):
                raise NotEmulated("Writing to an array inside an object")
        *parents, last = (str(step) for step in self.steps)
        for parent in parents:
            record = record.setdefault(parent, {})
            if not isinstance(record, dict):
                raise InvalidSettings(f"Two sink paths disagree about '{parent}': a value and an object.")
        record[last] = value


@lru_cache(maxsize=4096)
def json_path(text: str) -> JsonPath:
    """Parse a path.

    Raises:
        NotEmulated: the path contains more than names and indexes.
    """
    from_root = text.startswith("$")
    position = 1 if from_root else 0
    steps: list[str | int] = []
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise NotEmulated(f"The JSON path '{text}', which has more than names and indexes,")
        if match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["name"] is not None:
            steps.append(match["name"])
        else:
            steps.append(
                re.sub(r"\\(.)", r"\1", match["single"] if match["double"] is None else match["double"])
            )
        position = match.end()
    return JsonPath(from_root, tuple(steps))


@lru_cache(maxsize=1024)
def matcher(text: str) -> Callable[[Any], list[Any]]:
    """A function that returns all matches of any JSONPath.

    Raises:
        InvalidSettings: the text is not a JSONPath.
    """
    try:
        return json_path(text).find_all
    except NotEmulated:
        try:
            parsed = parse(text)
        except JSONPathError as exc:
            raise InvalidSettings(f"'{text}' is not a JSONPath.") from exc
    return lambda value: [match.value for match in parsed.find(value)]
