"""Collection functions, of strings, arrays and objects."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from adf_trigger.emulator.expressions.functions.arguments import (
    FIRST,
    ONLY,
    SECOND,
    array,
    integer,
    objects,
    out_of_range,
    text,
    wrong_type,
)
from adf_trigger.emulator.expressions.functions.strings import from_units, to_units
from adf_trigger.emulator.expressions.runtime.errors import ArgumentError
from adf_trigger.emulator.expressions.runtime.values import (
    find_key,
    identity,
    is_array,
    is_object,
    same,
    to_text,
    type_name,
)


def contains(collection: Any, wanted: Any) -> bool:
    """Whether a string has a substring (case-sensitively), an array an equal item, or an object a property."""
    match collection:
        case str():
            return text(wanted, SECOND) in collection
        case _ if is_array(collection):
            return any(same(item, wanted) for item in collection)
        case _ if is_object(collection):
            return find_key(collection, text(wanted, SECOND)) is not None
        case _:
            raise wrong_type(FIRST, "a dictionary (object), an array or a string", collection)


def empty(collection: Any) -> bool:
    """Whether a string, array or object is empty; null counts as empty."""
    if collection is None or isinstance(collection, str) or is_array(collection) or is_object(collection):
        return not collection
    raise wrong_type(ONLY, "an object, an array or a string", collection)


def length(collection: Any) -> int:
    """UTF-16 units of a string, or items of an array."""
    if isinstance(collection, str):
        return len(to_units(collection))
    if is_array(collection):
        return len(collection)
    raise wrong_type(ONLY, "an array or a string", collection)


def first(collection: Any) -> Any:
    """The first item, or null for an empty array; the first character, or an empty string for an empty one."""
    return _one(collection, _items(collection, ONLY)[:1])


def last(collection: Any) -> Any:
    """The last item or character, with the same results for empty ones as `first`."""
    return _one(collection, _items(collection, ONLY)[-1:])


def skip(collection: Any, count: Any) -> Any:
    """All but the first items or characters."""
    items, number = _items(collection, FIRST), _count(count)
    return _like(collection, items[number:])


def take(collection: Any, count: Any) -> Any:
    """The first items or characters."""
    items, number = _items(collection, FIRST), _count(count)
    return _like(collection, items[:number])


def join(items: Any, separator: Any) -> str:
    """The items' texts with a separator between them."""
    return text(separator, SECOND).join(map(to_text, array(items, FIRST)))


def union(*collections: Any) -> Any:
    """Distinct items of all arrays, or properties of all objects; the last value of a name wins."""
    _require_one_kind(collections)
    if merged := objects(collections):
        return {key: item for one in merged for key, item in one.items()}
    return _distinct(item for one in collections for item in one)


def intersection(*collections: Any) -> Any:
    """Distinct items that all arrays have, or properties that all objects have with the same value."""
    _require_one_kind(collections)
    head, *rest = collections
    if objects(collections):
        return {
            key: item
            for key, item in head.items()
            if all(key in other and same(other[key], item) for other in rest)
        }
    others = [set(map(identity, one)) for one in rest]
    return _distinct(item for item in head if all(identity(item) in other for other in others))


def _items(collection: Any, position: str) -> Sequence[Any]:
    if isinstance(collection, str):
        return to_units(collection)
    if is_array(collection):
        return collection
    raise wrong_type(position, "an array or a string", collection)


def _one(collection: Any, items: Sequence[Any]) -> Any:
    if isinstance(collection, str):
        return _like(collection, items)
    return items[0] if items else None


def _like(collection: Any, items: Sequence[Any]) -> Any:
    return from_units(items) if isinstance(collection, str) and isinstance(items, str) else list(items)


def _count(value: Any) -> int:
    number = integer(value, SECOND)
    if number < 0:
        raise out_of_range(f"'count' must be a positive integer. The provided value is '{number}'.")
    return number


def _distinct(items: Iterable[Any]) -> list[Any]:
    kept: dict[Hashable, Any] = {}
    for item in items:
        kept.setdefault(identity(item), item)
    return list(kept.values())


def _require_one_kind(collections: Sequence[Any]) -> None:
    kinds = list(dict.fromkeys(map(type_name, collections)))
    if len(kinds) > 1:
        raise ArgumentError(
            f"expects parameters of same type, but found '{','.join(kinds)}' distinct types.",
            opening="Template language function '{}' ",
        )
    if kinds[0] not in {"Array", "Object"}:
        raise ArgumentError(
            "expects either a comma separated list of arrays or a comma separated list of objects as its "
            f"parameters. The provided values are of type '{kinds[0]}'."
        )
