"""Removes the values of secure parameters from messages that are stored, and restores them for a replay."""

import json
from collections.abc import Callable, Collection, Mapping

from adf_trigger.contracts import QueuedRunRequest
from adf_trigger.messages.strict_json import MAX_DEPTH

MASK = "**********"
"""The replacement of a secret value, the same as Data Factory's own."""

_CUT = "(nested too deeply to be stored)"
_CALL_BACK_URI = "callbackuri"
_FIELDS = frozenset(field.alias for field in QueuedRunRequest.model_fields.values())
"""At the top level of a message these are the request's own fields, even if a parameter has the same name."""


def masked(document: object, secure: Collection[str]) -> tuple[object, tuple[str, ...]]:
    """A message without the values of secure parameters, and the names of those that were removed.

    A name is masked at any place and in any case: a rejected message may have it in the wrong place.

    Args:
        document: the message's JSON.
        secure: names of parameters that a pipeline declares as SecureString.
    """
    folded = {name.lower() for name in secure}
    found: dict[str, None] = {}

    def mask(name: str) -> object:
        found[name] = None
        return MASK

    return _replaced(document, lambda name, value: name.lower() in folded and value is not None, mask), tuple(
        found
    )


def without_callback(document: object) -> object:
    """A message without its `callBackUri`: anyone who knows that address can answer in our place."""
    if not isinstance(document, dict):
        return document
    return {name: value for name, value in document.items() if name.lower() != _CALL_BACK_URI}


def masked_at(document: object, places: Collection[tuple[str, ...]]) -> tuple[object, tuple[str, ...]]:
    """A document without the values at some places, and the last name of each place that was masked.

    Args:
        document: JSON.
        places: the names on each path, in any case; a path applies to every item of an array on it.
    """
    found: dict[str, None] = {}

    def mask(value: object, ways: Collection[tuple[str, ...]]) -> object:
        if isinstance(value, list):
            return [mask(each, ways) for each in value]
        if not isinstance(value, dict):
            return value
        kept: dict[str, object] = {}
        for name, each in value.items():
            below = [way[1:] for way in ways if way and way[0].casefold() == name.casefold()]
            if not all(below) and each is not None:
                found[name] = None
                kept[name] = MASK
            else:
                kept[name] = mask(each, below) if below else each
        return kept

    return mask(document, places), tuple(found)


def may_have_secrets(document: Mapping[str, object]) -> bool:
    """Whether a message has any name that may be a parameter's, besides the request's own fields."""
    own = {name: value for name, value in document.items() if name in _FIELDS}
    return len(own) < len(document) or any(isinstance(value, dict) and value for value in own.values())


def unmasked(document: object, names: Collection[str], values: Mapping[str, object]) -> object:
    """A message with the given values in place of the masked ones.

    Args:
        document: the message as stored.
        names: the names that were masked.
        values: name → value, in any case of the name.

    Raises:
        KeyError: a value is not given.
    """
    given = {name.lower(): value for name, value in values.items()}
    return _replaced(
        document, lambda name, value: name in names and value == MASK, lambda name: given[name.lower()]
    )


def as_bytes(document: object) -> bytes:
    """A document as compact JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _replaced(
    value: object, chosen: Callable[[str, object], bool], replacement: Callable[[str], object], depth: int = 0
) -> object:
    if isinstance(value, dict | list) and depth > MAX_DEPTH:
        return _CUT
    if isinstance(value, list):
        return [_replaced(each, chosen, replacement, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    own = _FIELDS if depth == 0 else ()
    return {
        name: replacement(name)
        if name not in own and chosen(name, each)
        else _replaced(each, chosen, replacement, depth + 1)
        for name, each in value.items()
    }
