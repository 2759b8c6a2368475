"""The settings of factories: which are configured, under which alias, and which of them have moved."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.settings.documents import json_object

DEFAULT_ALIAS = "default"

Alias = Annotated[str, Field(min_length=1, max_length=64)]
"""The name by which requests refer to a factory."""


def _by_alias(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text.startswith("{"):
        return {DEFAULT_ALIAS: text}
    return json_object(text)


def _parsed(value: object) -> object:
    if isinstance(value, str):
        return FactoryId.parse(value)
    if isinstance(value, FactoryId):
        return value
    raise ValueError("must be text, a factory's resource id")


def require_distinct(keys: Mapping[str, str], why: str) -> None:
    """Raise ValueError if two names have the same key, naming both and the reason `why`."""
    first: dict[str, str] = {}
    twins = [
        f"{first[key]} and {name} {why}" for name, key in keys.items() if first.setdefault(key, name) != name
    ]
    if twins:
        raise ValueError("; ".join(twins))


def _one_alias_each(value: dict[str, FactoryId]) -> dict[str, FactoryId]:
    require_distinct({alias: factory.key for alias, factory in value.items()}, "are the same factory")
    return value


def _one_new_address_each(value: dict[FactoryId, str]) -> dict[FactoryId, str]:
    require_distinct({str(factory): factory.key for factory in value}, "are the same factory")
    return value


_Id = Annotated[FactoryId, BeforeValidator(_parsed)]
FactoriesByAlias = Annotated[
    dict[Alias, _Id], BeforeValidator(_by_alias), AfterValidator(_one_alias_each), Field(min_length=1)
]
"""Alias → factory; one resource id alone has the alias `default`."""
MovedFactories = Annotated[
    dict[_Id, Alias], BeforeValidator(json_object), AfterValidator(_one_new_address_each)
]
"""Former resource id → alias of the factory that has moved."""


def faults_between(factories: Mapping[str, FactoryId], moved: Mapping[FactoryId, str]) -> list[str]:
    """The contradictions between configured factories and moved ones, in sentences."""
    name = "ADF_TRIGGER_MOVED_FACTORIES"
    here = {factory.key: alias for alias, factory in factories.items()}
    faults = [
        f"{name}: ADF_TRIGGER_FACTORIES has no alias {alias}"
        for alias in sorted(set(moved.values()) - set(factories))
    ]
    faults += [
        f"{name}: a factory listed as moved to {alias} is in ADF_TRIGGER_FACTORIES as {here[former.key]}"
        for former, alias in moved.items()
        if here.get(former.key, alias) != alias
    ]
    return faults
