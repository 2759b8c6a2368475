"""Secrets in evaluated properties: SecureStrings, and references to what an Azure Key Vault keeps."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

AskVault = Callable[[Mapping[str, Any]], Awaitable[str]]
"""Gives the value of an evaluated AzureKeyVaultSecret."""


async def revealed(value: Any, ask_vault: AskVault) -> Any:
    """The same JSON with every secret in it as its plain text. It is for use, and never to be shown.

    Args:
        value: evaluated properties.
        ask_vault: gives what a vault keeps.
    """
    if isinstance(value, dict):
        if value.get("type") == "SecureString":
            return value.get("value")
        if value.get("type") == "AzureKeyVaultSecret":
            return await ask_vault(value)
        return {name: await revealed(inner, ask_vault) for name, inner in value.items()}
    if isinstance(value, list):
        return [await revealed(inner, ask_vault) for inner in value]
    return value
