"""The request pipeline: what happens to every request before and after its handler.

In this order: the request is logged, faults fire, api-version, token and role are checked, ARM's token bucket gives a
token or a 429, the body is read, the handler runs, the reply gets its headers, faults fire again.
"""

import asyncio
import json
import math
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from adf_trigger.emulator.arm.addresses import CloudAddresses
from adf_trigger.emulator.arm.api_versions import API_VERSIONS, ResourceType
from adf_trigger.emulator.arm.arm_errors import (
    InvalidApiVersion,
    MalformedJson,
    MissingApiVersion,
    NoRegisteredProvider,
    RequestsThrottled,
    RequestTooLarge,
    ResourceGroupNotFound,
    SubscriptionNotFound,
)
from adf_trigger.emulator.arm.authorization import Authorization, require
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Operation, Reply
from adf_trigger.emulator.arm.throttling import Bucket, TokenBuckets
from adf_trigger.emulator.common.clock import Clock
from adf_trigger.emulator.common.documents import PROVIDER, factory_id
from adf_trigger.emulator.common.errors import BadRequest, ServiceError
from adf_trigger.emulator.faults.rules import FaultBook, Plan, StatusFault, Terminal
from adf_trigger.emulator.http import wire
from adf_trigger.emulator.http.request_log import RequestLog, SeenRequest
from adf_trigger.emulator.identity.tokens import Principal
from adf_trigger.emulator.serving.protocol import BrokenReply

MAX_BODY = 4 * 1024 * 1024
"""Bytes that ARM accepts in one request."""

_PROVIDER_TYPES: tuple[ResourceType, ...] = ("factories", "datafactories", "operations")
_ALL_VERSIONS = frozenset(version for each in _PROVIDER_TYPES for version in API_VERSIONS[each])
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MAX_FAULT_TEXT = 200
_ANYONE = "anonymous"
_VERBS: dict[Bucket, str] = {"reads": "read", "writes": "write", "deletes": "delete"}


