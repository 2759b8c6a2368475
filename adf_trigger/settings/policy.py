"""The policies of pipelines."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    model_validator,
)
from pydantic.alias_generators import to_camel

from adf_trigger.contracts import MAX_OVERDUE_SECONDS
from adf_trigger.settings.documents import TAKES_WHOLE_FLOATS, named_document

ANY_PIPELINE = "*"
"""The name of the policy of every pipeline that has none of its own."""


class UnknownOutcomePolicy(StrEnum):
    """What to do about a createRun whose answer was lost and whose run is not found after the grace period."""

    RECONCILE = "reconcile"
    """Send again if that cannot double the run; else look for it; park it if that cannot be determined."""
    RESUBMIT = "resubmit"
    """Send again, always: started at least once, perhaps twice."""
    PARK = "park"
    """Never send again: started at most once, perhaps never; a person decides."""


class Details(StrEnum):
    """The ended runs whose activities are read: one query each, out of the calls that all runs share."""

    ALL = "all"
    """Every run: an activity may fail inside a run that Data Factory reports as Succeeded."""
    FAILED = "failed"
    """Every run except those that Succeeded."""
    FULL = "full"
    """Every run; details of its activities are shown and published even if the pipeline has secure parameters."""


class Observe(StrEnum):
    """The runs started by others (the Studio, Data Factory's triggers, scripts) whose end is published, too."""

    NONE = "none"
    """None: Data Factory itself publishes no event."""
    TOP_LEVEL = "topLevel"
    """Runs that no activity of another run has started."""
    ALL = "all"
    """Also runs of Execute Pipeline activities."""


MOST_AT_ONCE = 50
"""Maximum concurrent runs of a policy: the holders of places are in one row, which every waiting request reads."""

ADMISSION_KEY_PATTERN = (
    r"^(correlationId|parameters\.[^\x00-\x1f\x7f]{1,260}|metadata\.[^\x00-\x1f\x7f]{1,64})$"
)

AdmissionKey = Annotated[str, Field(pattern=ADMISSION_KEY_PATTERN)]
"""The source of a request's key: `parameters.<name>`, `metadata.<label>` or `correlationId`."""


class Overflow(StrEnum):
    """The treatment of a request for which no place is free."""

    HOLD = "hold"
    """It is accepted, and started in order of arrival when a place is free."""
    REFUSE = "refuse"
    """It is refused, with the runs that occupy the places."""
    JOIN = "join"
    """It joins a run that is under way for the same pipeline and parameters, and ends with it; others are held."""


_COUNTS_OTHERS: dict[str, JsonValue] = {
    "if": {"properties": {"countOthers": {"const": True}}, "required": ["countOthers"]},
    "then": {
        "properties": {
            "overflow": {"const": "hold"},
            "key": {"anyOf": [{"pattern": r"^parameters\."}, {"type": "null"}]},
        }
    },
}
"""The rule of `_others_can_be_counted` as JSON Schema."""


class AdmissionPolicy(BaseModel):
    """How many runs of a pipeline may be active at the same time.

    Attributes:
        at_once: the limit; with a key, the limit of each key.
        key: `parameters.<name>`, `metadata.<label>` or `correlationId`: requests of equal values form a group, which is
            counted on its own and started in order; null makes all requests of the pipeline one group. Requests
            without such a value form one group, too. Values compare as JSON: 1 and "1" are two keys. The parameter
            must not be a secure one.
        overflow: the treatment of a request for which no place is free.
        count_others: whether runs started by others count, too. Only the timer can list them, so every request waits
            for a tick before it is started.
    """

    model_config = ConfigDict(
        defer_build=True,
        alias_generator=to_camel,
        validate_by_name=True,
        extra="forbid",
        frozen=True,
        json_schema_extra=_COUNTS_OTHERS,
    )

    at_once: Annotated[int, Field(strict=True, ge=1, le=MOST_AT_ONCE), TAKES_WHOLE_FLOATS]
    key: AdmissionKey | None = None
    overflow: Overflow = Overflow.HOLD
    count_others: StrictBool = False

    @model_validator(mode="after")
    def _others_can_be_counted(self) -> Self:
        if self.count_others and self.overflow is not Overflow.HOLD:
            raise ValueError("countOthers needs the overflow hold: only the timer counts them")
        if self.count_others and self.key is not None and not self.key.startswith("parameters."):
            raise ValueError(
                "countOthers needs a key that runs started by others have, too: parameters.<name>, or none"
            )
        return self


class PipelinePolicy(BaseModel):
    """The policy of a pipeline.

    Attributes:
        unknown_outcome: what to do about a createRun whose answer was lost and whose run is not found.
        details: the ended runs whose activities are read. Fields that are not read are null, not empty.
        overdue_after_seconds: an event is published, once, for a run that has not ended this long after it was started;
            null for never.
        cancel_when_overdue: whether it is cancelled then, too.
        observe: the runs started by others whose end is published, too. It applies to runs that end after the service
            has first seen the policy.
        correlation_parameter: a parameter that the pipeline declares for this service: it is set to the requestId, so
            that a run whose id was lost can be found among others.
        admission: how many runs may be active at the same time; null leaves that to Data Factory.
    """

    model_config = ConfigDict(
        defer_build=True, alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True
    )

    unknown_outcome: UnknownOutcomePolicy = UnknownOutcomePolicy.RECONCILE
    details: Details = Details.ALL
    overdue_after_seconds: (
        Annotated[int, Field(strict=True, ge=1, le=MAX_OVERDUE_SECONDS), TAKES_WHOLE_FLOATS] | None
    ) = None
    cancel_when_overdue: StrictBool = False
    observe: Observe = Observe.NONE
    correlation_parameter: str | None = Field(default=None, min_length=1, max_length=260)
    admission: AdmissionPolicy | None = None


PoliciesByName = Annotated[dict[str, PipelinePolicy], BeforeValidator(named_document)]
"""Policies by pipeline name, or ANY_PIPELINE."""
