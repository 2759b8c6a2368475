"""How a RestService linked service proves who it is: the headers that each of its requests carries."""

import base64
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from adf_trigger.local.factory.engine.activities.base import ActivityContext, ResolvedDataset
from adf_trigger.local.factory.engine.copying.failures import DataFailure, NotEmulated
from adf_trigger.local.factory.engine.copying.settings import refuse_unknown, required_text, section, text

_AUTHORITIES = {
    "": "https://login.microsoftonline.com",
    "azurepublic": "https://login.microsoftonline.com",
    "azurechina": "https://login.chinacloudapi.cn",
    "azureusgovernment": "https://login.microsoftonline.us",
    "azuregermany": "https://login.microsoftonline.de",
}
_ALWAYS = frozenset(
    {
        "url",
        "authenticationType",
        "enableServerCertificateValidation",
        "authHeaders",
        "authHeader",
        "encryptedCredential",
    }
)
_KNOWN = {
    "Anonymous": frozenset[str](),
    "Basic": frozenset({"userName", "password"}),
    "AadServicePrincipal": frozenset(
        {
            "servicePrincipalId",
            "servicePrincipalKey",
            "servicePrincipalCredentialType",
            "tenant",
            "aadResourceId",
            "azureCloudType",
        }
    ),
    "ManagedServiceIdentity": frozenset({"aadResourceId"}),
    "OAuth2ClientCredential": frozenset({"clientId", "clientSecret", "tokenEndpoint", "resource", "scope"}),
}
_TOKEN_TIMEOUT = 30.0
# A token is renewed this long before it ends.
_EARLY = 60.0


class Authorization:
    """Makes the authorization headers of one linked service.

    Raises:
        InvalidSettings: something that its authentication type needs is missing.
        NotEmulated: another authentication type.
    """

    def __init__(self, dataset: ResolvedDataset, context: ActivityContext) -> None:
        properties = dataset.linked_service
        self._where = where = f"the linked service '{dataset.linked_service_name}'"
        kind = text(properties, "authenticationType", "Anonymous")
        if kind not in _KNOWN:
            raise NotEmulated(f"The authentication type '{kind}' of {where}")
        refuse_unknown(properties, _ALWAYS | _KNOWN[kind], where)
        self._properties = properties
        self._context = context
        own = section(properties, "authHeaders") or section(properties, "authHeader")
        self._own = {name: str(value) for name, value in own.items()}
        self._token: tuple[str, float] | None = None
        self._authorize = self._by_kind(kind)

    def _by_kind(self, kind: str) -> Callable[[], Awaitable[str | None]]:
        match kind:
            case "Basic":
                return self._constant(self._basic())
            case "ManagedServiceIdentity":
                resource = self._required("aadResourceId")
                return lambda: self._managed_identity(resource)
            case "AadServicePrincipal":
                url, form = self._service_principal()
                return lambda: self._client_credentials(url, form)
            case "OAuth2ClientCredential":
                url, form = self._oauth2()
                return lambda: self._client_credentials(url, form)
            case _:
                return self._constant(None)

    async def headers(self) -> dict[str, str]:
        """The headers for the next request.

        Raises:
            DataFailure: a token was refused.
        """
        authorization = await self._authorize()
        return self._own | ({"Authorization": authorization} if authorization else {})

    def _required(self, name: str) -> str:
        return required_text(self._properties, name, self._where)

    @staticmethod
    def _constant(value: str | None) -> Callable[[], Awaitable[str | None]]:
        async def given() -> str | None:
            return value

        return given

    def _basic(self) -> str:
        pair = f"{self._required('userName')}:{self._required('password')}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    async def _managed_identity(self, resource: str) -> str:
        return f"Bearer {await self._context.token(resource)}"

    def _service_principal(self) -> tuple[str, dict[str, str]]:
        credential_type = text(self._properties, "servicePrincipalCredentialType", "ServicePrincipalKey")
        cloud = text(self._properties, "azureCloudType").lower()
        if credential_type != "ServicePrincipalKey" or cloud not in _AUTHORITIES:
            raise NotEmulated(f"A service principal with '{credential_type}' in the cloud '{cloud}'")
        form = {
            "client_id": self._required("servicePrincipalId"),
            "client_secret": self._required("servicePrincipalKey"),
            "resource": self._required("aadResourceId"),
        }
        return f"{_AUTHORITIES[cloud]}/{self._required('tenant')}/oauth2/token", form

    def _oauth2(self) -> tuple[str, dict[str, str]]:
        form = {"client_id": self._required("clientId"), "client_secret": self._required("clientSecret")}
        for name in ("scope", "resource"):
            if value := text(self._properties, name):
                form[name] = value
        return self._required("tokenEndpoint"), form

    async def _client_credentials(self, url: str, form: dict[str, str]) -> str:
        if self._token is None or time.monotonic() > self._token[1]:
            try:
                response = await self._context.http.post(
                    url, data={"grant_type": "client_credentials", **form}, timeout=_TOKEN_TIMEOUT
                )
                self._token = _token_of(response)
            except httpx.HTTPError as exc:
                raise _refused(f"The token endpoint cannot be reached: {type(exc).__name__}.") from exc
        return f"Bearer {self._token[0]}"


def _token_of(response: httpx.Response) -> tuple[str, float]:
    try:
        reply: Any = response.json()
    except ValueError:
        reply = None
    if not isinstance(reply, dict):
        reply = {}
    token = reply.get("access_token")
    if response.is_error or not isinstance(token, str):
        why = reply.get("error_description") or reply.get("error") or f"status code {response.status_code}"
        raise _refused(str(why))
    try:
        lifetime = float(reply.get("expires_in", 0))
    except (TypeError, ValueError):
        lifetime = 0.0
    return token, time.monotonic() + max(0.0, lifetime - _EARLY)


def _refused(why: str) -> DataFailure:
    return DataFailure("RestFailedToGetAccessToken", f"Failed to get the access token. {why}", side="Source")
