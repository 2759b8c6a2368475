"""References between documents: `{"referenceName": …, "type": "DatasetReference"}`, at any depth."""

from collections.abc import Iterable, Iterator
from typing import Any

from adf_trigger.emulator.common.documents import INTEGRATION_RUNTIMES, KINDS, Document, Kind
from adf_trigger.emulator.common.errors import InvalidReference
from adf_trigger.emulator.store import Store

_KIND_OF_REFERENCE = {kind.reference_type.lower(): kind for kind in KINDS}
_ALWAYS_THERE = frozenset({"autoresolveintegrationruntime"})


def references(value: Any) -> Iterator[tuple[Kind, str]]:
    """Every reference in a JSON value; those whose name is an expression are left to the run."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        kind = _KIND_OF_REFERENCE.get(str(value.get("type")).lower())
        name = value.get("referenceName")
        if kind is not None and isinstance(name, str):
            yield kind, name
        for item in value.values():
            yield from references(item)


def check_references(document: Document, store: Store) -> None:
    """Reject a document that refers to one that does not exist.

    Raises:
        InvalidReference: naming the first one.
    """
    for kind, name in references(document.properties):
        if kind is INTEGRATION_RUNTIMES and name.lower() in _ALWAYS_THERE:
            continue
        if store.resources.get(document.factory_id, kind, name) is None:
            raise InvalidReference(name, document.id)


def referrer(document: Document, others: Iterable[Document]) -> str | None:
    """Name of a document that refers to this one."""
    wanted = (document.kind, document.name.lower())
    for other in others:
        if other.id.lower() == document.id.lower():
            continue
        if any((kind, name.lower()) == wanted for kind, name in references(other.properties)):
            return other.name
    return None
