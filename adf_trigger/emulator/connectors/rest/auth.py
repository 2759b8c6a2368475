"""Authentication of a RestService linked service: the headers of its requests."""

import base64
from collections.abc import Awaitable, Callable

from adf_trigger.emulator.connectors.common.client_credentials import (
    SERVICE_PRINCIPAL,
    ClientCredentials,
    service_principal,
)
from adf_trigger.emulator.connectors.common.failures import DataFailure, NotEmulated
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, required_text, section, text
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset

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
    "AadServicePrincipal": SERVICE_PRINCIPAL | {"aadResourceId"},
    "ManagedServiceIdentity": frozenset({"aadResourceId"}),
    "OAuth2ClientCredential": frozenset({"clientId", "clientSecret", "tokenEndpoint", "resource", "scope"}),
}


class Authorization:
    """Makes the authorization headers of one linked service.

    Raises:
        InvalidSettings: a property that the authentication type requires is missing.
        NotEmulated: another authentication type.
    """

    def __init__(self, dataset: ResolvedDataset, context: ActivityContext) -> None:
        properties = dataset.linked_service
        self._where = where = f"the linked service '{dataset.linked_service_name}'"
        kind = required_text(properties, "authenticationType", where)
        if kind not in _KNOWN:
            raise NotEmulated(f"The authentication type '{kind}' of {where}")
        forbid_unknown(properties, _ALWAYS | _KNOWN[kind], where)
        self._properties = properties
        self._context = context
        own = section(properties, "authHeaders") or section(properties, "authHeader")
        self._own = {name: str(value) for name, value in own.items()}
        self._authorize = self._by_kind(kind)

    def _by_kind(self, kind: str) -> Callable[[], Awaitable[str | None]]:
        match kind:
            case "Basic":
                return self._constant(self._basic())
            case "ManagedServiceIdentity":
                resource = self._required("aadResourceId")
                return lambda: self._managed_identity(resource)
            case "AadServicePrincipal":
                url, form = service_principal(self._properties, self._where, self._context.surroundings.cloud)
                return self._client_credentials(url, form | {"resource": self._required("aadResourceId")})
            case "OAuth2ClientCredential":
                return self._client_credentials(*self._oauth2())
            case _:
                return self._constant(None)

    async def headers(self) -> dict[str, str]:
        """The headers for the next request.

        Raises:
            DataFailure: no token was issued.
        """
        authorization = await self._authorize()
        return self._own | ({"Authorization": authorization} if authorization else {})

    def _required(self, name: str) -> str:
        return required_text(self._properties, name, self._where)

    @staticmethod
    def _constant(value: str | None) -> Callable[[], Awaitable[str | None]]:
        async def constant() -> str | None:
            return value

        return constant

    def _basic(self) -> str:
        pair = f"{self._required('userName')}:{self._required('password')}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    async def _managed_identity(self, resource: str) -> str:
        return f"Bearer {await self._context.token(resource)}"

    def _oauth2(self) -> tuple[str, dict[str, str]]:
        form = {"client_id": self._required("clientId"), "client_secret": self._required("clientSecret")}
        for name in ("scope", "resource"):
            if value := text(self._properties, name):
                form[name] = value
        return self._required("tokenEndpoint"), form

    def _client_credentials(self, url: str, form: dict[str, str]) -> Callable[[], Awaitable[str | None]]:
        credentials = ClientCredentials(url, form, self._context.http, _no_token)

        async def bearer() -> str | None:
            return f"Bearer {(await credentials.token()).text}"

        return bearer


def _no_token(why: str) -> DataFailure:
    return DataFailure("RestFailedToGetAccessToken", f"Failed to get the access token. {why}", side="Source")
