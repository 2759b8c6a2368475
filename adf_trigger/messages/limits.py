"""Cuts texts and JSON values to limits."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

ELLIPSIS = "…"
LONGEST_LINE = 500
"""Maximum characters of a reason in one line, for a list, a terminal or an alert."""

_DEEPEST = 50
"""Maximum levels of a JSON value: some readers fail at 64."""

_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories that a terminal would interpret or a line cannot hold: controls, direction marks, unpaired surrogates."""


def shorten(text: str, limit: int) -> str:
    """A text of at most `limit` characters: itself, or its beginning with an ellipsis at the end."""
    return text if len(text) <= limit else text[: limit - len(ELLIPSIS)] + ELLIPSIS


def shorten_middle(text: str, limit: int) -> str:
    """A text of at most `limit` characters: itself, or its beginning and its end with an ellipsis between."""
    if len(text) <= limit:
        return text
    kept = max(0, limit - len(ELLIPSIS))
    return text[: kept - kept // 2] + ELLIPSIS + text[len(text) - kept // 2 :]


def shortened_together(texts: Sequence[str], room: int) -> list[str]:
    """Texts cut to a common limit: the long ones are cut in the middle to one length, the short ones stay.

    Args:
        texts: the texts.
        room: maximum characters of ASCII JSON of all together, without their quotes.
    """
    most, least = max(map(len, texts), default=0), 0
    if sum(map(ascii_size, texts)) <= room:
        return list(texts)
    while least < most:
        middle = (least + most + 1) // 2
        if sum(ascii_size(shorten_middle(each, middle)) for each in texts) <= room:
            least = middle
        else:
            most = middle - 1
    return [shorten_middle(each, least) if least else "" for each in texts]


def ascii_size(value: object) -> int:
    """Characters of a value's compact ASCII JSON; of a text without its quotes."""
    size = len(json.dumps(value, ensure_ascii=True, separators=(",", ":")))
    return size - 2 if isinstance(value, str) else size


def bounded_json(value: object, size: int) -> tuple[Any, bool]:
    """A value that any JSON parser can read, and whether it was cut: replaced by its JSON text, cut in the middle.

    Args:
        value: a value of foreign JSON, which may have unpaired surrogates and Infinity.
        size: maximum characters of ASCII JSON; a value that is nested too deeply becomes None.
    """
    if _is_deep(value):
        return None, True
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace").decode()
    whole = json.loads(text, parse_constant=str)
    if ascii_size(whole) <= size:
        return whole, False
    (cut,) = shortened_together([whole if isinstance(whole, str) else text], size)
    return cut, True


def _is_deep(value: object) -> bool:
    """Whether a value is nested too deeply for some JSON parsers."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return False
    return True


def _inner(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def one_line(text: str, limit: int = LONGEST_LINE) -> str:
    """A text on one line of at most `limit` characters: white space becomes one blank, control characters are removed.

    A long one is cut in the middle, since either end may name the cause.
    """
    words = " ".join(text.split())
    plain = "".join(each for each in words if unicodedata.category(each) not in _NOT_SHOWN)
    return shorten_middle(plain, limit)
