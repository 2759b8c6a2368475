"""Models of Data Factory's replies, read leniently, and of its queries.

The service adds fields and values without notice, so: unknown fields are kept, a status is any text, and an
informative field is None if its value cannot be parsed. Only a run's id is required.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import AliasChoices, AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr
from pydantic.alias_generators import to_camel

from adf_trigger.datafactory.lenient import (
    JsonObject,
    OptionalBool,
    OptionalDuration,
    OptionalInstant,
    OptionalText,
    Status,
    Text,
    json_object,
    text,
)
from adf_trigger.messages.declaration import Declaration, Declared
from adf_trigger.wire import Instant

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyHeaders:
    """Data of a reply's headers.

    Attributes:
        request_id: `x-ms-request-id`, which Azure support asks for.
        correlation_id: `x-ms-correlation-request-id`.
        routing_request_id: `x-ms-routing-request-id`: region, time and correlation id.
        client_request_id: the `x-ms-client-request-id` that the call carried.
        remaining_reads: `x-ms-ratelimit-remaining-subscription-reads`, from 0 to MOST_REMAINING.
        remaining_writes: `x-ms-ratelimit-remaining-subscription-writes`, likewise.
        date: `Date`, when the service began its reply.
        location: `Location`, where the object is or will be.
    """

    request_id: str | None = None
    correlation_id: str | None = None
    routing_request_id: str | None = None
    client_request_id: str | None = None
    remaining_reads: int | None = None
    remaining_writes: int | None = None
    date: str | None = None
    location: str | None = None


_NO_HEADERS = ReplyHeaders()


class ServiceObject(BaseModel):
    """An object of a reply. Wire names are camelCase; unknown fields are in `model_extra`."""

    model_config = ConfigDict(
        defer_build=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="allow",
        frozen=True,
    )

    _reply: ReplyHeaders = PrivateAttr(default_factory=lambda: _NO_HEADERS)

    @property
    def reply(self) -> ReplyHeaders:
        """The headers of the object's reply, with the service's request and correlation ids."""
        return self._reply

    def with_reply(self, reply: ReplyHeaders) -> Self:
        """A copy with the headers of its reply."""
        copy = self.model_copy()
        copy._reply = reply  # noqa: SLF001  # of its own class
        return copy


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedRun:
    """The reply of createRun.

    Attributes:
        run_id: the run that was started. Recorded calls show the GUID of x-ms-client-request-id here.
        client_request_id: the GUID that the call carried.
        remaining_writes: `x-ms-ratelimit-remaining-subscription-writes`.
    """

    run_id: UUID
    client_request_id: UUID
    request_id: str | None = None
    correlation_id: str | None = None
    remaining_writes: int | None = None


class InvokedBy(ServiceObject):
    """Who or what started a run."""

    id: OptionalText = None
    name: OptionalText = None
    invoked_by_type: OptionalText = None
    pipeline_name: OptionalText = None
    pipeline_run_id: OptionalText = None


def _invoked_by(value: object) -> object:
    return value if isinstance(value, (dict, InvokedBy)) else None


class PipelineRun(ServiceObject):
    """A run of a pipeline.

    Attributes:
        status: as the service reports it; an unknown one means that the run has not ended.
        message: None while queued, "" afterwards, the reason of a failure.
        parameters: values as the service returns them: text, with arrays and objects as JSON text.
        run_end: may stay None on a cancelled run.
        is_latest: whether this is the last of a group of reruns.
    """

    run_id: UUID
    id: OptionalText = None
    run_group_id: OptionalText = None
    is_latest: OptionalBool = None
    pipeline_name: Text = ""
    parameters: JsonObject = Field(default_factory=dict)
    run_dimension: JsonObject = Field(
        default_factory=dict, validation_alias=AliasChoices("runDimension", "runDimensions", "run_dimension")
    )
    invoked_by: Annotated[InvokedBy | None, BeforeValidator(_invoked_by)] = None
    last_updated: OptionalInstant = None
    run_start: OptionalInstant = None
    run_end: OptionalInstant = None
    duration_in_ms: OptionalDuration = None
    status: Status = ""
    message: OptionalText = None


class RunGlance(BaseModel):
    """The fields that decide whether a listed run is decoded at all: most runs of a list are of no interest.

    Attributes:
        invoked_by_type: `invokedBy.invokedByType`; "" if the service does not say.
    """

    model_config = ConfigDict(
        defer_build=True, alias_generator=to_camel, validate_by_name=True, extra="ignore", frozen=True
    )

    run_id: UUID
    pipeline_name: Text = ""
    invoked_by_type: Annotated[
        Text, Field(validation_alias=AliasChoices(AliasPath("invokedBy", "invokedByType"), "invoked_by_type"))
    ] = ""
    last_updated: OptionalInstant = None
    status: Status = ""


class ActivityRunError(ServiceObject):
    """Why an activity failed. The service sends it on success too, with empty texts."""

    error_code: Text = ""
    message: Text = ""
    failure_type: Text = ""
    target: Text = ""
    details: Any = None


def _activity_run_error(value: object) -> object:
    return value if isinstance(value, (dict, ActivityRunError)) else {}


class ActivityRun(ServiceObject):
    """A run of an activity; each retry and each iteration of a loop is one of its own."""

    activity_name: Text = ""
    activity_type: Text = ""
    activity_run_id: Text = ""
    pipeline_name: Text = ""
    pipeline_run_id: OptionalText = None
    activity_run_start: OptionalInstant = None
    activity_run_end: OptionalInstant = None
    duration_in_ms: OptionalDuration = None
    status: Status = ""
    error: Annotated[ActivityRunError, BeforeValidator(_activity_run_error)] = Field(
        default_factory=ActivityRunError
    )
    input: Any = None
    output: Any = None
    retry_attempt: OptionalDuration = None
    iteration_hash: OptionalText = None
    user_properties: JsonObject = Field(default_factory=dict)
    linked_service_name: OptionalText = None


class Resource(ServiceObject):
    """A factory or something defined in one.

    Attributes:
        properties: its definition.
        etag: identifies this version of it; valid for If-Match and If-None-Match.
    """

    id: OptionalText = None
    name: Text = ""
    type: OptionalText = None
    etag: OptionalText = Field(default=None, validation_alias=AliasChoices("etag", "eTag"))
    properties: JsonObject = Field(default_factory=dict)


class Factory(Resource):
    """A factory."""

    location: OptionalText = None
    tags: JsonObject = Field(default_factory=dict)
    identity: JsonObject = Field(default_factory=dict)

    @property
    def provisioning_state(self) -> str:
        """`Succeeded` once it can be used; "" if the service does not say."""
        return text(self.properties.get("provisioningState"))


class LinkedService(Resource):
    """A linked service; the service masks its secrets."""


class Dataset(Resource):
    """A dataset."""


class PipelineResource(Resource):
    """The published definition of a pipeline."""

    @property
    def declaration(self) -> Declaration:
        """The parameters it declares, without their default values, which may be secrets."""
        parameters = json_object(self.properties.get("parameters")).items()
        return Declaration(self.name, tuple(_declared(name, json_object(each)) for name, each in parameters))

    @property
    def activity_names(self) -> tuple[str, ...]:
        """The names of its activities, including nested ones."""
        return tuple(_activity_names(self.properties.get("activities")))


def _activity_names(activities: object) -> Iterator[str]:
    """The names of the activities in a list, at any depth of conditions, loops and cases."""
    waiting = [activities]
    while waiting:
        within = waiting.pop()
        for activity in within if isinstance(within, list) else ():
            name = json_object(activity).get("name")
            if isinstance(name, str):
                yield name
            properties = json_object(json_object(activity).get("typeProperties"))
            waiting += [value for key, value in properties.items() if key.lower().endswith("activities")]
            waiting += [json_object(case).get("activities") for case in _cases(properties)]


def _cases(properties: Mapping[str, object]) -> Sequence[object]:
    cases = properties.get("cases")
    return cases if isinstance(cases, list) else ()


def _declared(name: str, declaration: Mapping[str, object]) -> Declared:
    return Declared(name, text(declaration.get("type")).lower(), required="defaultValue" not in declaration)


class DataFactoryV1(ServiceObject):
    """A factory of the first version of the service (`datafactories`, api-version 2015-10-01).

    Attributes:
        properties: dataFactoryId, hCatalogDescription, provisioningState, error, errorMessage.
    """

    id: OptionalText = None
    name: Text = ""
    type: OptionalText = None
    location: OptionalText = None
    tags: JsonObject = Field(default_factory=dict)
    properties: JsonObject = Field(default_factory=dict)


class _Query(BaseModel):
    model_config = ConfigDict(
        defer_build=True,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
    )


class FieldFilter(_Query):
    """One condition of a query.

    Attributes:
        operand: for pipeline runs PipelineName, RunStart, RunEnd, Status, RunGroupId, LatestOnly; for activity
            runs ActivityName, ActivityRunStart, ActivityRunEnd, ActivityType, Status.
        values: the values to compare with; RunGroupId takes only one.
    """

    operand: str
    operator: Literal["Equals", "NotEquals", "In", "NotIn"]
    values: tuple[str, ...]


class FieldOrder(_Query):
    """One sort key of a query."""

    order_by: str
    order: Literal["ASC", "DESC"]


class RunFilter(_Query):
    """The filter of a query: runs whose last update is in the window, both ends included."""

    last_updated_after: Instant
    last_updated_before: Instant
    filters: tuple[FieldFilter, ...] = ()
    order_by: tuple[FieldOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A span of time, both ends included and aware."""

    after: datetime
    before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a query.

    Attributes:
        items: its items, in the service's order.
        more: whether another page follows.
        reply: the headers of its reply.
    """

    items: Sequence[T]
    more: bool = False
    reply: ReplyHeaders = field(default_factory=ReplyHeaders)

    @property
    def remaining_reads(self) -> int | None:
        """Reads left in the subscription's budget, if the service reports them."""
        return self.reply.remaining_reads


def items_of(pages: Iterable[Page[T]]) -> list[T]:
    """The items of all pages; every page is a call."""
    return [item for page in pages for item in page.items]
