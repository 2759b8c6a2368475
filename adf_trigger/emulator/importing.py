"""Loads a factory that exists elsewhere: the folder of its Git repository, or its exported ARM template."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adf_trigger.emulator.arm_template import ArmTemplate, TemplateError, parameter_values
from adf_trigger.emulator.backend import Backend
from adf_trigger.emulator.documents import (
    CREDENTIALS,
    DATA_FLOWS,
    DATASETS,
    GLOBAL_PARAMETERS,
    INTEGRATION_RUNTIMES,
    LINKED_SERVICES,
    PIPELINES,
    TRIGGERS,
    Document,
    Factory,
    Kind,
)
from adf_trigger.emulator.errors import InvalidReference, ServiceError
from adf_trigger.emulator.regions import short
from adf_trigger.emulator.validation.documents import check_document
from adf_trigger.emulator.validation.names import check_factory_name

logger = logging.getLogger(__name__)

_FOLDERS: Mapping[str, Kind] = {
    "integrationRuntime": INTEGRATION_RUNTIMES,
    "credential": CREDENTIALS,
    "linkedService": LINKED_SERVICES,
    "dataset": DATASETS,
    "dataflow": DATA_FLOWS,
    "pipeline": PIPELINES,
    "trigger": TRIGGERS,
}
_TYPES: Mapping[str, Kind] = {
    f"microsoft.datafactory/factories/{kind.collection.lower()}": kind
    for kind in (*_FOLDERS.values(), GLOBAL_PARAMETERS)
}
_FACTORY_TYPE = "microsoft.datafactory/factories"
_TEMPLATES = ("ARMTemplateForFactory.json", "arm_template.json")
_PARAMETERS = ("ARMTemplateParametersForFactory.json", "arm_template_parameters.json")


class ImportRefused(Exception):
    """The folder cannot be loaded; `faults` lists every reason, one for each document."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(slots=True)
class Imported:
    """What was loaded.

    Attributes:
        factory_id: resource id of the factory.
        documents: how many of each kind, by collection.
        skipped: resources of the template that are not emulated, as `type name`.
    """

    factory_id: str
    documents: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """A document on its way in: properties are made when it is its turn."""

    kind: Kind
    name: str
    properties: dict[str, Any]
    template: ArmTemplate | None = None


@dataclass(slots=True)
class _Contents:
    """What a folder holds."""

    documents: list[_Found] = field(default_factory=list)
    factory_properties: dict[str, Any] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


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
) -> Imported:
    """Load a folder into a factory, which is made if it is not there. Triggers come in stopped.

    Args:
        backend: of the emulator (`FactoryEmulator.backend`).
        folder: of a factory's Git repository (pipeline/, dataset/, linkedService/, trigger/, …), or with an
            exported ARM template (ARMTemplateForFactory.json and, if wanted, its parameters file); or the file
            of a template, whatever its name.
        subscription: where the factory is to be.
        resource_group: likewise.
        factory: its name.
        location: of a factory that is made.
        linked_services: by name, properties that replace those in the folder (`type`, `typeProperties`), so
            that a factory made for the cloud reads and writes local stores. Those that the folder has not are
            made, as templates of the gallery expect their connections to be.
        parameters: values for the template's parameters, before those of its parameters file.

    Raises:
        ImportRefused: something in the folder is wrong; what was right has been loaded.
    """
    contents = _template(folder, {"factoryName": factory, **(parameters or {})}) or _repository(folder)
    if not contents.documents and not contents.factory_properties:
        raise ImportRefused(
            [f"{folder} holds no factory: neither an ARM template of one nor folders such as pipeline/"]
        )
    contents.documents += _beside(contents.documents, linked_services or {})
    home = _factory(backend, subscription, resource_group, factory, location, contents.factory_properties)
    imported = Imported(home.id, skipped=contents.skipped)
    faults = _load_all(backend, home, contents.documents, linked_services or {}, imported)
    logger.info(
        "Loaded %d documents into factory %s.",
        imported.documents.total(),
        home.name,
        extra={"action": "factory_imported", "factory": home.id},
    )
    if faults:
        raise ImportRefused(faults)
    return imported


def _beside(documents: list[_Found], linked_services: Mapping[str, Mapping[str, Any]]) -> Iterator[_Found]:
    """The linked services that are given and not in the folder."""
    there = {found.name.lower() for found in documents if found.kind is LINKED_SERVICES}
    for name, properties in linked_services.items():
        if name.lower() not in there:
            yield _Found(LINKED_SERVICES, name, dict(properties))


def _load_all(
    backend: Backend,
    home: Factory,
    waiting: list[_Found],
    overrides: Mapping[str, Mapping[str, Any]],
    imported: Imported,
) -> list[str]:
    """Load documents, each after those that it refers to; gives what is wrong with those that are left."""
    replaced = {name.lower(): override for name, override in overrides.items()}
    faults: list[str] = []
    while waiting:
        later: dict[str, _Found] = {}
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


def _load(backend: Backend, home: Factory, found: _Found, overrides: Mapping[str, Mapping[str, Any]]) -> None:
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
    """The factory to load into, with the properties that the folder gives it."""
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
        raise ImportRefused([f"the name {name} is in use by a factory elsewhere"])
    backend.store.groups.provide({subscription: [resource_group]}, short(location))
    factory = present or wanted
    factory.properties |= properties
    backend.store.factories.save(factory)
    return factory


def _repository(folder: Path) -> _Contents:
    """The JSON files of a factory's Git repository."""
    contents = _Contents()
    for path in sorted(folder.glob("factory/*.json")):
        given = _read(path).get("properties", {}).get("globalParameters")
        if given:
            contents.factory_properties["globalParameters"] = given
    for name, kind in _FOLDERS.items():
        for path in sorted((folder / name).glob("*.json")):
            document = _read(path)
            contents.documents.append(
                _Found(kind, str(document.get("name", path.stem)), document.get("properties") or {})
            )
    return contents


def _template(folder: Path, parameters: Mapping[str, Any]) -> _Contents | None:
    """The resources of an exported template; None if there is none."""
    candidates = [folder, *(folder / name for name in _TEMPLATES)]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        return None
    files = (path.parent / name for name in _PARAMETERS if (path.parent / name).is_file())
    values = {name: value for file in files for name, value in parameter_values(_read(file)).items()}
    template = ArmTemplate(_read(path), {**values, **parameters})
    contents = _Contents()
    try:
        for resource in template.resources():
            kind = _TYPES.get(resource.type.lower())
            if kind is not None:
                contents.documents.append(_Found(kind, resource.name, resource.properties, template))
            elif resource.type.lower() == _FACTORY_TYPE:
                contents.factory_properties |= _global_parameters(template.resolve(resource.properties))
            else:
                contents.skipped.append(f"{resource.type} {resource.name}")
    except TemplateError as exc:
        raise ImportRefused([f"{path.name}: {exc}"]) from exc
    return contents


def _global_parameters(properties: dict[str, Any]) -> dict[str, Any]:
    given = properties.get("globalParameters")
    return {"globalParameters": given} if given else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as exc:
        raise ImportRefused([f"{path}: not JSON: {exc}"]) from exc
    if not isinstance(document, dict):
        raise ImportRefused([f"{path}: not a JSON object"])
    return document
