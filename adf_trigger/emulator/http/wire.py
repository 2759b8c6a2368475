"""The edge: HTTP statuses of the service's error codes, the headers of every reply, compact JSON."""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response

from adf_trigger.emulator.arm.operations import Reply
from adf_trigger.emulator.common.errors import ServiceError

STATUS_OF_CODE: Mapping[str, HTTPStatus] = {
    "AuthenticationFailed": HTTPStatus.UNAUTHORIZED,
    "AuthenticationFailedInvalidHeader": HTTPStatus.UNAUTHORIZED,
    "InvalidAuthenticationToken": HTTPStatus.UNAUTHORIZED,
    "InvalidAuthenticationTokenTenant": HTTPStatus.UNAUTHORIZED,
    "ExpiredAuthenticationToken": HTTPStatus.UNAUTHORIZED,
    "AuthorizationFailed": HTTPStatus.FORBIDDEN,
    "NotFound": HTTPStatus.NOT_FOUND,
    "ResourceNotFound": HTTPStatus.NOT_FOUND,
    "ResourceGroupNotFound": HTTPStatus.NOT_FOUND,
    "SubscriptionNotFound": HTTPStatus.NOT_FOUND,
    "InvalidResourceType": HTTPStatus.NOT_FOUND,
    "InvalidResourceNamespace": HTTPStatus.NOT_FOUND,
    "MissingSubscription": HTTPStatus.NOT_FOUND,
    "InvalidResourceGroupLocation": HTTPStatus.CONFLICT,
    "NotImplemented": HTTPStatus.NOT_IMPLEMENTED,
    "MethodNotAllowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "Conflict": HTTPStatus.CONFLICT,
    "DataFactoryNameInUse": HTTPStatus.CONFLICT,
    "InvalidResourceLocation": HTTPStatus.CONFLICT,
    "PreconditionFailed": HTTPStatus.PRECONDITION_FAILED,
    "RequestEntityTooLarge": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "SubscriptionRequestsThrottled": HTTPStatus.TOO_MANY_REQUESTS,
    "TooManyRequests": HTTPStatus.TOO_MANY_REQUESTS,
    "InternalServerError": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Status by code; every other code is a 400."""

_ALWAYS = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
_JSON = "application/json; charset=utf-8"


def request_headers(request_id: UUID, region: str, now: datetime) -> dict[str, str]:
    """The headers that every reply has; `region` as `EASTUS`."""
    return {
        **_ALWAYS,
        "x-ms-request-id": str(request_id),
        "x-ms-correlation-request-id": str(request_id),
        "x-ms-routing-request-id": f"{region}:{now:%Y%m%dT%H%M%SZ}:{request_id}",
    }


def success(reply: Reply) -> Response:
    """The response for a handler's reply."""
    if reply.body is None:
        headers = {} if reply.status in {204, 304} else {"Content-Length": "0"}
        return Response(status_code=reply.status, headers={**headers, **reply.headers})
    return _json(reply.body, reply.status, reply.headers)


def service_error(error: ServiceError) -> Response:
    """The service's error, as ARM's CloudError."""
    status = STATUS_OF_CODE.get(error.code, HTTPStatus.BAD_REQUEST)
    return _json({"error": error.body()}, status, error.headers)


def error_reply(status: int, code: str, message: str, headers: Mapping[str, str]) -> Response:
    """The error of a fault rule, whatever status its code usually has."""
    return _json({"error": {"code": code, "message": message}}, status, headers)


def _json(body: Any, status: int, headers: Mapping[str, str]) -> Response:
    content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(content, status_code=status, headers=dict(headers), media_type=_JSON)
