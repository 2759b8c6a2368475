"""The bodies of calls that act on runs, hold factories or start many runs, and the answers to some."""

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
"""Characters of the reason of a hold, which each held request repeats."""

MAX_STARTS = 100
"""Starts in one call."""


class CancelRequest(Wire):
    """The body of a request to cancel a run; every field is optional.

    Attributes:
        recursive: whether to cancel the runs that it started, too.
        note: why; shown in the run's history.
    """

    recursive: StrictBool = True
    note: Note | None = None


class RerunRequest(Wire):
    """The body of a request to rerun a run; every field is optional.

    Attributes:
        mode: the whole run, or from the failed activities on, or from a named one on.
        activity: where to begin; only with `fromActivity`.
        parameters: must not be given; the field exists so that the fault can say why.
        note: why; shown in the history of both runs.
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
                "a rerun takes the parameters of the run that it reruns, and Data Factory would silently drop these; "
                "to run with others start a new run"
            )
        return value


class ResolveRequest(Wire):
    """The body of a decision about a run whose outcome is unknown, or about a rejected message.

    Attributes:
        as_: `adopt` a candidate run, `resubmit` the request, or `dismiss` it.
        run_id: the candidate; only with `adopt`.
        force: send it again although there are candidates; only with `resubmit`.
        note: why; shown in the run's history.
    """

    as_: Literal["adopt", "resubmit", "dismiss"] = Field(alias="as")
    run_id: UUID | None = None
    force: StrictBool = False
    note: Note | None = None


class ReplayRequest(Wire):
    """The body of a request to send a rejected message again; every field is optional.

    Attributes:
        force: send it although it may start a second run (an equal message was accepted, or its key names another
            request), or although it is in the queue already.
        parameters: the values of secure parameters, which are not stored, name to value.
        note: why; shown in the history of its request, if that has a record.
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
    """The body of a request to hold a factory, a pipeline or a key: requests are accepted, but not started.

    Attributes:
        pipeline: the pipeline whose requests are held; every pipeline by default.
        key: the value of the key that the policy counts requests by; every key by default.
        reason: why; shown to callers whose requests are held.
        until: when it ends, at most 30 days ahead; 24 hours ahead by default.
    """

    pipeline: _PipelineName | None = None
    key: JsonValue = None
    reason: _Reason
    until: Instant | None = None


class ReleaseRequest(Wire):
    """The body of a request to release the hold with the same pipeline and key; both are optional.

    Attributes:
        pipeline: the hold's pipeline; none if the whole factory is held.
        key: the hold's key.
    """

    pipeline: _PipelineName | None = None
    key: JsonValue = None


class HoldView(Wire):
    """A hold.

    Attributes:
        pipeline: the pipeline whose requests are held; null for every pipeline.
        admission_key: the JSON text of their key; null for every key.
        reason: why.
        since: when it began.
        until: when it ends, unless it is released before.
        by: who placed it, if known.
    """

    pipeline: str | None = None
    admission_key: str | None = None
    reason: str
    since: Instant
    until: Instant
    by: str | None = None


class HoldList(Wire):
    """The holds of a factory.

    Attributes:
        factory: its alias.
        holds: the holds, that of the whole factory first.
        warnings: likely mistakes of the call: the factory has no such pipeline.
    """

    factory: str
    holds: list[HoldView]
    warnings: list[str] = Field(default_factory=list)


class StartRunsRequest(Wire):
    """The body of a request to start many runs.

    Attributes:
        runs: the starts, each the body of a single start with its pipeline and its requestId.
    """

    runs: list[QueuedRunRequest] = Field(min_length=1, max_length=MAX_STARTS)


class StartResult(Wire):
    """The result of one of many starts.

    Attributes:
        status: the HTTP status that a single start would have got.
        run: the run, if the start was accepted.
        problem: the problem, if it was not.
    """

    status: int
    run: RunView | None = None
    problem: Problem | None = None


class StartResults(Wire):
    """The results of many starts, in their order."""

    runs: list[StartResult]
