"""The parameters that a pipeline declares, as Data Factory reports them, and the check of requests against them.

Data Factory compares names without regard to case; the declaration has the canonical spelling.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from adf_trigger.errors import Fault
from adf_trigger.messages.limits import shorten
from adf_trigger.messages.wording import pointer_to

MAX_KNOWN_NAMES = 800
"""Maximum characters of the list of declared parameters."""

_SECURE = "securestring"
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    _SECURE: (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "array": (list,),
    "object": (dict,),
}

T = TypeVar("T")


def is_secure(declared_type: str) -> bool:
    """Whether values of a declared type are secret."""
    return declared_type.lower() == _SECURE


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter that a pipeline declares. Its default value is left out, since it may be a secret.

    Attributes:
        name: as the pipeline spells it.
        type: in lower case, since factories use either case.
        required: whether it has no default value.
    """

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Declaration:
    """The parameters of a pipeline."""

    pipeline: str
    parameters: tuple[Declared, ...]

    @property
    def secure_names(self) -> tuple[str, ...]:
        """The parameters that it declares as SecureString."""
        return tuple(each.name for each in self.parameters if each.type == _SECURE)

    def secure_among(self, parameters: Iterable[str]) -> tuple[str, ...]:
        """The names, as given, of those parameters that the pipeline declares as SecureString."""
        secure = {name.lower() for name in self.secure_names}
        return tuple(name for name in parameters if name.lower() in secure)

    def spelled(self, parameters: Mapping[str, T]) -> dict[str, T]:
        """Parameters with names in the pipeline's spelling."""
        return respelled(parameters, (each.name for each in self.parameters))

    def faults_of(self, parameters: Mapping[str, object]) -> list[Fault]:
        """All faults of a request's parameters."""
        declared = {each.name.lower(): each for each in self.parameters}
        given = {name.lower() for name, value in parameters.items() if value is not None}
        missing = [
            Fault(_pointer(each.name), "the pipeline needs this parameter and it has no default")
            for each in self.parameters
            if each.required and each.name.lower() not in given
        ]
        unknown = [name for name in parameters if name.lower() not in declared]
        values = [
            fault
            for name, value in parameters.items()
            if name.lower() in declared
            for fault in _value_faults(declared[name.lower()], name, value)
        ]
        return [*missing, *self._unknown_faults(unknown), *values]

    def _unknown_faults(self, names: Sequence[str]) -> list[Fault]:
        """A fault for each; the first one lists the declared parameters."""
        known = sorted(each.name for each in self.parameters)
        there_are = shorten(", ".join(known), MAX_KNOWN_NAMES) or "none"
        return [
            Fault(
                _pointer(name),
                "the pipeline declares no such parameter" + ("" if number else f"; it declares: {there_are}"),
            )
            for number, name in enumerate(names)
        ]


def respelled(parameters: Mapping[str, T], names: Iterable[str]) -> dict[str, T]:
    """Parameters with names in the given spelling, compared without regard to case; others unchanged."""
    spelling = {name.lower(): name for name in names}
    return {spelling.get(name.lower(), name): value for name, value in parameters.items()}


def _value_faults(declared: Declared, name: str, value: object) -> list[Fault]:
    expected = _JSON_TYPES.get(declared.type)
    if expected is None or value is None:
        return []
    right = isinstance(value, expected) and (bool in expected or not isinstance(value, bool))
    return [] if right else [Fault(_pointer(name), f"must be of type {declared.type}, not {_name_of(value)}")]


def _pointer(name: str) -> str:
    return pointer_to(("parameters", name))


def _name_of(value: object) -> str:
    names: dict[type, str] = {
        str: "string",
        bool: "bool",
        int: "int",
        float: "float",
        list: "array",
        dict: "object",
    }
    return names.get(type(value), type(value).__name__)
