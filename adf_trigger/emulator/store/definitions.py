"""The engine's view of a factory: `properties` of its resources, with secrets in plain text."""

from typing import Any

from adf_trigger.emulator.common.documents import (
    DATASETS,
    GLOBAL_PARAMETERS,
    LINKED_SERVICES,
    PIPELINES,
    Kind,
)
from adf_trigger.emulator.store.factories import Factories
from adf_trigger.emulator.store.resources import Resources


class FactoryDefinitions:
    """Implements the engine's `Definitions` over the store; every call sees what was last published."""

    def __init__(self, factory_id: str, factories: Factories, resources: Resources) -> None:
        self._factory_id = factory_id
        self._factories = factories
        self._resources = resources

    def pipeline(self, name: str) -> dict[str, Any] | None:
        """Properties of a pipeline."""
        return self._properties(PIPELINES, name)

    def dataset(self, name: str) -> dict[str, Any] | None:
        """Properties of a dataset."""
        return self._properties(DATASETS, name)

    def linked_service(self, name: str) -> dict[str, Any] | None:
        """Properties of a linked service."""
        return self._properties(LINKED_SERVICES, name)

    def global_parameters(self) -> dict[str, Any]:
        """Name to value: those in the factory's own properties, then those of the sub-resource."""
        factory = self._factories.get(self._factory_id)
        declared: dict[str, Any] = dict(factory.properties.get("globalParameters") or {}) if factory else {}
        for document in self._resources.page(self._factory_id, GLOBAL_PARAMETERS):
            declared.update(document.properties)
        return {name: parameter.get("value") for name, parameter in declared.items()}

    def _properties(self, kind: Kind, name: str) -> dict[str, Any] | None:
        document = self._resources.get(self._factory_id, kind, name)
        return None if document is None else document.properties
