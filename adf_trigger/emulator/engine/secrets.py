"""Secrets in evaluated properties: SecureStrings, and references to secrets in an Azure Key Vault."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import SecretStr

from adf_trigger.emulator.common.masking import is_secure_string, is_vault_secret

SecretReader = Callable[[Mapping[str, Any]], Awaitable[str]]
"""Returns the value of an evaluated AzureKeyVaultSecret."""

Secrets = Mapping[str, Mapping[str, SecretStr]]
"""Name of a linked service of type AzureKeyVault → name of a secret → its value."""


class GivenSecrets:
    """Secrets that stand in for those in vaults, so that no vault is needed. They are kept only in memory.

    Names of linked services and of secrets are case-insensitive, as in the service.
    """

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._values: dict[tuple[str, str], SecretStr] = {}

    def replace(self, given: Secrets) -> None:
        """Replace all secrets with these."""
        self._names = {linked_service: sorted(secrets) for linked_service, secrets in given.items()}
        self._values = {
            (linked_service.casefold(), name.casefold()): value
            for linked_service, secrets in given.items()
            for name, value in secrets.items()
        }

    def names(self) -> dict[str, list[str]]:
        """The names of the secrets of each linked service."""
        return self._names

    def find(self, linked_service: str, name: str) -> str | None:
        """The value of a secret; None if it was not given."""
        found = self._values.get((linked_service.casefold(), name.casefold()))
        return None if found is None else found.get_secret_value()


async def revealed(value: Any, read_secret: SecretReader) -> Any:
    """The same JSON with every secret in it as plain text. Never show the result.

    Args:
        value: evaluated properties.
        read_secret: returns the value of a secret in a vault.
    """
    if is_secure_string(value):
        return value.get("value")
    if is_vault_secret(value):
        return await read_secret(value)
    if isinstance(value, dict):
        return {name: await revealed(inner, read_secret) for name, inner in value.items()}
    if isinstance(value, list):
        return [await revealed(inner, read_secret) for inner in value]
    return value
