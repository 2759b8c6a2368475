"""What pipelines declare, so that a wrong request fails early and not as a run."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import PipelineResource
from adf_trigger.errors import Fault, LedgerError, ResourceNotFound
from adf_trigger.ledger.declarations import Declaration, Declarations, Declared
from adf_trigger.limits import shorten
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

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
MAX_KNOWN_NAMES = 800
"""Characters of the list of parameters that there are."""


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

    @classmethod
    def kept(cls, declaration: Declaration) -> "Definition":
        """What was kept of it."""
        return cls(declaration.pipeline, {each.name.lower(): each for each in declaration.parameters})

    def to_keep(self) -> Declaration:
        """What may be kept of it: all but values."""
        return Declaration(self.pipeline, tuple(self.parameters.values()))

    @property
    def secure_names(self) -> tuple[str, ...]:
        """The parameters that it declares as SecureString."""
        return tuple(each.name for each in self.parameters.values() if each.type == SECURE_TYPE)

    def secure_among(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """The names, as given, of those parameters that the pipeline declares as SecureString."""
        declared = ((name, self.parameters.get(name.lower())) for name in parameters)
        return tuple(name for name, parameter in declared if parameter and parameter.type == SECURE_TYPE)

    def faults_of(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """All that is wrong with the parameters of a request."""
        given = {name.lower() for name, value in parameters.items() if value is not None}
        missing = [
            Fault(_pointer(declared.name), "the pipeline needs this parameter and it has no default")
            for key, declared in self.parameters.items()
            if declared.required and key not in given
        ]
        unknown = [name for name in parameters if name.lower() not in self.parameters]
        return (
            missing
            + self._unknown_faults(unknown)
            + [fault for name, value in parameters.items() for fault in self._value_faults(name, value)]
        )

    def _unknown_faults(self, names: Sequence[str]) -> list[Fault]:
        """A fault for each; what the pipeline does declare is said once."""
        known = sorted(each.name for each in self.parameters.values())
        there_are = shorten(", ".join(known), MAX_KNOWN_NAMES) or "none"
        return [
            Fault(
                _pointer(name),
                "the pipeline declares no such parameter" + ("" if number else f"; it declares: {there_are}"),
            )
            for number, name in enumerate(names)
        ]

    def _value_faults(self, name: str, value: object) -> list[Fault]:
        declared = self.parameters.get(name.lower())
        if declared is None:
            return []
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


def _name_of(value: object) -> str:
    names = {str: "string", bool: "bool", int: "int", float: "float", list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)


class Definitions:
    """Remembers what pipelines declare: for a short while to be used again, and for good to fall back on.

    Args:
        clock: gives the present instant.
        remember: how long an answer is used again.
        declarations: where answers outlive this process. Its trouble is logged, and is no request's trouble.
        steps: surrounds each effect.
    """

    def __init__(self, clock: Clock, remember: timedelta, declarations: Declarations, steps: Steps) -> None:
        self._clock = clock
        self._remember = remember
        self._declarations = declarations
        self._steps = steps
        self._known: dict[_Key, tuple[datetime, Definition]] = {}
        self._kept: dict[_Key, Definition] = {}
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
        key = _key(factory, pipeline)
        with self._lock:
            known = self._known.get(key)
        remember = self._remember if no_older_than is None else min(no_older_than, self._remember)
        if known is not None and self._clock() - known[0] < remember:
            return known[1]
        try:
            definition = Definition.of(factory.runs.get_pipeline(pipeline))
        except ResourceNotFound:
            self._forget(factory, pipeline)
            raise
        with self._lock:
            self._known[key] = (self._clock(), definition)
        self._keep(factory, pipeline, definition)
        return definition

    def remembered(self, factory: FactoryHandle, pipeline: str) -> Definition | None:
        """What was last known of a pipeline, by this process or another, however old: better than nothing."""
        with self._lock:
            known = self._known.get(_key(factory, pipeline))
        if known is not None:
            return known[1]
        try:
            declaration = self._declarations.get(factory.id, pipeline)
        except LedgerError as exc:
            _log(
                "What pipeline %s declares could not be read back: %s", "declaration_not_read", pipeline, exc
            )
            return None
        return None if declaration is None else Definition.kept(declaration)

    def _keep(self, factory: FactoryHandle, pipeline: str, definition: Definition) -> None:
        """Write what has been learnt, unless this process knows that it is written."""
        key = _key(factory, pipeline)
        with self._lock:
            if self._kept.get(key) == definition:
                return
            self._kept[key] = definition
        try:
            with self._steps("definitions.keep"):
                self._declarations.put(factory.id, definition.to_keep())
        except LedgerError as exc:
            with self._lock:
                self._kept.pop(key, None)
            _log("What pipeline %s declares could not be kept: %s", "declaration_not_kept", pipeline, exc)

    def _forget(self, factory: FactoryHandle, pipeline: str) -> None:
        key = _key(factory, pipeline)
        with self._lock:
            self._known.pop(key, None)
            self._kept.pop(key, None)
        try:
            with self._steps("definitions.forget"):
                self._declarations.remove(factory.id, pipeline)
        except LedgerError as exc:
            _log(
                "Pipeline %s is gone and could not be forgotten: %s", "declaration_not_removed", pipeline, exc
            )


_Key = tuple[str, str]


def _key(factory: FactoryHandle, pipeline: str) -> _Key:
    return factory.id.lower(), pipeline.lower()


def _log(sentence: str, action: str, pipeline: str, error: LedgerError) -> None:
    logger.warning(
        sentence,
        pipeline,
        error,
        extra={"action": action, "pipeline": pipeline, "error": type(error).__name__},
    )
