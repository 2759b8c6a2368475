"""The managed-identity endpoint of App Service and Functions (IDENTITY_ENDPOINT, api-version 2019-08-01).

The request and the reply are those of Microsoft's documentation and of azure-identity; the real
endpoint's answer to a wrong secret header is not documented, and 401 is our choice.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adf_trigger.emulator.common.clock import Clock, utcnow
from adf_trigger.emulator.identity.directory import Directory, UserAssignedIdentity
from adf_trigger.emulator.identity.tokens import Identity, TokenAuthority

PATH = "/msi/token"
"""Path at the end of IDENTITY_ENDPOINT."""

API_VERSION = "2019-08-01"
TOKEN_LIFETIME = timedelta(hours=24)
"""Managed identities get tokens that last a day."""

_IDS: dict[str, Callable[[UserAssignedIdentity], str]] = {
    "client_id": lambda assigned: assigned.identity.app_id,
    "principal_id": lambda assigned: assigned.identity.object_id,
    "object_id": lambda assigned: assigned.identity.object_id,
    "mi_res_id": lambda assigned: assigned.resource_id,
    "msi_res_id": lambda assigned: assigned.resource_id,
}
"""Query parameters that name a user-assigned identity."""


class ManagedIdentityError(Exception):
    """The endpoint rejects a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def managed_identity_app(
    directory: Directory,
    tokens: TokenAuthority,
    *,
    identity_header: str,
    clock: Clock = utcnow,
    lifetime: timedelta = TOKEN_LIFETIME,
) -> Starlette:
    """The endpoint, as an ASGI app for plain HTTP on a loopback address.

    Args:
        directory: has the identities of the function app.
        tokens: signs the tokens.
        identity_header: secret that a request must carry in X-IDENTITY-HEADER.
        clock: for the times in tokens.
        lifetime: of the tokens.
    """

    async def token(request: Request) -> Response:
        try:
            _check(request, identity_header)
            resource = _resource(request.query_params, directory)
            identity = _identity(request.query_params, directory)
        except ManagedIdentityError as error:
            return JSONResponse(
                {"statusCode": error.status, "message": error.message, "correlationId": str(uuid4())},
                status_code=error.status,
            )
        now = clock()
        return JSONResponse(
            {
                "access_token": tokens.issue(identity, resource, now=now, lifetime=lifetime),
                "expires_on": str(int((now + lifetime).timestamp())),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": identity.app_id,
            }
        )

    return Starlette(routes=[Route(PATH, token, methods=["GET"])])


def _check(request: Request, identity_header: str) -> None:
    given = request.headers.get("x-identity-header", "")
    if not hmac.compare_digest(given.encode(), identity_header.encode()):
        raise ManagedIdentityError(401, "The X-IDENTITY-HEADER header is missing or wrong.")
    if (version := request.query_params.get("api-version")) != API_VERSION:
        raise ManagedIdentityError(400, f"The api-version '{version}' is not supported.")


def _resource(query: Mapping[str, str], directory: Directory) -> str:
    resource = query.get("resource")
    if not resource:
        raise ManagedIdentityError(400, "The resource query parameter is required.")
    if not directory.knows(resource):
        # The real endpoint is as vague, according to azure-identity's authors.
        raise ManagedIdentityError(
            500,
            "An unexpected error occured while fetching the AAD Token. "
            "Please contact support with the provided Correlation Id",
        )
    return resource


def _identity(query: Mapping[str, str], directory: Directory) -> Identity:
    name = next((name for name in _IDS if name in query), None)
    if name is None:
        found = directory.system_assigned
    else:
        assigned = {_IDS[name](assigned).lower(): assigned.identity for assigned in directory.user_assigned}
        found = assigned.get(query[name].lower())
    if found is None:
        raise ManagedIdentityError(
            400,
            "No User Assigned or Delegated Managed Identity found for specified "
            "ClientId/ResourceId/PrincipalId.",
        )
    return found
