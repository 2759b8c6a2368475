"""The app settings of the function app on the local stack."""

from collections.abc import Mapping

from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.hosting.defaults import FACTORY_ID


def app_settings(
    emulator: Mapping[str, str],
    *,
    storage: str,
    identity_header: str,
    client_secret: str,
    poll_schedule: str,
    chosen: Mapping[str, str],
) -> dict[str, str]:
    """The settings, as environment variables of the functions host.

    By default the app has a managed identity and talks plain http on the loopback address. With
    ADF_TRIGGER_CREDENTIAL=service-principal it signs in to the authority by secret (or by the certificate that
    AZURE_CLIENT_CERTIFICATE_PATH names) and uses https throughout.

    Args:
        emulator: addresses and files, as the emulator prints them.
        storage: connection string of Azurite.
        identity_header: secret of the managed-identity endpoint.
        client_secret: of the local stack's service principals.
        poll_schedule: of the timer.
        chosen: settings that override all of these.
    """
    settings = {
        "AzureWebJobsStorage": storage,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "ADF_TRIGGER_FACTORIES": FACTORY_ID,
        "ADF_TRIGGER_CREDENTIAL": CredentialKind.MANAGED_IDENTITY.value,
        "ADF_TRIGGER_MANAGEMENT_ENDPOINT": emulator["management_url"],
        "ADF_TRIGGER_POLL_SCHEDULE": poll_schedule,
        # Where the local Data Factory's WebHook activities wait.
        "ADF_TRIGGER_WEBHOOKS_TO_LOOPBACK": "true",
        "IDENTITY_ENDPOINT": emulator["identity_endpoint"],
        "IDENTITY_HEADER": identity_header,
    }
    if chosen.get("ADF_TRIGGER_CREDENTIAL") == CredentialKind.SERVICE_PRINCIPAL:
        settings |= {
            "ADF_TRIGGER_MANAGEMENT_ENDPOINT": emulator["management_tls_url"],
            "ADF_TRIGGER_CA_FILE": emulator["ca_file"],
            "AZURE_AUTHORITY_HOST": emulator["authority_url"],
            "AZURE_TENANT_ID": defaults.TENANT_ID,
            "AZURE_CLIENT_ID": defaults.TRIGGER_CLIENT_ID,
        }
        if "AZURE_CLIENT_CERTIFICATE_PATH" not in chosen:
            settings["AZURE_CLIENT_SECRET"] = client_secret
    return settings | dict(chosen)
