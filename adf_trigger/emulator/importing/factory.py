"""Imports an existing factory: the folder of its Git repository, or its exported ARM template."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.regions import short
from adf_trigger.emulator.common.documents import LINKED_SERVICES, TRIGGERS, Document, Factory
from adf_trigger.emulator.common.errors import InvalidReference, ServiceError
from adf_trigger.emulator.importing.arm_template import TemplateError
from adf_trigger.emulator.importing.choices import AZURITE, check_names, cloud_stores
from adf_trigger.emulator.importing.sources import Found, ImportFailed, read_contents
from adf_trigger.emulator.validation.documents import check_document
from adf_trigger.emulator.validation.names import check_factory_name

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Imported:
    """The result of an import.

    Attributes:
        factory_id: resource id of the factory.
        documents: number of documents, by collection.
        skipped: resources of the template that are not emulated, as `type name`.
        to_azurite: linked services that now lead to the stack's storage account instead of the cloud, with their
            original type.
    """

    factory_id: str
    documents: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    to_azurite: list[tuple[str, str]] = field(default_factory=list)


def import_folder(
    backend: Backend,
    folder: Path,
    *,
    subscription: str,
    resource_group: str,
    factory: str,
    location: str = "East US",
    linked_services: Mapping[str, Mapping[str, Any]] | None = None,
    parameters: Mapping[str, Any] | None = None,
    to_azurite: bool = False,
) -> Imported:
    """Import a folder into a factory, which is created if it does not exist. Triggers are imported as stopped.

    Args:
        backend: of the emulator (`FactoryEmulator.backend`).
        folder: of a factory's Git repository (pipeline/, dataset/, linkedService/, trigger/, …), or with an
            exported ARM template (ARMTemplateForFactory.json and, if wanted, its parameters file); or the file
            of a template, whatever its name.
        subscription: of the factory.
        resource_group: of the factory.
        factory: its name.
        location: of a factory that is created.
        linked_services: by name, properties that replace those in the folder (`type`, `typeProperties`), so
            that a factory made for the cloud reads and writes local stores. Those that the folder only refers to
            are created, since templates of the gallery expect their connections to exist.
        parameters: values for the template's parameters, which override those of its parameters file.
        to_azurite: point the other linked services for blob storage and data lakes at the stack's storage account.

    Raises:
        ImportFailed: the folder has faults. If its files can be read and the given names are known, the valid
            documents have been imported.
    """
    given = dict(linked_services or {})
    contents = read_contents(folder, factory, parameters or {})
    check_names(contents, given, parameters or {})
    contents.documents += _additional(contents.documents, given)
    stores = cloud_stores(contents, given) if to_azurite else []
    given |= {name: AZURITE for name, _ in stores}
    home = _factory(backend, subscription, resource_group, factory, location, contents.factory_properties)
    imported = Imported(home.id, skipped=contents.skipped, to_azurite=stores)
    faults = _load_all(backend, home, contents.documents, given, imported)
    logger.info(
        "Loaded %d documents into factory %s.",
        imported.documents.total(),
        home.name,
        extra={"action": "factory_imported", "factory": home.id},
    )
    if faults:
        raise ImportFailed(faults)
    return imported


def _additional(documents: list[Found], linked_services: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    """The given linked services that are not in the folder."""
    there = {found.name.lower() for found in documents if found.kind is LINKED_SERVICES}
    for name, properties in linked_services.items():
        if name.lower() not in there:
            yield Found(LINKED_SERVICES, name, dict(properties))


def _load_all(
    backend: Backend,
    home: Factory,
    waiting: list[Found],
    overrides: Mapping[str, Mapping[str, Any]],
    imported: Imported,
) -> list[str]:
    """Load documents, each after those that it refers to; return the faults of those that cannot be loaded."""
    replaced = {name.lower(): override for name, override in overrides.items()}
    faults: list[str] = []
    while waiting:
        later: dict[str, Found] = {}
        for found in waiting:
            label = f"{found.kind.label} {found.name}"
            try:
                _load(backend, home, found, replaced)
            except InvalidReference as exc:
                later[f"{label}: {exc.message}"] = found
            except (ServiceError, TemplateError) as exc:
                faults.append(f"{label}: {exc}")
            else:
                imported.documents[found.kind.collection] += 1
        if len(later) == len(waiting):
            return [*faults, *later]
        waiting = list(later.values())
    return faults


def _load(backend: Backend, home: Factory, found: Found, overrides: Mapping[str, Mapping[str, Any]]) -> None:
    properties = dict(found.properties)
    if found.kind is LINKED_SERVICES:
        properties |= overrides.get(found.name.lower(), {})
    if found.template is not None:
        properties = found.template.resolve(properties)
    if found.kind is TRIGGERS:
        properties["runtimeState"] = "Stopped"
    present = backend.store.resources.get(home.id, found.kind, found.name)
    document = Document(
        factory_id=home.id,
        kind=found.kind,
        name=present.name if present else found.name,
        properties=properties,
        etag=backend.new_etag(),
    )
    check_document(document, backend.store, backend.options, is_new=present is None)
    backend.store.resources.save(document)


def _factory(
    backend: Backend,
    subscription: str,
    resource_group: str,
    name: str,
    location: str,
    properties: dict[str, Any],
) -> Factory:
    """The factory to import into, with the properties from the folder."""
    check_factory_name(name, name)
    wanted = Factory(
        subscription_id=subscription,
        resource_group=resource_group,
        name=name,
        location=location,
        created=backend.now(),
        etag=backend.new_etag(),
        identity={
            "type": "SystemAssigned",
            "principalId": str(backend.new_id()),
            "tenantId": backend.tenant_id,
        },
    )
    present = backend.store.factories.get(wanted.id)
    if present is None and backend.store.factories.id_of_name(name) is not None:
        raise ImportFailed([f"the name {name} is used by another factory"])
    backend.store.groups.provide({subscription: [resource_group]}, short(location))
    factory = present or wanted
    factory.properties |= properties
    backend.store.factories.save(factory)
    return factory
