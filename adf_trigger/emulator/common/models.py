"""Runs as the emulated service stores them. Plain data: no HTTP, no storage, no engine."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def wire_time(instant: datetime | None) -> str | None:
    """A time as the service writes it: UTC, seven fractional digits, none for a whole second, `Z`.

    The clock here has six digits. The seventh is derived from them, so that one instant is always written alike, and
    is never 0, which the service would drop: a client that reads only six digits fails here as well.
    """
    if instant is None:
        return None
    moment = instant.astimezone(UTC)
    second = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if moment.microsecond == 0:
        return f"{second}Z"
    return f"{second}.{moment.microsecond:06}{moment.microsecond % 9 + 1}Z"


@dataclass(slots=True, kw_only=True)
class Recovery:
    """How a run reruns an earlier one (createRun's four query parameters)."""

    reference_run_id: str
    is_recovery: bool = False
    start_activity_name: str | None = None
    start_from_failure: bool = False


@dataclass(slots=True, kw_only=True)
class PipelineRun:
    """One run of a pipeline.

    Attributes:
        factory_id: resource id of the factory, in the case of its creation.
        parameters: typed values, defaults filled in.
        secure_parameters: names of the parameters of type SecureString, masked in every reply.
        definition: `properties` of the pipeline as it was when the run started.
        invoked_by: `{"id", "name", "invokedByType"[, "pipelineName", "pipelineRunId"]}`.
        trigger_time: value of pipeline().TriggerTime.
        return_value: return values of Set Variable activities, once the run has ended.
    """

    factory_id: str
    run_id: str
    run_group_id: str
    pipeline_name: str
    definition: dict[str, Any]
    trigger_time: datetime
    last_updated: datetime
    parameters: dict[str, Any] = field(default_factory=dict)
    secure_parameters: frozenset[str] = frozenset()
    invoked_by: dict[str, Any] = field(default_factory=dict)
    recovery: Recovery | None = None
    status: str = "Queued"
    message: str | None = None
    run_start: datetime | None = None
    run_end: datetime | None = None
    is_latest: bool = True
    annotations: list[Any] = field(default_factory=list)
    run_dimension: dict[str, str] = field(default_factory=dict)
    return_value: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class ActivityRun:
    """One attempt of one activity within a run (each retry is a row of its own).

    Attributes:
        error: `{"errorCode", "message", "failureType", "target", "details"}`; empty strings on success.
        extra: wire fields that only some activities have (integrationRuntimeNames, executionDetails, …).
    """

    factory_id: str
    run_id: str
    pipeline_name: str
    activity_run_id: str
    activity_name: str
    activity_type: str
    start: datetime
    status: str = "InProgress"
    end: datetime | None = None
    retry_attempt: int | None = None
    iteration_hash: str = ""
    input: Any = field(default_factory=dict)
    output: Any = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)
    user_properties: dict[str, Any] = field(default_factory=dict)
    linked_service_name: str = ""
    recovery_status: str = "None"
    extra: dict[str, Any] = field(default_factory=dict)


TERMINAL_RUN_STATUSES = frozenset({"Succeeded", "Failed", "Cancelled"})
