"""Answers of the service that it has no model of."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Shape(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True
    )


class Trouble(_Shape):
    """What is wrong, and since when."""

    since: datetime
    what: str


class HeldScope(_Shape):
    """What is held of a factory, and how many requests waited for it when the last tick looked."""

    factory: str
    pipeline: str | None = None
    admission_key: str | None = None
    reason: str
    until: datetime
    by: str | None = None
    waiting: int | None = None


class WaitingLines(_Shape):
    """The requests of a factory that wait in line, at the last tick.

    Attributes:
        factory: its alias.
        waiting: how many wait.
        lines: in how many lines, of a pipeline or of a key of it each.
        longest: how many in the longest of them.
        since: when the first of them was requested.
    """

    factory: str
    waiting: int
    lines: int = 1
    longest: int = 0
    since: datetime | None = None


class Health(_Shape):
    """The health of the app, as it tells it.

    Attributes:
        status: ok, or what it is instead.
        since: since when.
        troubles: what is wrong, in words; only with a key that opens the details.
        warnings: what is odd.
        holds: what operators hold.
        lines: factories in which requests wait until fewer runs go on.
    """

    model_config = ConfigDict(extra="allow")

    status: str
    since: datetime | None = None
    version: str | None = None
    troubles: list[Trouble] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    holds: list[HeldScope] = Field(default_factory=list)
    lines: list[WaitingLines] = Field(default_factory=list)
