"""The parameter values of triggers: text, and references to the event.

Data Factory's expression language has some hundred functions; triggers use references, alone
(`@triggerBody().fileName`) or inside text (`@{trigger().outputs.body.event.data.day}.csv`). Those are supported; any
other function is reported by its name when the settings are read, so that nothing fails at the first event.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

MAX_TEXT = 10_000
"""Characters of one value."""

_FUNCTION = re.compile(r"\s*([A-Za-z_]\w*)\s*\(\s*(\))?")
_ACCESSOR = re.compile(
    r"""\s*(?P<lenient>\?)?(?:\.\s*(?P<name>[^\W\d]\w*)|\[\s*(?:'(?P<quoted>(?:[^']|'')*)'|(?P<number>\d{1,9}))\s*\])"""
)
_OPEN = re.compile(r"@@\{|@\{")
_BODY = ("outputs", "body")
_OF_THE_TRIGGER = ("name", "startTime", "outputs")
_OF_THE_BODY = ("event",)
_OF_A_BLOB = ("fileName", "folderPath", *_OF_THE_BODY)


class Unsupported(ValueError):
    """A value that is not supported here; the text says why, and names the function."""


class Missing(ValueError):
    """The event lacks the target of a reference."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step into a value: a name in an object, or an index of an array."""

    to: str | int
    is_lenient: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to the event, or to the trigger itself.

    Attributes:
        text: as written.
        steps: the path from the value of `trigger()`.
    """

    text: str
    steps: tuple[Step, ...]

    def value(self, trigger: Mapping[str, Any]) -> object:
        """The value that it refers to.

        Args:
            trigger: the value of `trigger()`.

        Raises:
            Missing: the value does not exist, and the reference has no `?` at that step.
        """
        value: object = trigger
        for step in self.steps:
            found, value = _stepped(value, step.to)
            if not found and not step.is_lenient:
                raise Missing(f"{self.text}: the event has no {step.to}")
        return value


@dataclass(frozen=True, slots=True)
class Interpolation:
    """Text with references in it."""

    parts: tuple["str | Reference", ...]

    def value(self, trigger: Mapping[str, Any]) -> str:
        """The text, each reference replaced by its value.

        Raises:
            Missing: see Reference.
        """
        return "".join(
            each if isinstance(each, str) else _written(each.value(trigger)) for each in self.parts
        )


_SHOWN_ANYWAY = frozenset(
    {"specversion", "id", "source", "topic", "type", "eventtype", "subject", "time", "eventtime"}
)
"""Attributes that identify an event, in lower case; labels show them, and a replay needs them."""


Compiled = Reference | Interpolation | list[Any] | dict[str, Any] | str | int | float | bool | None
"""A value of a parameter; objects and arrays contain such values."""


def compiled(value: object, *, of_blob: bool) -> Compiled:
    """Compile the value of a parameter.

    Args:
        value: as in the trigger's JSON.
        of_blob: whether the trigger starts on blob events: only these have a file's name and folder.

    Raises:
        Unsupported: it uses something that is not supported here.
    """
    match value:
        case str():
            return _compiled_text(value, of_blob=of_blob)
        case {"type": str(kind), "value": str(text), **rest} if not rest and kind.lower() == "expression":
            return _compiled_text(text, of_blob=of_blob)
        case dict():
            return {name: compiled(each, of_blob=of_blob) for name, each in value.items()}
        case list():
            return [compiled(each, of_blob=of_blob) for each in value]
        case int() | float() | None:
            return value
    raise Unsupported("is not a JSON value")


def evaluated(value: Compiled, trigger: Mapping[str, Any]) -> object:
    """Evaluate a compiled value for a run.

    Args:
        value: of a parameter.
        trigger: the value of `trigger()`.

    Raises:
        Missing: see Reference.
    """
    match value:
        case Reference() | Interpolation():
            return value.value(trigger)
        case dict():
            return {name: evaluated(each, trigger) for name, each in value.items()}
        case list():
            return [evaluated(each, trigger) for each in value]
    return value


def places_of(value: Compiled) -> Iterator[tuple[str, ...]]:
    """The places in the event's JSON that a value comes from: the names on each path, up to the first array index.

    Attributes that identify the event are left out.
    """
    match value:
        case Reference():
            yield from _place_of(value)
        case Interpolation():
            for part in value.parts:
                if isinstance(part, Reference):
                    yield from _place_of(part)
        case dict():
            for each in value.values():
                yield from places_of(each)
        case list():
            for each in value:
                yield from places_of(each)


def _place_of(reference: Reference) -> Iterator[tuple[str, ...]]:
    names = [step.to for step in reference.steps]
    below = [str(each).lower() for each in names[:3]]
    if below != ["outputs", "body", "event"][: len(below)]:
        return  # the trigger's name, the time, or the name of a file
    place = tuple(takewhile(lambda name: isinstance(name, str), names[3:]))
    if not place:
        yield ("data",)
    elif str(place[0]).lower() not in _SHOWN_ANYWAY:
        yield tuple(map(str, place))


def _compiled_text(text: str, *, of_blob: bool) -> Compiled:
    if len(text) > MAX_TEXT:
        raise Unsupported(f"has more than {MAX_TEXT} characters")
    if text.startswith("@@"):
        return text[1:]
    if text.startswith("@") and not text.startswith("@{"):
        reference, end = _reference(text, 1, of_blob=of_blob)
        if text[end:].strip():
            raise Unsupported(f"continues after {reference.text}: only references to the event are supported")
        return reference
    return _interpolated(text, of_blob=of_blob)


def _interpolated(text: str, *, of_blob: bool) -> Compiled:
    parts: list[str | Reference] = []
    at = 0
    for opened in _OPEN.finditer(text):
        if opened.start() < at:
            continue  # within a reference
        if opened[0] == "@@{":
            parts.append(text[at : opened.start()] + "@{")
            at = opened.end()
            continue
        parts.append(text[at : opened.start()])
        reference, end = _reference(text, opened.end(), of_blob=of_blob)
        closed = re.compile(r"\s*\}").match(text, end)
        if closed is None:
            raise Unsupported(f"has no }} after {reference.text}: only references to the event are supported")
        parts.append(reference)
        at = closed.end()
    parts.append(text[at:])
    if any(isinstance(each, Reference) for each in parts):
        return Interpolation(tuple(each for each in parts if each != ""))
    return "".join(str(each) for each in parts)


def _reference(text: str, begin: int, *, of_blob: bool) -> tuple[Reference, int]:
    """The reference that begins at a position of a text, and the position of its end."""
    function = _FUNCTION.match(text, begin)
    if function is None:
        raise Unsupported("is no reference to the event: begin it with triggerBody() or trigger()")
    name = function[1]
    if name.lower() not in {"triggerbody", "trigger"}:
        raise Unsupported(f"calls {name}(): the only supported functions are triggerBody() and trigger()")
    if function[2] is None:
        raise Unsupported(f"gives {name}() an argument: it takes none")
    steps = []
    end = function.end()
    while (accessor := _ACCESSOR.match(text, end)) is not None:
        to: str | int = accessor["name"] or (accessor["quoted"] or "").replace("''", "'")
        if accessor["number"] is not None:
            to = int(accessor["number"])
        steps.append(Step(to, accessor["lenient"] is not None))
        end = accessor.end()
    begins = tuple(Step(each) for each in _BODY) if name.lower() == "triggerbody" else ()
    return Reference(text[begin:end].strip(), _checked((*begins, *steps), of_blob=of_blob)), end


def _checked(steps: tuple[Step, ...], *, of_blob: bool) -> tuple[Step, ...]:
    """Check that the steps lead to something that exists; returns them."""
    names = [each.to.lower() if isinstance(each.to, str) else each.to for each in steps]
    if not names or names[0] not in [each.lower() for each in _OF_THE_TRIGGER]:
        raise Unsupported(f"is not known: trigger() has {', '.join(_OF_THE_TRIGGER)}")
    if names[0] != "outputs":
        return steps
    if names[1:2] not in ([], ["body"]):
        raise Unsupported("is not known: trigger().outputs has body")
    of_the_body = _OF_A_BLOB if of_blob else _OF_THE_BODY
    if names[2:3] and names[2] not in [each.lower() for each in of_the_body]:
        raise Unsupported(f"is not known: triggerBody() has {', '.join(of_the_body)} in such a trigger")
    return steps


def _stepped(value: object, to: str | int) -> tuple[bool, object]:
    """Whether a value has an item, and the item. Names of exactly that spelling take precedence."""
    if isinstance(to, int):
        return (True, value[to]) if isinstance(value, list) and to < len(value) else (False, None)
    if not isinstance(value, Mapping):
        return False, None
    if to in value:
        return True, value[to]
    alike = [name for name in value if name.casefold() == to.casefold()]
    return (True, value[alike[0]]) if len(alike) == 1 else (False, None)


def _written(value: object) -> str:
    """A value inside text, as Data Factory formats it: null is empty, true is `True`."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
