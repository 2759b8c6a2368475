"""The Entra ID endpoints by which an application gets a token for itself: v1 and v2, secret or certificate.

To be served over https: MSAL refuses an authority without it.
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
from starlette.routing import Route

from adf_trigger.emulator.clock import Clock, utcnow
from adf_trigger.emulator.identity import entra_errors as errors
from adf_trigger.emulator.identity.assertions import ASSERTION_TYPE, verify_assertion
from adf_trigger.emulator.identity.directory import Application, Directory
from adf_trigger.emulator.identity.entra_errors import EntraError
from adf_trigger.emulator.identity.tokens import DEFAULT_LIFETIME, TokenAuthority

_DEFAULT_SCOPE = "/.default"
_FORM = "application/x-www-form-urlencoded"
_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}

Form = dict[str, str]
Handler = Callable[[Request], Awaitable[dict[str, Any]]]


def entra_app(
    directory: Directory,
    tokens: TokenAuthority,
    *,
    clock: Clock = utcnow,
    lifetime: timedelta = DEFAULT_LIFETIME,
) -> Starlette:
    """The endpoints, as an ASGI app.

    Args:
        directory: tenants and applications.
        tokens: signs.
        clock: for the times in tokens, and for what has expired.
        lifetime: of the tokens.
    """
    return _Entra(directory, tokens, clock, lifetime).app


class _Entra:
    def __init__(
        self, directory: Directory, tokens: TokenAuthority, clock: Clock, lifetime: timedelta
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._lifetime = lifetime
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/common/discovery/instance", self.instance),
            ("GET", "/{tenant}/.well-known/openid-configuration", self.configuration_v1),
            ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", self.configuration_v2),
            ("GET", "/{tenant}/discovery/keys", self.keys),
            ("GET", "/{tenant}/discovery/v2.0/keys", self.keys),
            ("POST", "/{tenant}/oauth2/token", self.token_v1),
            ("POST", "/{tenant}/oauth2/v2.0/token", self.token_v2),
        ]
        self.app = Starlette(
            routes=[
                Route(path, self._answered(handler), methods=[method]) for method, path, handler in routes
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
        """Instance discovery: this host is the only one of its cloud."""
        host = request.url.netloc
        return {
            "tenant_discovery_endpoint": f"{_host(request)}/common/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }

    async def configuration_v1(self, request: Request) -> dict[str, Any]:
        tenant = self._tenant(request, discovery=True)
        return _configuration(request, tenant, f"https://sts.windows.net/{tenant}/", version="")

    async def configuration_v2(self, request: Request) -> dict[str, Any]:
        tenant = self._tenant(request, discovery=True)
        return _configuration(request, tenant, f"{_host(request)}/{tenant}/v2.0", version="v2.0/")

    async def keys(self, request: Request) -> dict[str, Any]:
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
        tenant: str = request.path_params["tenant"]
        if not self._directory.has_tenant(tenant):
            raise errors.tenant_not_found(tenant, discovery=discovery)
        return tenant

    async def _authenticated(self, request: Request, *, target: str) -> tuple[Application, Form]:
        """The application that the form proves to be, and the form, which has the field `target`."""
        tenant = self._tenant(request)
        form = await _form(request)
        for name in ("grant_type", "client_id", target):
            if not form.get(name):
                raise errors.parameter_missing(name)
        if form["grant_type"] != "client_credentials":
            raise errors.grant_unsupported(form["grant_type"])
        application = self._directory.application(tenant, form["client_id"])
        if application is None:
            raise errors.application_not_found(form["client_id"], tenant)
        if "client_assertion" in form:
            self._check_assertion(request, form, application)
        elif "client_secret" in form:
            self._check_secret(form["client_secret"], application)
        else:
            raise errors.credential_missing()
        return application, form

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
        audiences = {f"{authority}/oauth2/token", f"{authority}/oauth2/v2.0/token", f"{authority}/v2.0"}
        verify_assertion(form["client_assertion"], application, audiences, self._clock())

    def _issue(self, application: Application, resource: str) -> str:
        if not self._directory.knows(resource):
            raise errors.resource_not_found(resource, application.identity.tenant_id)
        return self._tokens.issue(application.identity, resource, now=self._clock(), lifetime=self._lifetime)


def _host(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _configuration(request: Request, tenant: str, issuer: str, *, version: str) -> dict[str, Any]:
    authority = f"{_host(request)}/{tenant}"
    return {
        "token_endpoint": f"{authority}/oauth2/{version}token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{authority}/discovery/{version}keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid"],
        "issuer": issuer,
        # Named because clients demand it; no one signs in here.
        "authorization_endpoint": f"{authority}/oauth2/{version}authorize",
        "tenant_region_scope": "EU",
        "cloud_instance_name": request.url.netloc,
    }


async def _form(request: Request) -> Form:
    """The fields of the body; none where it is no form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    body = (await request.body()).decode(errors="replace")
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
