"""Access tokens by client credentials, for a service principal in one of Azure's clouds or from any token endpoint."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from adf_trigger.emulator.common.clouds import Cloud
from adf_trigger.emulator.connectors.common.failures import DataFailure, NotEmulated
from adf_trigger.emulator.connectors.common.settings import required_text, text
from adf_trigger.emulator.outbound.surroundings import HostNotAllowed

SERVICE_PRINCIPAL = frozenset(
    {
        "servicePrincipalId",
        "servicePrincipalKey",
        "servicePrincipalCredentialType",
        "tenant",
        "azureCloudType",
    }
)
"""Properties of linked services for a service principal, common to all connectors."""

_AUTHORITIES = {
    "azurepublic": "https://login.microsoftonline.com",
    "azurechina": "https://login.chinacloudapi.cn",
    "azureusgovernment": "https://login.microsoftonline.us",
    "azuregermany": "https://login.microsoftonline.de",
}
_TIMEOUT = 30.0
# A token is renewed this many seconds before it expires.
_RENEWAL_MARGIN = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """An access token.

    Attributes:
        text: the token itself.
        until: when to renew it, on the monotonic clock.
    """

    text: str
    until: float


class ClientCredentials:
    """Gets a token from a token endpoint, and a new one shortly before it expires.

    Args:
        url: of the token endpoint.
        form: form fields of the request, without the grant type.
        http: sends the request.
        no_token: makes the failure for a missing token from the reason.
    """

    def __init__(
        self,
        url: str,
        form: dict[str, str],
        http: httpx.AsyncClient,
        no_token: Callable[[str], DataFailure],
    ) -> None:
        self._url = url
        self._form = {"grant_type": "client_credentials", **form}
        self._http = http
        self._no_token = no_token
        self._token: Token | None = None

    async def token(self) -> Token:
        """The token to send now.

        Raises:
            DataFailure: no token was issued; made by `no_token`.
        """
        if self._token is None or time.monotonic() > self._token.until:
            try:
                response = await self._http.post(self._url, data=self._form, timeout=_TIMEOUT)
            except HostNotAllowed as exc:
                raise self._no_token(f"The token endpoint is not called: {exc}") from exc
            except httpx.HTTPError as exc:
                raise self._no_token(f"The token endpoint cannot be reached: {type(exc).__name__}.") from exc
            self._token = self._read(response)
        return self._token

    def _read(self, response: httpx.Response) -> Token:
        try:
            reply: Any = response.json()
        except ValueError:
            reply = None
        if not isinstance(reply, dict):
            reply = {}
        token = reply.get("access_token")
        if response.is_error or not isinstance(token, str):
            why = (
                reply.get("error_description") or reply.get("error") or f"status code {response.status_code}"
            )
            raise self._no_token(str(why))
        try:
            lifetime = float(reply.get("expires_in", 0))
        except (TypeError, ValueError):
            lifetime = 0.0
        return Token(token, time.monotonic() + max(0.0, lifetime - _RENEWAL_MARGIN))


def service_principal(
    properties: dict[str, Any], where: str, own_cloud: Cloud, *, key: str = "servicePrincipalKey"
) -> tuple[str, dict[str, str]]:
    """The token endpoint of a linked service's service principal, and the form fields except the resource.

    Args:
        properties: of the linked service, secrets as plain text.
        where: the linked service, for messages.
        own_cloud: the factory's cloud, the default of azureCloudType.
        key: its property for the service principal's key.

    Raises:
        InvalidSettings: a required property is missing.
        NotEmulated: another type of credential, or an unknown cloud.
    """
    credential_type = text(properties, "servicePrincipalCredentialType") or "ServicePrincipalKey"
    cloud = text(properties, "azureCloudType").lower()
    authorities = {"": f"https://{own_cloud.authority}", **_AUTHORITIES}
    if credential_type != "ServicePrincipalKey" or cloud not in authorities:
        raise NotEmulated(f"A service principal with '{credential_type}' in the cloud '{cloud}'")
    form = {
        "client_id": required_text(properties, "servicePrincipalId", where),
        "client_secret": required_text(properties, key, where),
    }
    return f"{authorities[cloud]}/{required_text(properties, 'tenant', where)}/oauth2/token", form
