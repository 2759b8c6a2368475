"""What callers ask for about runs beside starting them: the bodies of those calls, and their answers."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue, StrictBool, field_validator

from adf_trigger.contracts import (
    MAX_PIPELINE_NAME,
    ONE_LINE,
    PIPELINE_NAME_PATTERN,
    ActivityName,
    Note,
    Problem,
    QueuedRunRequest,
    RunView,
)
from adf_trigger.plain_text import LINE_PATTERN
from adf_trigger.wire import Instant, Wire

MAX_HOLD_REASON = 300
"""Characters of the reason of a hold, which each request that waits for it repeats."""

MAX_STARTS = 100
"""Starts of one call."""


class CancelRequest(Wire):
    """The body of a request to cancel a run; every field is optional.

    Attributes:
        recursive: whether the runs that it started are to be cancelled, too.
        note: why; it stands in the run's history.
    """

    recursive: StrictBool = True
    note: Note | None = None


class RerunRequest(Wire):
    """The body of a request to rerun a run; every field is optional.

    Attributes:
        mode: the whole run, or from the failed activities on, or from a named one on.
        activity: where to begin; with `fromActivity` alone.
        parameters: none can be given; the field is there to say why.
        note: why; it stands in the history of both runs.
    """

    mode: Literal["whole", "fromFailure", "fromActivity"] = "whole"
    activity: ActivityName | None = None
    parameters: JsonValue = None
    note: Note | None = None

    @field_validator("parameters")
    @classmethod
    def _no_parameters(cls, value: JsonValue) -> JsonValue:
        if value is not None:
            raise ValueError(
                "a rerun takes the parameters of the run that it reruns, and Data Factory would drop these unsaid; to "
                "run with others start a new run"
            )
        return value


class ResolveRequest(Wire):
    """The body of a decision about a run whose fate is unknown, or about a rejected message.

    Attributes:
        as_: `adopt` a run that is a candidate, `resubmit` the request, or `dismiss` the matter.
        run_id: the candidate; with `adopt` alone.
        force: send it again although there are candidates; with `resubmit` alone.
        note: why; it stands in the run's history.
    """

    as_: Literal["adopt", "resubmit", "dismiss"] = Field(alias="as")
    run_id: UUID | None = None
    force: StrictBool = False
    note: Note | None = None


class ReplayRequest(Wire):
    """The body of a request to send a rejected message again; every field is optional.

    Attributes:
        force: send it although it may start a second run: an equal message was taken, or its key names another
            request; or although it waits in the queue already.
        parameters: the values of secure parameters, which are not kept, name to value.
        note: why; it stands in the history of its request, where that has a record.
    """

    force: StrictBool = False
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    note: Note | None = None


_Reason = Annotated[
    str,
    Field(min_length=1, max_length=MAX_HOLD_REASON, json_schema_extra={"pattern": LINE_PATTERN}),
    ONE_LINE,
]

_PipelineName = Annotated[str, Field(pattern=PIPELINE_NAME_PATTERN, max_length=MAX_PIPELINE_NAME)]


class HoldRequest(Wire):
    """The body of a request to hold a factory, a pipeline or a key: requests are taken, and none is started.

    Attributes:
        pipeline: whose requests are held; those of every pipeline, where none is named.
        key: the value of the key that the policy counts requests by; requests of every key, where none is given.
        reason: why; whoever waits is told.
        until: when it is over, at most 30 days ahead; after 24 hours, where that is not said.
    """

    pipeline: _PipelineName | None = None
    key: JsonValue = None
    reason: _Reason
    until: Instant | None = None


class ReleaseRequest(Wire):
    """The body of a request to release what is held under the same pipeline and key; both are optional.

    Attributes:
        pipeline: as it was held; none where the whole factory was.
        key: as it was held.
    """

    pipeline: _PipelineName | None = None
    key: JsonValue = None


class HoldView(Wire):
    """What is held.

    Attributes:
        pipeline: whose requests; null for every pipeline.
        admission_key: the JSON text of their key; null for every key.
        reason: why.
        since: when it began.
        until: when it is over, unless it is released before.
        by: who holds it, where that is known.
    """

    pipeline: str | None = None
    admission_key: str | None = None
    reason: str
    since: Instant
    until: Instant
    by: str | None = None


class HoldList(Wire):
    """What is held of a factory.

    Attributes:
        factory: its alias.
        holds: what is held, the whole factory first.
        warnings: what whoever holds may not have meant: that the factory has no such pipeline.
    """

    factory: str
    holds: list[HoldView]
    warnings: list[str] = Field(default_factory=list)


class StartRunsRequest(Wire):
    """The body of a request to start many runs.

    Attributes:
        runs: the starts, each as the body of a single one with its pipeline and its requestId.
    """

    runs: list[QueuedRunRequest] = Field(min_length=1, max_length=MAX_STARTS)


class StartResult(Wire):
    """What became of one of many starts.

    Attributes:
        status: that a single start would have been answered with.
        run: where it was taken.
        problem: where it was not.
    """

    status: int
    run: RunView | None = None
    problem: Problem | None = None


class StartResults(Wire):
    """What became of many starts, in their order."""

    runs: list[StartResult]
