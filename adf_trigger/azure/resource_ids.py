"""The resource id of a factory, and the service's naming rules."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote
from uuid import UUID

from adf_trigger.errors import Fault, InvalidRequest

_FACTORY_ID = re.compile(
    r"/subscriptions/(?P<subscription_id>[^/]+)"
    r"/resourceGroups/(?P<resource_group>[^/]+)"
    r"/providers/Microsoft\.DataFactory/factories/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)
_FACTORY_ID_FORM = (
    "/subscriptions/{subscription id}/resourceGroups/{resource group}"
    "/providers/Microsoft.DataFactory/factories/{factory}"
)

# From the service's OpenAPI description.
_RESOURCE_GROUP = re.compile(r"[-\w._()]{1,90}")
_FACTORY_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_FACTORY_NAME_LENGTH = range(3, 64)
_ENTITY_NAME = re.compile(r"[A-Za-z0-9_][^<>*#.%&:\\+?/]{0,259}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FactoryId:
    """The resource id of a factory.

    Attributes:
        subscription_id: GUID of the subscription, as text.
        resource_group: name of the resource group.
        name: name of the factory.

    Raises:
        ValueError: a part of it breaks the service's naming rules; the text says which, and how.
    """

    subscription_id: str
    resource_group: str
    name: str

    def __post_init__(self) -> None:
        try:
            UUID(self.subscription_id)
        except ValueError as exc:
            raise ValueError(f"the subscription id {self.subscription_id!r} is not a GUID") from exc
        # A trailing dot violates the documented rules, and ".." would go up in the URL's path.
        if _RESOURCE_GROUP.fullmatch(self.resource_group) is None or self.resource_group.endswith("."):
            raise ValueError(
                f"the resource group {self.resource_group!r} is not a valid name: "
                "1 to 90 letters, digits, '-', '_', '.', '(' and ')', not ending with '.'"
            )
        if len(self.name) not in _FACTORY_NAME_LENGTH or _FACTORY_NAME.fullmatch(self.name) is None:
            raise ValueError(
                f"the factory {self.name!r} is not a valid name: "
                "3 to 63 letters and digits, with single hyphens between them"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a resource id; the fixed words of the path may be in any case.

        Raises:
            ValueError: it is not the resource id of a factory; the text says what is wrong.
        """
        match = _FACTORY_ID.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a factory's resource id, which looks like {_FACTORY_ID_FORM}")
        return cls(**match.groupdict())

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.DataFactory/factories/{self.name}"
        )

    @property
    def key(self) -> str:
        """A key that is equal for every spelling of the same factory: names are case-insensitive in Azure."""
        return f"{self.subscription_id}|{self.resource_group}|{self.name}".lower()

    @property
    def path(self) -> str:
        """The path of its URL, percent-encoded."""
        return quote(str(self))


def entity_segment(kind: str, name: str) -> str:
    """The name of a pipeline, dataset or linked service as one percent-encoded segment of a path.

    Raises:
        InvalidRequest: the service does not accept the name.
    """
    if _ENTITY_NAME.fullmatch(name) is None:
        rule = r"1 to 260 characters, the first a letter, digit or '_', none of < > * # . % & : \ + ? /"
        raise InvalidRequest([Fault(pointer=f"/{kind}", message=f"{name!r} is not a valid name: {rule}")])
    return quote(name, safe="")
