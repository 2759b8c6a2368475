"""The choices for an imported factory: the targets of linked services, and a template's parameters."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from adf_trigger.emulator.common.documents import LINKED_SERVICES
from adf_trigger.emulator.connectors.catalogue import FILE_STORES
from adf_trigger.emulator.importing.arm_template import TemplateError
from adf_trigger.emulator.importing.sources import Contents, Found, ImportFailed

AZURITE: Mapping[str, Any] = {
    "type": "AzureBlobStorage",
    "typeProperties": {"connectionString": "UseDevelopmentStorage=true"},
}
"""A linked service to the stack's storage account, whatever its address."""

_LOCAL = ("usedevelopmentstorage", "127.0.0.1", "localhost")


def check_names(
    contents: Contents, linked_services: Mapping[str, Any], parameters: Mapping[str, Any]
) -> None:
    """Check given names against those of a factory.

    Args:
        contents: of the folder.
        linked_services: by name; the folder must have or refer to each.
        parameters: by name; the template must declare each.

    Raises:
        ImportFailed: some are unknown; each is named, with a suggestion.
    """
    there = {found.name for found in contents.documents if found.kind is LINKED_SERVICES}
    meant = there | {name for found in contents.documents for name in _references(_resolved(found))}
    faults = list(_unknown("linked service", linked_services, meant))
    faults += _unknown("parameter of the template", parameters, contents.parameters)
    if faults:
        raise ImportFailed(faults)


def cloud_stores(contents: Contents, chosen: Iterable[str]) -> list[tuple[str, str]]:
    """The linked services to blob storage or a data lake elsewhere, by name and type, except the chosen ones."""
    decided = {name.casefold() for name in chosen}
    return [
        (found.name, str(found.properties["type"]))
        for found in contents.documents
        if found.kind is LINKED_SERVICES
        and found.name.casefold() not in decided
        and found.properties.get("type") in FILE_STORES
        and not _is_local(_resolved(found))
    ]


def _resolved(found: Found) -> Any:
    """The properties with the template's values; unresolved if one is missing, which is reported later."""
    try:
        return found.template.resolve(found.properties) if found.template else found.properties
    except TemplateError:
        return found.properties


def _is_local(properties: Mapping[str, Any]) -> bool:
    text = str(properties.get("typeProperties")).lower()
    return any(word in text for word in _LOCAL)


def _unknown(what: str, given: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    folded = {name.casefold(): name for name in sorted(known)}
    for name in given:
        if name.casefold() in folded:
            continue
        near = get_close_matches(name.casefold(), folded, n=1)
        others = ", ".join(folded.values())
        hint = f"; did you mean {folded[near[0]]}?" if near else f"; there are: {others}" if others else ""
        yield f"there is no {what} {name}{hint}"


def _references(value: Any) -> Iterator[str]:
    """Names of linked services that a document refers to, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, Mapping):
        if value.get("type") == LINKED_SERVICES.reference_type and isinstance(
            value.get("referenceName"), str
        ):
            yield value["referenceName"]
        for item in value.values():
            yield from _references(item)
