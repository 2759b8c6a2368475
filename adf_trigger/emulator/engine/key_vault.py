"""Secrets in Azure Key Vaults: values given to the emulator, or else read from the vault itself."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from adf_trigger.emulator.contract.activity import ActivityFailed
from adf_trigger.emulator.engine.frames import Frame
from adf_trigger.emulator.engine.runtime import Runtime
from adf_trigger.emulator.engine.scopes import Scopes
from adf_trigger.emulator.expressions import to_text
from adf_trigger.emulator.outbound.surroundings import HostNotAllowed

ERROR_CODE: Final = "KeyVaultSecretUnavailable"
"""Error code of a secret that cannot be read; the one that the service uses is not known."""

_RESOURCE: Final = "https://vault.azure.net"
_API_VERSION: Final = "7.4"
_TIMEOUT: Final = httpx.Timeout(20.0, connect=10.0)
_TOTAL_TIMEOUT_SECONDS: Final = 30.0
"""Maximum time until the vault's reply is complete."""


class KeyVaults:
    """The vaults that the linked services of one run's factory refer to.

    Args:
        runtime: has the given secrets, the HTTP client, and tokens of the factory's identity.
        factory_id: resource id of the factory.
        scopes: resolves the linked services.
    """

    def __init__(self, runtime: Runtime, factory_id: str, scopes: Scopes) -> None:
        self._runtime = runtime
        self._factory_id = factory_id
        self._scopes = scopes

    async def secret(self, reference: Mapping[str, Any], frame: Frame) -> str:
        """The value of an evaluated AzureKeyVaultSecret.

        A given secret stands for all its versions. Any other is read from the vault with the factory's
        managed identity.

        Raises:
            ActivityFailed: the secret cannot be read; the message names the linked service and the secret.
        """
        store, name = reference.get("store"), to_text(reference.get("secretName"))
        if not isinstance(store, Mapping) or not store.get("referenceName") or not name:
            raise ActivityFailed(
                "A secret of type AzureKeyVaultSecret must have a store and a secretName.",
                error_code="BadRequest",
            )
        linked_service = str(store["referenceName"])
        given = self._runtime.secrets.find(linked_service, name)
        if given is not None:
            return given
        base_url = self._scopes.vault_url(store, frame)
        version = to_text(reference.get("secretVersion"))
        try:
            return await self._read(base_url, name, version)
        except _NoSecret as exc:
            # The text of real runs, plus the linked service.
            raise ActivityFailed(
                f"Failed to get the secret from key vault, secretName: {name}, secretVersion: {version}, "
                f"vaultBaseUrl: {base_url}. The error message is: {exc} The linked service is '{linked_service}'.",
                error_code=ERROR_CODE,
            ) from exc

    async def _read(self, base_url: str, name: str, version: str) -> str:
        path = "/".join(quote(part, safe="") for part in ("secrets", name, version) if part)
        try:
            token = await self._runtime.token(self._factory_id, _RESOURCE)
            async with asyncio.timeout(_TOTAL_TIMEOUT_SECONDS):
                reply = await self._runtime.http.get(
                    f"{base_url.rstrip('/')}/{path}",
                    params={"api-version": _API_VERSION},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=_TIMEOUT,
                )
        except ActivityFailed as exc:
            raise _NoSecret(exc.message) from exc
        except HostNotAllowed as exc:
            raise _NoSecret(f"The vault is not called: {exc}") from exc
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as exc:
            raise _NoSecret(f"The vault cannot be reached: {type(exc).__name__}.") from exc
        return _value_of(reply)


class _NoSecret(Exception):
    """A secret cannot be read from its vault; the message is a sentence that says why."""


def _value_of(reply: httpx.Response) -> str:
    try:
        body: Any = reply.json()
    except ValueError:
        body = None
    members = body if isinstance(body, dict) else {}
    if reply.status_code == HTTPStatus.OK:
        if not isinstance(members.get("value"), str):
            raise _NoSecret("The vault's reply has no value.")
        return str(members["value"])
    error = members.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    raise _NoSecret(str(message or f"Operation returned an invalid status code '{reply.status_code}'."))
