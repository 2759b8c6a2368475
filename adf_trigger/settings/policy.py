"""The policies that may be set for each pipeline."""

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
"""The name under which a policy holds for every pipeline that has none of its own."""


class UnknownOutcomePolicy(StrEnum):
    """What to do about a createRun whose answer was lost and whose run is not found after the grace period."""

    RECONCILE = "reconcile"
    """Send again where that cannot double the run; look for it otherwise; park it where that cannot be known."""
    RESUBMIT = "resubmit"
    """Send again, always: started at least once, perhaps twice."""
    PARK = "park"
    """Never send again: started at most once, perhaps never; a person decides."""


class Details(StrEnum):
    """Of which runs that have ended the activities are read: one query each, of the calls that all runs share."""

    ALL = "all"
    """Of every run: an activity may fail inside a run that Data Factory calls Succeeded."""
    FAILED = "failed"
    """Of every run but those that Succeeded."""
    FULL = "full"
    """Of every run, and what its activities hold is shown, and told in its event, though it has secure parameters."""


class Observe(StrEnum):
    """Which runs that others start (the Studio, Data Factory's triggers, scripts) are told of at their end, too."""

    NONE = "none"
    """None: Data Factory itself publishes no event."""
    TOP_LEVEL = "topLevel"
    """Those that no activity of another run has started."""
    ALL = "all"
    """Those of Execute Pipeline activities, too."""


MOST_AT_ONCE = 50
"""Runs at once that a policy may allow: who has a place stands in one row, and is read by who waits for one."""

ADMISSION_KEY_PATTERN = (
    r"^(correlationId|parameters\.[^\x00-\x1f\x7f]{1,260}|metadata\.[^\x00-\x1f\x7f]{1,64})$"
)

AdmissionKey = Annotated[str, Field(pattern=ADMISSION_KEY_PATTERN)]
"""Where a request has its key: `parameters.<name>`, `metadata.<label>` or `correlationId`."""


class Overflow(StrEnum):
    """What becomes of a request for which there is no place."""

    HOLD = "hold"
    """It is taken, and started in order of arrival when a place is free."""
    REFUSE = "refuse"
    """It is refused, with the runs that have the places."""
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
"""What `_others_can_be_counted` holds, as JSON Schema says it."""


class AdmissionPolicy(BaseModel):
    """How many runs of a pipeline may go on at the same time.

    Attributes:
        at_once: so many; of each key, where there is one.
        key: `parameters.<name>`, `metadata.<label>` or `correlationId`: whose value tells the groups of requests apart
            that are counted each on its own and started in order; null where all requests of the pipeline are one
            group. Requests that have no such value are one group, too. Values compare as JSON: 1 and "1" are two keys.
            Its parameter must not be a secure one.
        overflow: what becomes of a request for which there is no place.
        count_others: whether runs that others start count, too. The timer lists them, so that every request waits for
            its turn; there is no telling while a caller waits.
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
            raise ValueError("countOthers goes with the overflow hold alone: the timer counts them")
        if self.count_others and self.key is not None and not self.key.startswith("parameters."):
            raise ValueError(
                "countOthers needs a key that runs of others have, too: parameters.<name>, or none"
            )
        return self


class PipelinePolicy(BaseModel):
    """The policy of a pipeline.

    Attributes:
        unknown_outcome: what to do about a createRun whose answer was lost and whose run is not found.
        details: of which runs that have ended the activities are read. What is not read is null, not empty.
        overdue_after_seconds: a run that has not ended so long after it was started is told of, once; null for never.
        cancel_when_overdue: whether it is cancelled then, too.
        observe: which runs that others start are told of at their end, too. It holds for runs that end after the
            service has first seen the policy.
        correlation_parameter: a parameter that the pipeline declares for us: it is set to the requestId, so that
            a run whose id was lost can be found among others.
        admission: how many runs may go on at the same time; null where as many may as Data Factory takes.
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
"""Policies by the names of pipelines, or ANY_PIPELINE."""
