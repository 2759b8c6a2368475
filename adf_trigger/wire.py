"""The base of all models that cross the boundary, and the type of their instants."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("the time has no time zone")
    return value.astimezone(UTC)


def _iso(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    AfterValidator(_aware),
    PlainSerializer(_iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware instant, kept in UTC, written with a `Z`."""


class Wire(BaseModel):
    """A model that crosses the boundary: camelCase on the wire, snake_case here, unknown fields forbidden."""

    model_config = ConfigDict(
        defer_build=True,  # an instance builds what it needs, when it does: import is a part of every cold start
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
    )
