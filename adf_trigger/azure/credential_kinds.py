"""The kinds of credentials."""

from enum import StrEnum


class CredentialKind(StrEnum):
    """How the service authenticates to Azure: set explicitly, never guessed."""

    MANAGED_IDENTITY = "managed-identity"
    SERVICE_PRINCIPAL = "service-principal"
    WORKLOAD_IDENTITY = "workload-identity"
    AZURE_CLI = "azure-cli"
