"""Parses JSON that every parser understands alike and that can be sent to Data Factory; anything else is a fault."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adf_trigger.errors import Fault
from adf_trigger.messages import mistaken
from adf_trigger.messages.wording import pointer_to

MAX_DEPTH = 128
"""Levels of objects and arrays: well below the limit of any JSON library on the way to Data Factory."""

_Path = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """The result of parsing a text.

    Attributes:
        document: its value; None if it is not JSON at all. Of names that occur twice the last one counts.
        faults: all its faults as JSON.
        is_text: whether every name and value can be encoded as text, so that the document can be processed further.
    """

    document: Any
    faults: tuple[Fault, ...] = ()
    is_text: bool = True


class _Object(dict[str, Any]):
    """A JSON object, with the names that occur more than once in it."""

    repeated: tuple[str, ...] = ()


def parse(body: bytes) -> Parsed:
    """Parse JSON in UTF-8, with or without byte order mark. Never raises."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Parsed(None, (Fault("", mistaken.not_utf_8(body)),), is_text=False)
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as exc:
        return Parsed(None, (Fault("", mistaken.not_json(exc)),), is_text=False)
    except RecursionError:
        return Parsed(None, (_too_deep(()),), is_text=False)
    except ValueError:  # Python reads no integer of more than 4,300 digits
        return Parsed(None, (Fault("", "the body has a number that is too long"),), is_text=False)
    if (said := mistaken.not_an_object(document)) is not None:
        return Parsed(None, (Fault("", said),), is_text=False)
    found = list(_looked_through(document))
    return Parsed(document, tuple(fault for fault, _ in found), is_text=all(is_text for _, is_text in found))


def _object(pairs: Sequence[tuple[str, Any]]) -> _Object:
    read = _Object(pairs)
    if len(read) < len(pairs):
        names = [name for name, _ in pairs]
        read.repeated = tuple(name for name in read if names.count(name) > 1)
    return read


def _looked_through(document: object) -> Iterator[tuple[Fault, bool]]:
    """Each fault, and whether the faulty value can still be encoded."""
    left: list[tuple[_Path, object]] = [((), document)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict | list) and len(path) >= MAX_DEPTH:
            yield _too_deep(path), False
        elif isinstance(value, dict):
            repeated = value.repeated if isinstance(value, _Object) else ()
            yield from ((_fault((*path, name), "occurs more than once"), True) for name in repeated)
            yield from (
                (_fault((*path, name), "has an unpaired surrogate in its name"), False)
                for name in value
                if _is_broken(name)
            )
            left += (((*path, name), each) for name, each in reversed(value.items()))
        elif isinstance(value, list):
            left += (((*path, number), each) for number, each in reversed(list(enumerate(value))))
        elif isinstance(value, float) and not math.isfinite(value):
            yield _fault(path, "is too large a number, or not a number: JSON has no NaN or Infinity"), True
        elif isinstance(value, str) and _is_broken(value):
            yield _fault(path, "has an unpaired surrogate"), False


def _too_deep(path: _Path) -> Fault:
    return _fault(path[:1], f"is nested too deeply: at most {MAX_DEPTH} levels")


def _fault(path: _Path, said: str) -> Fault:
    pointer = pointer_to(path).encode(errors="replace").decode()
    return Fault(pointer, said if path else f"the body {said}")


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False
