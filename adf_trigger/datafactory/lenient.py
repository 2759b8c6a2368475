"""Field types that take what the service may send and never fail a whole reply for one odd value."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)


def text(value: object) -> str:
    """A text; "" for anything else."""
    return value if isinstance(value, str) else ""


def json_object(value: object) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


_STATUS_SPELLINGS = {"Canceled": "Cancelled", "In Progress": "InProgress"}


def _status(value: object) -> str:
    """Two of the service's documents spell a status otherwise than its replies do."""
    word = text(value)
    return _STATUS_SPELLINGS.get(word, word)


def _none_if_unreadable(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except ValidationError:
        return None


def _in_utc(value: datetime | None) -> datetime | None:
    """The service writes UTC, with a `Z` or without."""
    if value is None:
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None


Text = Annotated[str, BeforeValidator(text)]
"""A text; "" where the service sends none."""

Status = Annotated[str, BeforeValidator(_status)]
"""The status of a run, any word."""

JsonObject = Annotated[dict[str, Any], BeforeValidator(json_object)]
"""A JSON object; empty where the service sends none."""

OptionalText = Annotated[str | None, WrapValidator(_none_if_unreadable)]
OptionalInt = Annotated[int | None, WrapValidator(_none_if_unreadable)]
OptionalBool = Annotated[bool | None, WrapValidator(_none_if_unreadable)]
OptionalInstant = Annotated[datetime | None, AfterValidator(_in_utc), WrapValidator(_none_if_unreadable)]
"""An aware instant in UTC."""
