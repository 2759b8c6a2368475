"""Documents around the borders of a JSON Schema: values that a less strict reader could accept."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

_LONGEST = 600
_NAME = "(the name that a place has)"
_VALUE = object()
"""Stands for the content of a place."""
_ALWAYS: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    1.5,
    2.0,
    1e300,
    10**30,
    "",
    "1",
    "2",
    "true",
    "no",
    [],
    {},
    [1],
    [[]],
    {"a": 1},
)
_OF_TEXT = ("é", "x y", "\n", "a\n", "a.b", "$schema", "parameters.é", "parameters.x\n", "/c/blobs/\n", "😀")


def for_python(schema: Any) -> Any:
    """A schema whose patterns mean to Python's `re` what the standard defines: `$` is the very end."""
    if isinstance(schema, list):
        return [for_python(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: for_python(each) for name, each in schema.items()}
    if isinstance(made.get("pattern"), str):
        made["pattern"] = _anchored(made["pattern"])
    if isinstance(made.get("patternProperties"), dict):
        made["patternProperties"] = {
            _anchored(name): each for name, each in made["patternProperties"].items()
        }
    return made


def borders(schema: Mapping[str, Any]) -> Sequence[Any]:
    """Values of every type, and those on either side of each limit and word of a schema; alone and in an array."""
    found = [*_ALWAYS, *_OF_TEXT, *_said(schema)]
    return [*found, *([each] for each in found)]


def names(schema: Mapping[str, Any]) -> Sequence[str]:
    """Names of members that a schema knows, and misspelt ones."""
    known = sorted({name for each in _parts(schema) for name in each.get("properties", {})})
    return [*known, *(re.sub(r"([A-Z])", r"_\1", each).lower() for each in known), *_OF_TEXT]


def displaced(document: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """All variants of a document in which one place is replaced, renamed or left out."""
    words = names(schema)
    changes: list[Mapping[str, Any]] = [{_NAME: value} for value in borders(schema)]
    of_members: list[Mapping[str, Any]] = [{}, *({word: _VALUE} for word in words)]
    of_members += [{_NAME: _VALUE, word: 1} for word in words]
    for place in _places(document):
        is_member = bool(place) and isinstance(place[-1], str)
        for change in (*changes, *(of_members if is_member else ())):
            yield _with(document, place, change)


@st.composite
def any_displaced(draw: st.DrawFn, documents: st.SearchStrategy[Any], schema: Mapping[str, Any]) -> Any:
    """Any of some documents, every other one with one place replaced."""
    document = draw(documents)
    if draw(st.booleans()):
        place = draw(st.sampled_from(list(_places(document))))
        document = _with(document, place, {_NAME: draw(st.sampled_from(borders(schema)))})
    return document


def _with(document: Any, place: Sequence[Any], change: Mapping[str, Any]) -> Any:
    """A document that has, instead of one place, the members of a change; `_NAME` and `_VALUE` are the place's own."""
    if not place:
        return change[_NAME]
    first, rest = place[0], place[1:]
    if rest or isinstance(document, list):
        within = dict(document) if isinstance(document, dict) else list(document)
        within[first] = _with(document[first], rest, change)
        return within
    made = {
        first if name == _NAME else name: document[first] if each is _VALUE else each
        for name, each in change.items()
    }
    return {name: each for name, each in document.items() if name != first} | made


def _places(document: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield so_far
    within = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for name, each in within:
        yield from _places(each, (*so_far, name))


def _said(schema: Any) -> Iterator[Any]:
    for each in _parts(schema):
        for limit in (each[name] for name in ("minimum", "maximum") if name in each):
            yield from (limit - 1, limit, float(limit), limit + 1, limit + 0.5, str(limit))
        for length in (each[name] for name in ("minLength", "maxLength") if name in each):
            yield from ("x" * size for size in (length - 1, length, length + 1) if 0 <= size <= _LONGEST)
        for length in (each[name] for name in ("minItems", "maxItems") if name in each):
            yield from (["x"] * size for size in (length - 1, length, length + 1) if 0 <= size <= _LONGEST)
        for word in (*each.get("enum", ()), each.get("const")):
            yield from (word, word.upper(), f" {word}") if isinstance(word, str) else ()


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """A schema and all its subschemas."""
    if isinstance(schema, Mapping):
        yield schema
        for each in schema.values():
            yield from _parts(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _parts(each)


def _anchored(pattern: str) -> str:
    return re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