@dataclass(slots=True, kw_only=True)
class RequestPipeline:
    """Azure Resource Manager, as far as a client of Data Factory sees it.

    Attributes:
        authorization: None lets every caller in.
        true_clock: the clock that tokens are checked against; they come from another service, whose clock tests do
            not move.
        region: `East US`, for the routing id and ARM's messages.
        public_url: scheme and authority for links in replies; None for those that the caller used.
        addresses: the names and addresses that callers use.
    """

    backend: Backend
    authorization: Authorization | None
    faults: FaultBook
    buckets: TokenBuckets
    log: RequestLog
    true_clock: Clock
    region: str
    addresses: CloudAddresses
    public_url: str | None = None
    _seen_url: str = ""

    @property
    def reached_at(self) -> str:
        """Scheme and authority under which the emulator can be called: as configured, or as it was called last."""
        return self.public_url or self._seen_url

    async def serve(self, operation: Operation, request: Request) -> Response:
        """Answer a request for an operation."""
        now = self.backend.now()
        request_id = self.backend.new_id()
        seen = SeenRequest(
            operation=operation.name,
            method=request.method,
            path=request.url.path,
            client_request_id=request.headers.get("x-ms-client-request-id"),
            request_id=str(request_id),
            started=now,
        )
        self.log.add(seen)
        plan = self.faults.plan(operation.name, _factory(request))
        seen.faults = plan.fired
        response = await self._with_faults(plan, operation, request, request_id)
        if not isinstance(response, BrokenReply):
            seen.status = response.status_code
        seen.ended = self.backend.now()
        return response

    def answer_error(self, request: Request, error: ServiceError) -> Response:
        """Reject a request that matches no operation."""
        response = wire.service_error(error)
        self._add_headers(response, request, self.backend.new_id())
        return response

    async def _with_faults(
        self, plan: Plan, operation: Operation, request: Request, request_id: UUID
    ) -> Response:
        if plan.delay_before:
            await asyncio.sleep(plan.delay_before)
        if plan.before is not None:
            return self._disrupted(plan.before, Response(), request_id)
        response = await self._answer(operation, request)
        self._add_headers(response, request, request_id)
        if plan.delay_after:
            await asyncio.sleep(plan.delay_after)
        if plan.after is not None:
            return self._disrupted(plan.after, response, request_id)
        return response

    def _disrupted(self, fault: Terminal, response: Response, request_id: UUID) -> Response:
        if not isinstance(fault, StatusFault):
            return BrokenReply(fault.fault, response)
        headers = wire.request_headers(request_id, self._region(), self.backend.now())
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        return wire.error_reply(fault.status, fault.code, fault.message, headers)

    async def _answer(self, operation: Operation, request: Request) -> Response:
        """The service's own answer, without faults."""
        headers: dict[str, str] = {}
        base_url = str(request.base_url).rstrip("/")
        if request.url.scheme == "http" or not self._seen_url:
            # Plain HTTP, if it is served, spares callbacks the emulator's own certificate authority.
            self._seen_url = base_url
        try:
            query = {name.lower(): value for name, value in request.query_params.items()}
            self._check_version(operation, query.get("api-version"))
            caller = self._caller(operation, request, base_url)
            self._check_scope(operation, request)
            actor = caller.object_id if caller else _ANYONE
            headers = self._take_token(operation, request, actor)
            body = await _body(request)
            call = Call(
                path=request.path_params,
                query=query,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
                base_url=self.public_url or base_url,
                has_role=caller is None or bool(caller.roles),
                raw_path=request.scope.get("raw_path", request.url.path.encode()).decode().partition("?")[0],
            )
            response = wire.success(self._handle(operation, call))
        except ServiceError as exc:
            response = wire.service_error(exc)
        response.headers.update(headers)
        return response

    def _handle(self, operation: Operation, call: Call) -> Reply:
        return operation.handler(self.backend, call)

    def _check_version(self, operation: Operation, version: str | None) -> None:
        if not version:
            raise MissingApiVersion
        supported = API_VERSIONS[operation.resource_type]
        if version in supported:
            return
        if version not in _ALL_VERSIONS or operation.resource_type not in _PROVIDER_TYPES:
            raise InvalidApiVersion(version, supported)
        raise NoRegisteredProvider(version, operation.resource_type, _compact(self.region), supported)

    def _caller(self, operation: Operation, request: Request, base_url: str) -> Principal | None:
        """The caller, who is authorized for this operation; None if no token is needed."""
        if self.authorization is None or operation.public:
            return None
        principal = self.authorization.principal(
            request.headers.get("authorization"), self.true_clock(), self.addresses.authority(base_url)
        )
        path = request.url.path
        scope = path.rpartition("/")[0] if operation.method == "POST" else path
        require(principal, operation.actions, scope)
        return principal

    def _check_scope(self, operation: Operation, request: Request) -> None:
        """Reject a subscription or a resource group that does not exist."""
        subscription = request.path_params.get("subscription")
        if subscription is None:
            return
        group, groups = request.path_params.get("group"), self.backend.store.groups
        if self.backend.options.any_group:
            if operation.method == "PUT" and group is not None:
                groups.provide({subscription: [group]}, _compact(self.region))
            return
        if not groups.has_subscription(subscription):
            raise SubscriptionNotFound(subscription)
        if group is not None and groups.get(subscription, group) is None:
            raise ResourceGroupNotFound(group)

    def _take_token(self, operation: Operation, request: Request, actor: str) -> dict[str, str]:
        subscription = request.path_params.get("subscription")
        now, bucket = self.backend.now(), operation.bucket
        level = self.buckets.take(subscription or "", actor, bucket, now)
        if not self.backend.options.throttling:
            level = self.buckets.capacity(bucket) - 1
        elif level is None:
            wait = self.buckets.wait(subscription or "", actor, bucket, now)
            raise RequestsThrottled(_VERBS[bucket], subscription or "", actor, wait)
        scope = "subscription" if subscription else "tenant"
        return {f"x-ms-ratelimit-remaining-{scope}-{bucket}": str(level or 0)}

    def _add_headers(self, response: Response, request: Request, request_id: UUID) -> None:
        response.headers.update(wire.request_headers(request_id, self._region(), self.backend.now()))
        client_id = request.headers.get("x-ms-client-request-id")
        if client_id and request.headers.get("x-ms-return-client-request-id", "").lower() == "true":
            response.headers["x-ms-client-request-id"] = client_id

    def _region(self) -> str:
        return _compact(self.region).upper()


def _factory(request: Request) -> str | None:
    """The resource id of the factory that a request is for; None if it is not for a factory."""
    names = [request.path_params.get(each) for each in ("subscription", "group", "factory")]
    return None if None in names else factory_id(*map(str, names))


def _compact(region: str) -> str:
    return region.replace(" ", "").lower()


async def _body(request: Request) -> Any:
    """The decoded body; None if it is empty.

    Raises:
        RequestTooLarge: it is larger than ARM accepts.
        MalformedJson: it is not JSON in UTF-8.
        BadRequest: a property occurs twice in one object.
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise RequestTooLarge(MAX_BODY)
    if not content.strip():
        return None
    try:
        value = json.loads(
            content, object_pairs_hook=_object, parse_constant=_reject_constant, parse_float=_finite
        )
        if _ESCAPED_SURROGATE.search(content):
            # Half of a surrogate pair can be written in JSON, but is not valid text.
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as exc:
        raise MalformedJson("It is nested too deeply.") from exc
    except ValueError as exc:
        raise MalformedJson(str(exc)[:_MAX_FAULT_TEXT]) from exc
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadRequest(
            "The document creation or update failed because there were duplicate properties in the json payload.",
            target=PROVIDER,
        )
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"The number {text} is out of range.")
    return number


def _reject_constant(name: str) -> Any:
    raise ValueError(f"JSON has no {name}.")
