"""Type adapters of the documents, built on first use."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_made: dict[type[Any], TypeAdapter[Any]] = {}


def adapter_of(kind: type[T]) -> TypeAdapter[T]:
    """The type adapter of a kind of document. Built at import, it would slow every cold start.

    Threads that need it first may make it twice, which does no harm.
    """
    adapter: TypeAdapter[T] | None = _made.get(kind)
    if adapter is None:
        adapter = _made[kind] = TypeAdapter(kind)
    return adapter
