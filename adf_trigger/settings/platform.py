"""The settings under Azure's own names, which the host and azure-identity read as well as this app."""

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from adf_trigger.azure.clouds import checked_endpoint

_AUTHORITY = re.compile(r"(https://)?[A-Za-z0-9.-]+(:[0-9]+)?/?")


class PlatformSettings(BaseModel):
    """Settings whose names Azure defines. Each field names its variable as its alias."""

    model_config = ConfigDict(
        defer_build=True,
        frozen=True,
        extra="ignore",
        validate_by_name=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

    storage_connection_string: SecretStr | None = Field(
        default=None,
        alias="AzureWebJobsStorage",
        description="Storage by connection string (local stack, tests).",
    )
    storage_account_name: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9]{3,24}$",
        alias="AzureWebJobsStorage__accountName",
        description="Storage by identity: the account.",
    )
    storage_queue_uri: str | None = Field(
        default=None,
        alias="AzureWebJobsStorage__queueServiceUri",
        description="Storage by identity: its queues.",
    )
    storage_table_uri: str | None = Field(
        default=None,
        alias="AzureWebJobsStorage__tableServiceUri",
        description="Storage by identity: its tables.",
    )
    storage_client_id: str | None = Field(
        default=None,
        alias="AzureWebJobsStorage__clientId",
        description="Storage by identity: the user-assigned identity.",
    )
    tenant_id: str | None = Field(
        default=None, alias="AZURE_TENANT_ID", description="Tenant of the service principal."
    )
    client_id: str | None = Field(
        default=None,
        alias="AZURE_CLIENT_ID",
        description="The service principal, or the user-assigned identity.",
    )
    client_secret: SecretStr | None = Field(
        default=None, alias="AZURE_CLIENT_SECRET", description="Secret of the service principal."
    )
    client_certificate_path: str | None = Field(
        default=None,
        alias="AZURE_CLIENT_CERTIFICATE_PATH",
        description="PEM or PKCS12 certificate of the service principal.",
    )
    authority_host: str | None = Field(
        default=None, alias="AZURE_AUTHORITY_HOST", description="Overrides the cloud's Entra ID authority."
    )

    authentication_enabled: bool = Field(
        default=False,
        alias="WEBSITE_AUTH_ENABLED",
        description="Set by App Service: whether its authentication names the callers.",
    )
    host_name: str | None = Field(
        default=None,
        alias="WEBSITE_HOSTNAME",
        description="Set by App Service: distinguishes this app from others on the same storage.",
    )

    @field_validator("authentication_enabled", mode="before")
    @classmethod
    def _is_true(cls, value: object) -> object:
        # Set by the platform, so never a fault: any other value means that callers are not authenticated.
        return str(value).strip().lower() in {"true", "1"}

    @field_validator("storage_queue_uri", "storage_table_uri")
    @classmethod
    def _encrypted_or_loopback(cls, value: str | None) -> str | None:
        return None if value is None else checked_endpoint(value)

    @field_validator("authority_host")
    @classmethod
    def _encrypted(cls, value: str | None) -> str | None:
        if value is None or _AUTHORITY.fullmatch(value):
            return value
        raise ValueError("must be a host name or an https:// URL")
