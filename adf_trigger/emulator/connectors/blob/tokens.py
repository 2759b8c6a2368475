"""Access tokens for the synchronous blob SDK, requested on the event loop."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential

from adf_trigger.emulator.connectors.common.client_credentials import (
    ClientCredentials,
    Token,
    service_principal,
)
from adf_trigger.emulator.connectors.common.failures import DataFailure
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.settings import text
from adf_trigger.emulator.contract.activity import ActivityContext

RESOURCE = "https://storage.azure.com/"
# Reported lifetime of a managed identity's token, which is valid for hours; the SDK renews it 5 minutes before its end.
_LIFETIME_SECONDS = 600.0


def token_credential(
    properties: dict[str, Any], where: str, context: ActivityContext, job: Job
) -> TokenCredential:
    """The service principal of a linked service or, if it has none, the factory's managed identity.

    Args:
        properties: of the linked service, secrets as plain text.
        where: the linked service, for messages.
        context: supplies the identity's tokens and the HTTP client.
        job: its threads request the tokens.

    Raises:
        InvalidSettings: a property of the service principal is missing.
        NotEmulated: the service principal has a certificate.
    """
    kind = text(properties, "authenticationType")
    if kind == "ServicePrincipal" or (not kind and text(properties, "servicePrincipalId")):
        key = (
            "servicePrincipalCredential"
            if properties.get("servicePrincipalCredential")
            else "servicePrincipalKey"
        )
        url, form = service_principal(properties, where, context.surroundings.cloud, key=key)
        form["resource"] = RESOURCE
        return _LoopCredential(ClientCredentials(url, form, context.http, _no_token).token, job)

    async def factory_token() -> Token:
        return Token(await context.token(RESOURCE), time.monotonic() + _LIFETIME_SECONDS)

    return _LoopCredential(factory_token, job)


class _LoopCredential:
    """A credential that requests its tokens on the job's event loop while the calling thread waits."""

    def __init__(self, ask: Callable[[], Awaitable[Token]], job: Job) -> None:
        self._ask = ask
        self._job = job

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """The token; its scope is always the storage service.

        Raises:
            ActivityFailed: no token was issued.
        """

        async def request() -> Token:
            return await self._ask()

        token = self._job.wait_for(request())
        return AccessToken(token.text, int(time.time() + token.until - time.monotonic()))


def _no_token(why: str) -> DataFailure:
    return DataFailure(
        "FailedToGetAccessToken", f"Failed to get access token by using service principal. {why}"
    )
