"""The Entra ID endpoints from which an application gets a token for itself: v1 and v2, secret or certificate.

Serve them over HTTPS: MSAL refuses an authority without it.
"""

import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adf_trigger.emulator.common.caseless import CaselessRoute
from adf_trigger.emulator.common.clock import Clock, utcnow
from adf_trigger.emulator.common.clouds import PUBLIC, Cloud
from adf_trigger.emulator.identity import discovery
from adf_trigger.emulator.identity import entra_errors as errors
from adf_trigger.emulator.identity.assertions import ASSERTION_TYPE, verify_assertion
from adf_trigger.emulator.identity.directory import Application, Directory
from adf_trigger.emulator.identity.entra_errors import EntraError
from adf_trigger.emulator.identity.tokens import DEFAULT_LIFETIME, TokenAuthority

_DEFAULT_SCOPE = "/.default"
_FORM = "application/x-www-form-urlencoded"
_CLIENT_CREDENTIALS = "client_credentials"
_PASSWORD = "password"  # noqa: S105 - the name of a grant
_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}

Form = dict[str, str]
Handler = Callable[[Request], Awaitable[dict[str, Any]]]


def entra_app(
    directory: Directory,
    tokens: TokenAuthority,
    *,
    clock: Clock = utcnow,
    lifetime: timedelta = DEFAULT_LIFETIME,
    cloud: Cloud = PUBLIC,
) -> Starlette:
    """The endpoints, as an ASGI app.

    Args:
        directory: tenants and applications.
        tokens: signs the tokens.
        clock: for the times in tokens, and for expiry.
        lifetime: of the tokens.
        cloud: the emulated cloud.
    """
    return _Entra(directory, tokens, clock, lifetime, cloud).app


