"""JSON as the service's engine parses it, a superset of the standard.

Recorded replies show: an empty text is null; names without quotes, trailing commas, comments and raw control
characters are accepted; text after the first value is ignored. Single quotes are accepted, too, as by the library
that the error texts come from (Newtonsoft.Json).
"""

import json
import math
import re
from typing import Any, Final, NoReturn

_SPACE: Final = re.compile(r"(?:\s|/\*.*?\*/|//[^\r\n]*)*", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER: Final = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE: Final = re.compile(r"[0-9A-Fa-f]{4}")


def parse(source: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text cannot be parsed.
    """
    try:
        return json.loads(source, strict=False, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc
    except json.JSONDecodeError:
        # Text that is not standard JSON may still be valid for the engine.
        try:
            return _Reader(source).value()
        except RecursionError as exc:
            raise ValueError("it is nested too deeply") from exc


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def value(self) -> Any:
        self._skip()
        if self._at == len(self._source):
            return None
        return self._one()

    def _one(self) -> Any:
        self._skip()
        match self._here():
            case "{":
                return self._object()
            case "[":
                return self._array()
            case '"' | "'":
                return self._string()
        if number := _NUMBER.match(self._source, self._at):
            self._at = number.end()
            return _finite(number[0]) if number[1] or number[2] else int(number[0])
        word = _NAME.match(self._source, self._at)
        if word is None or word[0] not in _WORDS:
            raise self._unexpected()
        self._at = word.end()
        return _WORDS[word[0]]

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._at += 1
        while not self._ends_with("}"):
            name = self._name()
            self._take(":")
            found[name] = self._one()
            if not self._ends_with("}", step_back=True):
                self._take(",")
        return found

    def _array(self) -> list[Any]:
        found: list[Any] = []
        self._at += 1
        while not self._ends_with("]"):
            found.append(self._one())
            if not self._ends_with("]", step_back=True):
                self._take(",")
        return found

    def _name(self) -> str:
        self._skip()
        if self._here() in {'"', "'"}:
            return self._string()
        name = _NAME.match(self._source, self._at)
        if name is None:
            raise self._unexpected()
        self._at = name.end()
        return name[0]

    def _string(self) -> str:
        quote, parts = self._here(), []
        self._at += 1
        while (character := self._here()) != quote:
            self._at += 1
            parts.append(self._escaped() if character == "\\" else character)
        self._at += 1
        return "".join(parts)

    def _escaped(self) -> str:
        character = self._here()
        self._at += 1
        if character != "u":
            if character in _ESCAPES:
                return _ESCAPES[character]
            if character in "\"'\\/":
                return character
            raise self._unexpected()
        code = _UNICODE.match(self._source, self._at)
        if code is None:
            raise self._unexpected()
        self._at = code.end()
        return chr(int(code[0], 16))

    def _here(self) -> str:
        if self._at >= len(self._source):
            raise ValueError("it ends too early")
        return self._source[self._at]

    def _ends_with(self, end: str, *, step_back: bool = False) -> bool:
        """Whether the end comes next; if so, it is consumed unless `step_back`."""
        self._skip()
        if self._here() != end:
            return False
        if not step_back:
            self._at += 1
        return True

    def _take(self, expected: str) -> None:
        self._skip()
        if self._here() != expected:
            raise self._unexpected()
        self._at += 1

    def _skip(self) -> None:
        space = _SPACE.match(self._source, self._at)
        if space is not None:
            self._at = space.end()

    def _unexpected(self) -> ValueError:
        return ValueError(f"an unexpected character at position {self._at}")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"unexpected token {name}")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isfinite(number):
        return number
    raise ValueError(f"the number {digits[:100]} is out of range")
