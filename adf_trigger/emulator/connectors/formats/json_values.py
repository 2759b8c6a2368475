"""JSON values parsed from a stream of text: concatenated, or the elements of an array."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
# The parser reports the error of a truncated value at most this far from the end of the text (a literal, an escape).
_CUT = 16
_ENDS_A_SCALAR = frozenset(" \t\r\n,]}")


class BadJson(Exception):
    """The text is not JSON."""


class _Incomplete(Exception):
    """More text is needed to parse the value."""


def json_values(texts: Iterable[str]) -> Iterator[Any]:
    """The values of a text split anywhere, each as soon as it is complete; a top-level array yields its elements.

    Raises:
        BadJson: the text is not JSON.
    """
    scanner = _Scanner()
    for text in texts:
        yield from scanner.feed(text)
    yield from scanner.feed("", final=True)


class _Scanner:
    """Buffers the text that is not parsed yet: at most one value and the rest of the chunk with its end."""

    def __init__(self) -> None:
        self._buffer = ""
        self._in_array = False
        self._previous: Literal["open", "value", "comma"] = "open"
        # A truncated value is parsed again only when the text has doubled, so that the total time is linear.
        self._try_at = 0

    def feed(self, text: str, *, final: bool = False) -> Iterator[Any]:
        self._buffer += text
        if len(self._buffer) < self._try_at and not final:
            return
        position = 0
        try:
            while True:
                position = self._skip_punctuation(position)
                if position >= len(self._buffer):
                    break
                value, position = self._value(position, final=final)
                self._previous = "value"
                yield value
        except _Incomplete:
            pass
        self._buffer = self._buffer[position:]
        self._try_at = 2 * len(self._buffer)
        if final and self._in_array:
            raise BadJson

    def _skip_punctuation(self, position: int) -> int:
        """The position of the next value, or of the end of the text."""
        while True:
            space = _SPACE.match(self._buffer, position)
            position = space.end() if space else position
            mark = self._buffer[position : position + 1]
            if not self._in_array and mark == "[":
                self._in_array, self._previous = True, "open"
            elif self._in_array and mark == "]" and self._previous != "comma":
                self._in_array = False
            elif self._in_array and mark == "," and self._previous == "value":
                self._previous = "comma"
            elif self._in_array and mark and self._previous == "value":
                raise BadJson
            else:
                return position
            position += 1

    def _value(self, position: int, *, final: bool) -> tuple[Any, int]:
        try:
            value, end = _DECODER.raw_decode(self._buffer, position)
        except json.JSONDecodeError as exc:
            cut = exc.pos >= len(self._buffer) - _CUT or exc.msg.startswith("Unterminated string")
            if cut and not final:
                raise _Incomplete from exc
            raise BadJson from exc
        except RecursionError as exc:
            raise BadJson from exc
        scalar = not isinstance(value, dict | list | str)
        if scalar and not final and self._buffer[end : end + 1] not in _ENDS_A_SCALAR:
            raise _Incomplete  # A number may continue.
        return value, end