class _Entra:
    def __init__(
        self,
        directory: Directory,
        tokens: TokenAuthority,
        clock: Clock,
        lifetime: timedelta,
        cloud: Cloud,
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._lifetime = lifetime
        self._cloud = cloud
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/{tenant}/discovery/instance", self.instance),
            ("GET", "/{tenant}/.well-known/openid-configuration", self.configuration_v1),
            ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", self.configuration_v2),
            ("GET", "/{tenant}/discovery/keys", self.keys),
            ("GET", "/{tenant}/discovery/v2.0/keys", self.keys),
            ("POST", "/{tenant}/oauth2/token", self.token_v1),
            ("POST", "/{tenant}/oauth2/v2.0/token", self.token_v2),
            ("GET", "/{tenant}/userrealm/{user}", self.realm),
            ("GET", "/{tenant}/oauth2/devicecode", self.device_code),
            ("POST", "/{tenant}/oauth2/devicecode", self.device_code),
            ("POST", "/{tenant}/oauth2/v2.0/devicecode", self.device_code),
        ]
        self.app = Starlette(
            routes=[
                CaselessRoute(path, self._answered(handler), methods=[method])
                for method, path, handler in routes
            ]
        )

    def _answered(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler's object, or its error in the service's shape, with the headers of both."""

        async def answer(request: Request) -> Response:
            trace_id = str(uuid4())
            correlation_id = request.headers.get("client-request-id") or str(uuid4())
            headers = {"x-ms-request-id": trace_id, **_NO_STORE}
            if request.headers.get("return-client-request-id", "").lower() == "true":
                headers["client-request-id"] = correlation_id
            try:
                return JSONResponse(await handler(request), headers=headers)
            except EntraError as error:
                body = error.body(
                    trace_id=trace_id, correlation_id=correlation_id, now=self._clock(), host=_host(request)
                )
                return JSONResponse(body, status_code=error.status, headers=headers)

        return answer

    async def instance(self, request: Request) -> dict[str, Any]:
        """Instance discovery: whether a host may be trusted for sign-in, and its other names."""
        asked = request.query_params.get("authorization_endpoint", "")
        return discovery.instance(self._cloud, _host(request), asked)

    async def configuration_v1(self, request: Request) -> dict[str, Any]:
        return self._configuration(request, version="")

    async def configuration_v2(self, request: Request) -> dict[str, Any]:
        return self._configuration(request, version="v2.0/")

    def _configuration(self, request: Request, *, version: str) -> dict[str, Any]:
        named: str = request.path_params["tenant"]
        tenant = None if _is_any(named) else self._tenant(request, discovery=True)
        return discovery.configuration(_host(request), named, tenant, version=version)

    async def realm(self, _request: Request) -> dict[str, Any]:
        """Where a user signs in; there are no users."""
        return {"ver": "1.0", "account_type": "Unknown", "cloud_instance_name": self._cloud.authority}

    async def device_code(self, request: Request) -> dict[str, Any]:
        """The device flow, which is for users: refused as for an application that is not a public client."""
        form = await _form(request) or dict(request.query_params)
        if not form.get("client_id"):
            raise errors.parameter_missing("client_id")
        tenant = None if _is_any(request.path_params["tenant"]) else self._tenant(request)
        self._application(tenant, form["client_id"])
        raise errors.secret_missing()

    async def keys(self, request: Request) -> dict[str, Any]:
        if not _is_any(request.path_params["tenant"]):
            self._tenant(request, discovery=True)
        return self._tokens.jwks()

    async def token_v1(self, request: Request) -> dict[str, Any]:
        """A token for `resource`; every number of the reply is a string."""
        application, form = await self._authenticated(request, target="resource")
        resource = form["resource"]
        issued = self._issue(application, resource)
        now = int(self._clock().timestamp())
        seconds = int(self._lifetime.total_seconds())
        return {
            "token_type": "Bearer",
            "expires_in": str(seconds),
            "ext_expires_in": str(seconds),
            "expires_on": str(now + seconds),
            "not_before": str(now),
            "resource": resource,
            "access_token": issued,
        }

    async def token_v2(self, request: Request) -> dict[str, Any]:
        """A token for the resource that `scope` names with /.default."""
        application, form = await self._authenticated(request, target="scope")
        scope = form["scope"]
        if not scope.endswith(_DEFAULT_SCOPE) or " " in scope:
            raise errors.scope_invalid(scope)
        seconds = int(self._lifetime.total_seconds())
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": self._issue(application, scope.removesuffix(_DEFAULT_SCOPE)),
        }

    def _tenant(self, request: Request, *, discovery: bool = False) -> str:
        """Id of the tenant that the path names by its id, by a domain or as `adfs`."""
        named: str = request.path_params["tenant"]
        tenant = self._directory.tenant_id(named)
        if tenant is None:
            raise errors.tenant_not_found(named, discovery=discovery)
        return tenant

    def _application(self, tenant: str | None, client_id: str) -> Application:
        """The application; of any tenant if none is given."""
        application = self._directory.application(tenant, client_id)
        if application is None:
            raise errors.application_not_found(client_id, tenant or "common")
        return application

    async def _authenticated(self, request: Request, *, target: str) -> tuple[Application, Form]:
        """The application that the form authenticates, and the form, which has the field `target`."""
        tenant = None if _is_any(request.path_params["tenant"]) else self._tenant(request)
        form = await _form(request)
        grant = _grant(form, target)
        if tenant is None and grant == _CLIENT_CREDENTIALS:
            raise errors.tenant_missing()
        application = self._application(tenant, form["client_id"])
        self._check_credential(request, form, application)
        if grant == _PASSWORD:
            raise errors.user_not_found(application.identity.tenant_id)
        if grant == _DEVICE_CODE:
            raise errors.device_code_expired()
        return application, form

    def _check_credential(self, request: Request, form: Form, application: Application) -> None:
        """Check the form's credential against those of the application."""
        if "client_assertion" in form:
            self._check_assertion(request, form, application)
        elif "client_secret" in form:
            self._check_secret(form["client_secret"], application)
        elif form["grant_type"] == _CLIENT_CREDENTIALS:
            raise errors.credential_missing()
        else:
            raise errors.secret_missing()

    def _check_secret(self, given: str, application: Application) -> None:
        matching = [
            secret
            for secret in application.secrets
            if hmac.compare_digest(secret.value.encode(), given.encode())
        ]
        if not matching:
            raise errors.secret_wrong(application.identity.app_id)
        if all(secret.expires_at <= self._clock() for secret in matching):
            raise errors.secret_expired(application.identity.app_id)

    def _check_assertion(self, request: Request, form: Form, application: Application) -> None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise errors.assertion_malformed()
        authority = f"{_host(request)}/{request.path_params['tenant']}"
        by_id = f"{_host(request)}/{application.identity.tenant_id}"
        audiences = {
            f"{named}/{endpoint}"
            for named in (authority, by_id)
            for endpoint in ("oauth2/token", "oauth2/v2.0/token", "v2.0")
        }
        verify_assertion(form["client_assertion"], application, audiences, self._clock())

    def _issue(self, application: Application, resource: str) -> str:
        # An application may always request a token for itself.
        if not self._directory.knows(resource) and resource.lower() != application.identity.app_id.lower():
            raise errors.resource_not_found(resource, application.identity.tenant_id)
        return self._tokens.issue(application.identity, resource, now=self._clock(), lifetime=self._lifetime)


def _host(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _grant(form: Form, target: str) -> str:
    """The grant of a form, which must have every field of that grant."""
    for name in ("grant_type", "client_id"):
        if not form.get(name):
            raise errors.parameter_missing(name)
    grant = form["grant_type"]
    needs = {
        _CLIENT_CREDENTIALS: (target,),
        _PASSWORD: ("username", "password"),
        _DEVICE_CODE: ("device_code",),
    }
    if grant not in needs:
        raise errors.grant_unsupported(grant)
    for name in needs[grant]:
        if not form.get(name):
            raise errors.parameter_missing(name)
    return grant


def _is_any(tenant: str) -> bool:
    return tenant.lower() in discovery.ANY_TENANT


async def _form(request: Request) -> Form:
    """The fields of the body; empty if it is not a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    body = (await request.body()).decode(errors="replace")
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
