"""The policies that may be set for each pipeline."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from adf_trigger.contracts import MAX_OVERDUE_SECONDS

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
    """None: Data Factory itself tells nobody."""
    TOP_LEVEL = "topLevel"
    """Those that no activity of another run has started."""
    ALL = "all"
    """Those of Execute Pipeline activities, too."""


class PipelinePolicy(BaseModel):
    """The policy of a pipeline.

    Attributes:
        unknown_outcome: see UnknownOutcomePolicy.
        details: see Details. What is not read is null, not empty.
        overdue_after_seconds: a run that has not ended so long after it was started is told of, once; None for never.
        cancel_when_overdue: whether it is cancelled then, too.
        observe: see Observe. It holds for runs that end after the service has first seen the policy.
        correlation_parameter: a parameter that the pipeline declares for us: it is set to the requestId, so that
            a run whose id was lost can be found among others.
    """

    model_config = ConfigDict(
        defer_build=True, alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True
    )

    unknown_outcome: UnknownOutcomePolicy = UnknownOutcomePolicy.RECONCILE
    details: Details = Details.ALL
    overdue_after_seconds: int | None = Field(default=None, ge=1, le=MAX_OVERDUE_SECONDS)
    cancel_when_overdue: bool = False
    observe: Observe = Observe.NONE
    correlation_parameter: str | None = Field(default=None, min_length=1, max_length=260)
