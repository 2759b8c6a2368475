"""Builds the credential and the storage account that the settings name."""

from dataclasses import replace
from pathlib import Path

from azure.core.credentials import TokenCredential

from adf_trigger.azure.clouds import CLOUDS
from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import CredentialSettings, build_credential
from adf_trigger.azure.storage import StorageAccount
from adf_trigger.errors import SettingsError
from adf_trigger.settings.model import CommonSettings


def credential_settings(settings: CommonSettings) -> CredentialSettings:
    """The settings of the credential."""
    known = {cloud.authority_host for cloud in CLOUDS.values()}
    authority = settings.authority_host or CLOUDS[settings.cloud].authority_host
    return CredentialSettings(
        kind=settings.credential,
        tenant_id=settings.tenant_id,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        certificate_path=_path(settings.client_certificate_path),
        authority_host=authority,
        disable_instance_discovery=authority.removeprefix("https://") not in known,
        ca_file=_path(settings.ca_file),
    )


def storage_account(settings: CommonSettings) -> StorageAccount:
    """The storage account that the settings name: by connection string, else by identity.

    Raises:
        SettingsError: a setting cannot be used.
    """
    secret = settings.storage_connection_string
    if secret is not None:
        return StorageAccount(
            connection_string=secret.get_secret_value(),
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
        )
    suffix = CLOUDS[settings.cloud].storage_suffix
    account = settings.storage_account_name
    return StorageAccount(
        queue_endpoint=settings.storage_queue_uri or f"https://{account}.queue.{suffix}",
        table_endpoint=settings.storage_table_uri or f"https://{account}.table.{suffix}",
        credential=_storage_credential(settings),
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
    )


def _storage_credential(settings: CommonSettings) -> TokenCredential:
    own = credential_settings(settings)
    if settings.storage_client_id is not None:
        own = replace(own, kind=CredentialKind.MANAGED_IDENTITY, client_id=settings.storage_client_id)
    try:
        return build_credential(own)
    except (OSError, ValueError) as exc:
        raise SettingsError([f"ADF_TRIGGER_CREDENTIAL: cannot be used: {type(exc).__name__}"]) from exc


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
