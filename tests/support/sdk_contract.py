"""The service's contract as its official SDK declares it: the return type of an operation, and whether a reply matches.

The SDK reads replies leniently: missing fields are None, unknown and unreadable ones are kept unchanged. Here a reply
is compared with its declarations strictly, at every depth.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from types import GenericAlias, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from azure.core.paging import ItemPaged
from azure.mgmt.datafactory import models
from azure.mgmt.datafactory._utils.model_base import Model

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|[+-]\d\d:\d\d)")
_SCALARS: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}
_IMPORTED_FOR_TYPE_CHECKERS = {"_models": models}


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a model.

    Attributes:
        declared: its type, as annotated.
        decides: whether its value selects the object's subclass of the model.
    """

    declared: Any
    decides: bool = False


@cache
def properties_of(model: type[Model]) -> dict[str, Property]:
    """The properties of a model, by wire name."""
    instance = model.__new__(model)  # the SDK gathers a model's fields when the first one is made
    hints = get_type_hints(model, localns=_IMPORTED_FOR_TYPE_CHECKERS)
    return {
        rest_field._rest_name: Property(hints[name], rest_field._is_discriminator)
        for name, rest_field in instance._attr_to_rest_field.items()
    }


def method_of(client: Any, spec_id: str) -> Callable[..., Any]:
    """The SDK's method for an operationId (`Triggers_QueryByFactory`); of a long-running one, its `begin_`."""
    group, _, verb = spec_id.partition("_")
    operations, name = getattr(client, _snake_case(group)), _snake_case(verb)
    method: Callable[..., Any] = getattr(operations, name, None) or getattr(operations, f"begin_{name}")
    return method


@dataclass(frozen=True, slots=True)
class Contract:
    """What the SDK declares, and additional facts about the service's replies.

    Attributes:
        beyond: properties that the SDK does not know: model, then wire name, then type.
        always: properties that are always present, possibly null, though optional in the SDK: model, then wire names.
    """

    beyond: Mapping[type[Model], Mapping[str, Any]] = field(default_factory=dict)
    always: Mapping[type[Model], Collection[str]] = field(default_factory=dict)

    def faults_of_reply(self, method: Callable[..., Any], status: int, content: Any) -> list[str]:
        """How a successful reply differs from the return type of the SDK's method.

        Args:
            method: says that it returns a model, Optional[model], ItemPaged[model], LROPoller[None] or None.
            status: HTTP status.
            content: decoded JSON; None if there was no body.
        """
        returned = get_type_hints(method, localns=_IMPORTED_FOR_TYPE_CHECKERS)["return"]
        declared = next(iter(get_args(returned)), returned)
        if status != 200 or declared is NoneType:  # 204 and 304 have no body
            return [] if content is None else [f"a body where none is declared: {content}"]
        if get_origin(returned) is ItemPaged:
            # The SDK takes a page apart by hand, without a model.
            page = {"value": Property(GenericAlias(list, declared)), "nextLink": Property(str | None)}
            return list(self._object(content, page, "page"))
        return list(self.faults(content, declared, declared.__name__))

    def faults(self, value: Any, declared: Any, at: str) -> Iterator[str]:
        """How a value differs from a declared type.

        Null counts as absent: it fits an optional property, and a map, whose declaration does not say whether it may.
        Enums are extensible in the SDK; here a value must be one that it knows.

        Args:
            value: decoded JSON.
            declared: an annotation of the SDK: a model, a scalar, datetime, a list, a dict, an enum or str, ….
            at: the path of the value.
        """
        choices = get_args(declared) if get_origin(declared) in {Union, UnionType} else (declared,)
        if Any in choices or (value is None and NoneType in choices):
            return
        enum = next(
            (choice for choice in choices if isinstance(choice, type) and issubclass(choice, Enum)), None
        )
        declared = enum or next(choice for choice in choices if choice is not NoneType)
        if get_origin(declared) is list and isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.faults(item, get_args(declared)[0], f"{at}[{number}]")
        elif get_origin(declared) is dict and isinstance(value, dict):
            for name, item in value.items():
                yield from self.faults(item, get_args(declared)[1] | None, f"{at}.{name}")
        elif isinstance(declared, type) and issubclass(declared, Model) and isinstance(value, dict):
            yield from self._model(value, declared, at)
        elif not _is_plain(value, declared):
            yield f"{at}: {value!r} is not {declared}"

    def _model(self, value: dict[str, Any], model: type[Model], at: str) -> Iterator[str]:
        known = properties_of(model)
        decides = next((name for name, known_property in known.items() if known_property.decides), None)
        if decides is not None and "__mapping__" in vars(model):
            found = _subclass(model, value.get(decides))
            if found is None:
                yield f"{at}: {value.get(decides)!r} is no {decides} of {model.__name__}"
                return
            model, known = found, properties_of(found)
        more = {
            name: Property(declared)
            for owner, names in self.beyond.items()
            if issubclass(model, owner)
            for name, declared in names.items()
        }
        always = {name for owner, names in self.always.items() if issubclass(model, owner) for name in names}
        yield from (f"{at}.{name} is left out" for name in sorted(always - value.keys()))
        yield from self._object(value, known | more, at)

    def _object(self, value: Any, known: Mapping[str, Property], at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: {value!r} is no object"
            return
        yield from (f"{at}.{name} is not known" for name in value if name not in known)
        for name, known_property in known.items():
            if known_property.declared is Any and value.get(name) is None:
                yield f"{at}.{name} is missing"
            yield from self.faults(value.get(name), known_property.declared, f"{at}.{name}")


def _subclass(model: type[Model], kind: Any) -> type[Model] | None:
    """The subclass of a discriminator's value, at any depth: the SDK itself looks only one level down."""
    mapping: dict[Any, type[Model]] = vars(model).get("__mapping__", {})
    deeper = (_subclass(subclass, kind) for subclass in mapping.values())
    return mapping.get(kind) or next((found for found in deeper if found is not None), None)


def _is_plain(value: Any, declared: Any) -> bool:
    """Whether a value is of a type that has no parts."""
    if declared is datetime:
        return isinstance(value, str) and _is_time(value)
    if get_origin(declared) is Literal:
        return value in get_args(declared)
    if isinstance(declared, type) and issubclass(declared, Enum):
        return value in [member.value for member in declared]
    return type(value) in _SCALARS.get(declared, ())


def _is_time(text: str) -> bool:
    if not _RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
