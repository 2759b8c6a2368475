"""Reads an existing factory: the JSON files of its Git repository, or its exported ARM template."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adf_trigger.emulator.common.documents import (
    CREDENTIALS,
    DATA_FLOWS,
    DATASETS,
    GLOBAL_PARAMETERS,
    INTEGRATION_RUNTIMES,
    LINKED_SERVICES,
    PIPELINES,
    TRIGGERS,
    Kind,
)
from adf_trigger.emulator.importing.arm_template import ArmTemplate, TemplateError, parameter_values

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


class ImportFailed(Exception):
    """The folder cannot be loaded; `faults` lists every reason, one for each document."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(slots=True)
class Found:
    """A document to import; its properties are resolved when it is loaded."""

    kind: Kind
    name: str
    properties: dict[str, Any]
    template: ArmTemplate | None = None


@dataclass(slots=True)
class Contents:
    """The contents of a folder.

    Attributes:
        skipped: resources of a template that are not emulated, as `type name`.
        parameters: names that the template declares; none for a repository.
    """

    documents: list[Found] = field(default_factory=list)
    factory_properties: dict[str, Any] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    parameters: frozenset[str] = frozenset()


def read_contents(folder: Path, factory: str, parameters: Mapping[str, Any]) -> Contents:
    """Read a folder, or the file of a template.

    Args:
        folder: see `import_folder`.
        factory: its name, for a template that has it as a parameter.
        parameters: of the template.

    Raises:
        ImportFailed: it does not exist, has no factory, or has files that cannot be read; all of them are named.
    """
    if not folder.exists():
        raise ImportFailed([f"{folder} does not exist"])
    contents = _template(folder, {"factoryName": factory, **parameters}) or _repository(folder)
    if not contents.documents and not contents.factory_properties:
        raise ImportFailed(
            [f"{folder} contains no factory: neither an ARM template of one nor folders such as pipeline/"]
        )
    return contents


def _repository(folder: Path) -> Contents:
    """The JSON files of a factory's Git repository."""
    contents = Contents()
    faults: list[str] = []
    for path, document in _documents(sorted(folder.glob("factory/*.json")), faults):
        given = _properties(path, document, faults).get("globalParameters")
        if given:
            contents.factory_properties["globalParameters"] = given
    for name, kind in _FOLDERS.items():
        for path, document in _documents(sorted((folder / name).glob("*.json")), faults):
            properties = _properties(path, document, faults)
            contents.documents.append(Found(kind, str(document.get("name", path.stem)), properties))
    if faults:
        raise ImportFailed(faults)
    return contents


def _documents(paths: list[Path], faults: list[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in paths:
        try:
            yield path, _read(path)
        except ImportFailed as failure:
            faults += failure.faults


def _properties(path: Path, document: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    properties = document.get("properties") or {}
    if isinstance(properties, dict):
        return properties
    faults.append(f"{path}: its properties are not a JSON object")
    return {}


def _template(folder: Path, parameters: Mapping[str, Any]) -> Contents | None:
    """The resources of an exported template; None if there is none."""
    candidates = [folder, *(folder / name for name in _TEMPLATES)]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        return None
    files = (path.parent / name for name in _PARAMETERS if (path.parent / name).is_file())
    values = {name: value for file in files for name, value in parameter_values(_read(file)).items()}
    template = ArmTemplate(_read(path), {**values, **parameters})
    contents = Contents(parameters=frozenset(template.document.get("parameters", {})))
    try:
        for resource in template.resources():
            kind = _TYPES.get(resource.type.lower())
            if kind is not None:
                contents.documents.append(Found(kind, resource.name, resource.properties, template))
            elif resource.type.lower() == _FACTORY_TYPE:
                contents.factory_properties |= _global_parameters(template.resolve(resource.properties))
            else:
                contents.skipped.append(f"{resource.type} {resource.name}")
    except TemplateError as exc:
        raise ImportFailed([f"{path.name}: {exc}"]) from exc
    return contents


def _global_parameters(properties: dict[str, Any]) -> dict[str, Any]:
    given = properties.get("globalParameters")
    return {"globalParameters": given} if given else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise ImportFailed([f"{path}: cannot be read: {exc.strerror}"]) from exc
    except RecursionError as exc:
        raise ImportFailed([f"{path}: not usable JSON: it is nested too deeply"]) from exc
    except ValueError as exc:
        raise ImportFailed([f"{path}: not JSON: {exc}"]) from exc
    if not isinstance(document, dict):
        raise ImportFailed([f"{path}: not a JSON object"])
    return document
