"""What pipelines declare, so that a wrong request is told early and not when its run has failed."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import PipelineResource
from adf_trigger.errors import Fault
from adf_trigger.service.factories import FactoryHandle

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "securestring": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "array": (list,),
    "object": (dict,),
}
SECURE_TYPE = "securestring"


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter that a pipeline declares; types are compared in lower case, as factories write them both ways."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Definition:
    """What a pipeline declares."""

    pipeline: str
    parameters: Mapping[str, Declared]

    @classmethod
    def of(cls, resource: PipelineResource) -> "Definition":
        """What a pipeline resource declares."""
        return cls(
            resource.name,
            {
                name.lower(): Declared(name, parameter.type.lower(), required=not parameter.has_default)
                for name, parameter in resource.parameters.items()
            },
        )

    def secure_among(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """The names, as given, of those parameters that the pipeline declares as SecureString."""
        declared = ((name, self.parameters.get(name.lower())) for name in parameters)
        return tuple(name for name, parameter in declared if parameter and parameter.type == SECURE_TYPE)

    def faults_of(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """All that is wrong with the parameters of a request."""
        given = {name.lower() for name in parameters}
        missing = [
            Fault(_pointer(declared.name), "the pipeline needs this parameter and it has no default")
            for key, declared in self.parameters.items()
            if declared.required and key not in given
        ]
        return missing + [
            fault for name, value in parameters.items() for fault in self._value_faults(name, value)
        ]

    def _value_faults(self, name: str, value: Any) -> list[Fault]:
        declared = self.parameters.get(name.lower())
        if declared is None:
            known = ", ".join(sorted(each.name for each in self.parameters.values())) or "none"
            return [Fault(_pointer(name), f"the pipeline declares no such parameter; it declares: {known}")]
        expected = _JSON_TYPES.get(declared.type)
        if expected is None or value is None:
            return []
        right = isinstance(value, expected) and (bool in expected or not isinstance(value, bool))
        return (
            []
            if right
            else [Fault(_pointer(name), f"must be of type {declared.type}, not {_name_of(value)}")]
        )


def _pointer(name: str) -> str:
    return "/parameters/" + name.replace("~", "~0").replace("/", "~1")


def _name_of(value: Any) -> str:
    names = {str: "string", bool: "bool", int: "int", float: "float", list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)


class Definitions:
    """Remembers what pipelines declare, for a short while.

    Args:
        clock: tells the time.
        remember: how long an answer is used again.
    """

    def __init__(self, clock: Clock, remember: timedelta) -> None:
        self._clock = clock
        self._remember = remember
        self._known: dict[tuple[str, str], tuple[datetime, Definition]] = {}
        self._lock = threading.Lock()

    def get(
        self, factory: FactoryHandle, pipeline: str, *, no_older_than: timedelta | None = None
    ) -> Definition:
        """What a pipeline declares.

        Args:
            factory: where it is.
            pipeline: its name.
            no_older_than: how long an answer may have been remembered this time; None as always.

        Raises:
            ResourceNotFound: there is no such pipeline.
            DataFactoryError, CredentialError: it could not be asked and is not remembered.
        """
        key = (factory.id.lower(), pipeline.lower())
        with self._lock:
            known = self._known.get(key)
        remember = self._remember if no_older_than is None else min(no_older_than, self._remember)
        if known is not None and self._clock() - known[0] < remember:
            return known[1]
        definition = Definition.of(factory.runs.get_pipeline(pipeline))
        with self._lock:
            self._known[key] = (self._clock(), definition)
        return definition

    def remembered(self, factory: FactoryHandle, pipeline: str) -> Definition | None:
        """What was last known of a pipeline, however old: better than nothing in an outage."""
        with self._lock:
            known = self._known.get((factory.id.lower(), pipeline.lower()))
        return known[1] if known else None
