"""Type adapters of the documents, built on first use."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_made: dict[type[Any], TypeAdapter[Any]] = {}


def adapter_of(kind: type[T]) -> TypeAdapter[T]:
    """The type adapter of a kind of document. Building it at import would slow every cold start.

    Concurrent first calls may build it twice, which is harmless.
    """
    adapter: TypeAdapter[T] | None = _made.get(kind)
    if adapter is None:
        adapter = _made[kind] = TypeAdapter(kind)
    return adapter
