"""Whether one JSON Schema accepts all that another one accepts, as far as our models' schemas go."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
_ANY_TYPE = ("object", "array", "string", "number", "integer", "boolean", "null")
_WIDER = {"integer": "number"}


def refused(older: Schema, newer: Schema) -> list[str]:
    """Where the newer schema may refuse what the older one accepts: a JSON pointer and why, each."""
    return sorted(set(_Comparison(older, newer).of(older, newer, "", ())))


class _Comparison:
    """Compares parts of two documents."""

    def __init__(self, older: Schema, newer: Schema) -> None:
        self._older = older
        self._newer = newer

    def of(self, older: Schema, newer: Schema, at: str, seen: tuple[str, ...]) -> Iterator[str]:
        older, newer = _resolved(self._older, older), _resolved(self._newer, newer)
        key = f"{id(older)}/{id(newer)}"
        if key in seen:
            return
        seen = (*seen, key)
        for each in _choices(older):
            found = [list(self._one(each, other, at, seen)) for other in _choices(newer)]
            if not any(not faults for faults in found):
                yield from min(found, key=len)

    def _one(self, older: Schema, newer: Schema, at: str, seen: tuple[str, ...]) -> Iterator[str]:
        older, newer = _resolved(self._older, older), _resolved(self._newer, newer)
        if "anyOf" in older or "anyOf" in newer:
            yield from self.of(older, newer, at, seen)
            return
        allowed = {*_types(newer)}
        if wrong := [
            each for each in _types(older) if each not in allowed and _WIDER.get(each) not in allowed
        ]:
            yield f"{at}: no {', '.join(wrong)} any more"
            return
        if (values := _values(newer)) is not None and not ((old := _values(older)) and old <= values):
            yield f"{at}: only some values"
        for word in ("pattern", "maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems"):
            if word in newer and newer[word] != older.get(word):
                yield f"{at}: {word}"
        if "object" in _types(older):
            yield from self._object(older, newer, at, seen)
        if "items" in newer and "array" in _types(older):
            yield from self.of(older.get("items", {}), newer["items"], f"{at}/*", seen)

    def _object(self, older: Schema, newer: Schema, at: str, seen: tuple[str, ...]) -> Iterator[str]:
        for name in {*newer.get("required", ())} - {*older.get("required", ())}:
            yield f"{at}/{name}: is required now"
        mine, others = newer.get("properties", {}), newer.get("additionalProperties", True)
        for name, each in older.get("properties", {}).items():
            if name in mine:
                yield from self.of(each, mine[name], f"{at}/{name}", seen)
            elif others is False:
                yield f"{at}/{name}: is unknown now"
        if isinstance(others, dict) and isinstance(older.get("additionalProperties"), dict):
            yield from self.of(older["additionalProperties"], others, f"{at}/(any)", seen)


def _resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _choices(schema: Schema) -> Sequence[Schema]:
    choices: Sequence[Schema] = schema.get("anyOf", [schema])
    return choices


def _types(schema: Schema) -> Sequence[str]:
    said = schema.get("type", _ANY_TYPE if "const" not in schema and "enum" not in schema else ("string",))
    return (said,) if isinstance(said, str) else tuple(said)


def _values(schema: Schema) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None
