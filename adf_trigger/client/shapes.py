"""Answers of the service for which it has no model."""

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
    """A hold of a factory, and the number of requests that waited for it at the last tick."""

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
        waiting: the number of waiting requests.
        lines: the number of lines; each is of a pipeline, or of an admission key of one.
        longest: the number of requests in the longest line.
        since: when the first of these requests was made.
    """

    factory: str
    waiting: int
    lines: int = 1
    longest: int = 0
    since: datetime | None = None


class Health(_Shape):
    """The health of the app, as it reports it.

    Attributes:
        status: `ok`, or the status of an app that is not.
        since: when the status began.
        troubles: what is wrong; only with a key that authorises the details.
        warnings: what deserves attention.
        holds: the holds of operators.
        lines: factories in which requests wait until fewer runs are active.
    """

    model_config = ConfigDict(extra="allow")

    status: str
    since: datetime | None = None
    version: str | None = None
    troubles: list[Trouble] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    holds: list[HeldScope] = Field(default_factory=list)
    lines: list[WaitingLines] = Field(default_factory=list)
