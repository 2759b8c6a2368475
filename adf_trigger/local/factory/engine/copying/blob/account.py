"""The client of the storage account that a linked service names."""

from typing import Any

from azure.storage.blob import BlobServiceClient, ExponentialRetry

from adf_trigger.local.factory.engine.activities.base import ResolvedDataset
from adf_trigger.local.factory.engine.copying.blob.flavors import flavor_of
from adf_trigger.local.factory.engine.copying.failures import InvalidSettings, NotEmulated
from adf_trigger.local.factory.engine.copying.settings import refuse_unknown, text

# The SDK holds several times as much while it reads one.
READ_CHUNK = 1024 * 1024
_KNOWN = frozenset(
    {
        "accountKey",
        "accountKind",
        "authenticationType",
        "connectionString",
        "sasToken",
        "sasUri",
        # What the service adds to a linked service that it keeps: a copy of the secret, of no use here.
        "encryptedCredential",
    }
)
_AUTHENTICATION_TYPES = frozenset({"", "AccountKey", "SasUri"})


def blob_service(dataset: ResolvedDataset) -> BlobServiceClient:
    """Open the storage account of a dataset, by connection string, SAS URI, or endpoint and account key.

    Raises:
        InvalidSettings: the linked service does not say how to reach an account.
        NotEmulated: it asks for another kind of store or of authentication.
    """
    where = f"the linked service '{dataset.linked_service_name}'"
    endpoint = flavor_of(dataset).endpoint
    properties = dataset.linked_service
    refuse_unknown(properties, _KNOWN | {endpoint}, where)
    if text(properties, "authenticationType") not in _AUTHENTICATION_TYPES:
        raise NotEmulated(f"The authentication type '{properties['authenticationType']}' of {where}")
    try:
        return _client(properties, text(properties, endpoint), where)
    except ValueError as exc:
        # The SDK's message may quote the connection string, which is a secret.
        raise InvalidSettings(f"The connection settings of {where} cannot be read.") from exc


def _client(properties: dict[str, Any], endpoint: str, where: str) -> BlobServiceClient:
    options: dict[str, Any] = {
        "connection_timeout": 20,
        "read_timeout": 60,
        "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, random_jitter_range=1),
        "max_single_get_size": READ_CHUNK,
        "max_chunk_get_size": READ_CHUNK,
    }
    if connection := text(properties, "connectionString"):
        if (key := text(properties, "accountKey")) and "accountkey=" not in connection.lower():
            connection = f"{connection.rstrip(';')};AccountKey={key}"
        return BlobServiceClient.from_connection_string(connection, **options)
    if uri := text(properties, "sasUri"):
        token = text(properties, "sasToken") or None
        return BlobServiceClient(uri.replace(".dfs.", ".blob.", 1), credential=token, **options)
    if endpoint:
        endpoint = endpoint.replace(".dfs.", ".blob.", 1)
        if key := text(properties, "accountKey"):
            account = str(BlobServiceClient(endpoint).account_name)
            credential = {"account_name": account, "account_key": key}
            return BlobServiceClient(endpoint, credential=credential, **options)
        raise NotEmulated(f"Access without an account key or a SAS, as {where} asks for,")
    raise InvalidSettings(f"A connection string, a SAS URI or an endpoint is required in {where}.")
