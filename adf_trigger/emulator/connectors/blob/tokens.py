"""Access tokens for the blob SDK, which is synchronous, from the event loop's side."""

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
# A managed identity's token lives for hours; the SDK asks again five minutes before the end that it is told.
_ASKED_AGAIN = 600.0


def token_credential(
    properties: dict[str, Any], where: str, context: ActivityContext, job: Job
) -> TokenCredential:
    """The service principal of a linked service or, if it has none, the factory's managed identity.

    Args:
        properties: of the linked service, secrets as plain text.
        where: the linked service, for messages.
        context: gives the identity's tokens, and sends requests.
        job: from whose threads tokens are asked for.

    Raises:
        InvalidSettings: something is missing of the service principal.
        NotEmulated: a service principal with a certificate.
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
        return _FromTheLoop(ClientCredentials(url, form, context.http, _no_token).token, job)

    async def of_the_factory() -> Token:
        return Token(await context.token(RESOURCE), time.monotonic() + _ASKED_AGAIN)

    return _FromTheLoop(of_the_factory, job)


class _FromTheLoop:
    """A credential whose tokens are asked for on the job's event loop, by a thread that waits."""

    def __init__(self, ask: Callable[[], Awaitable[Token]], job: Job) -> None:
        self._ask = ask
        self._job = job

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """The token; its scope is the storage service, whatever is asked.

        Raises:
            ActivityFailed: there is none.
        """

        async def asked() -> Token:
            return await self._ask()

        token = self._job.wait_for(asked())
        return AccessToken(token.text, int(time.time() + token.until - time.monotonic()))


def _no_token(why: str) -> DataFailure:
    return DataFailure(
        "FailedToGetAccessToken", f"Failed to get access token by using service principal. {why}"
    )
