"""The client of the storage account that a linked service names."""

from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import TokenCredential
from azure.storage.blob import BlobServiceClient, ContainerClient, ExponentialRetry

from adf_trigger.emulator.connectors.blob.flavors import account_of
from adf_trigger.emulator.connectors.blob.tokens import token_credential
from adf_trigger.emulator.connectors.common.client_credentials import SERVICE_PRINCIPAL
from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, text
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset
from adf_trigger.emulator.outbound.allowed_hosts import why_not_allowed
from adf_trigger.emulator.outbound.surroundings import Surroundings

# While it reads a chunk, the SDK takes several times this memory.
READ_CHUNK = 1024 * 1024
_KNOWN = SERVICE_PRINCIPAL | {
    "accountKey",
    "accountKind",
    "authenticationType",
    "connectionString",
    "sasToken",
    "sasUri",
    "servicePrincipalCredential",
    # Added by the service to stored linked services: a copy of the secret, ignored here.
    "encryptedCredential",
}
_AUTHENTICATION_TYPES = frozenset({"", "AccountKey", "SasUri", "ServicePrincipal", "Msi"})


def container_client(
    dataset: ResolvedDataset, container: str, context: ActivityContext, job: Job
) -> ContainerClient:
    """Open a container in the storage account of a dataset.

    The account is opened by connection string, by SAS URI, or by its endpoint: with an account key, else as a
    service principal, else with the factory's managed identity.

    Args:
        dataset: its linked service names the account.
        container: the container's name.
        context: supplies tokens.
        job: closes the client, and waits for tokens.

    Raises:
        InvalidSettings: the linked service does not identify an account, or lacks credentials.
        NotEmulated: the linked service is of another type, or has another type of authentication.
    """
    where = f"the linked service '{dataset.linked_service_name}'"
    endpoint = account_of(dataset).endpoint
    properties = dataset.linked_service
    forbid_unknown(properties, _KNOWN | {endpoint}, where)
    if text(properties, "authenticationType") not in _AUTHENTICATION_TYPES:
        raise NotEmulated(f"The authentication type '{properties['authenticationType']}' of {where}")
    try:
        service = _service(properties, text(properties, endpoint), where, context, job)
    except ValueError as exc:
        # The SDK's message may quote the connection string, which is a secret.
        raise InvalidSettings(f"The connection settings of {where} cannot be read.") from exc
    _check_host(job.close_on_exit(service), context.surroundings, where)
    return service.get_container_client(container)


def _check_host(service: BlobServiceClient, stack: Surroundings, where: str) -> None:
    host = urlsplit(str(service.url)).hostname or ""
    if not stack.allowed.allow(host):
        raise InvalidSettings(f"The storage account of {where} is not called: {why_not_allowed(host)}")


def _service(
    properties: dict[str, Any], endpoint: str, where: str, context: ActivityContext, job: Job
) -> BlobServiceClient:
    stack = context.surroundings
    if connection := text(properties, "connectionString"):
        if (key := text(properties, "accountKey")) and "accountkey=" not in connection.lower():
            connection = f"{connection.rstrip(';')};AccountKey={key}"
        return BlobServiceClient.from_connection_string(on_the_stack(connection, stack), **_options())
    if uri := text(properties, "sasUri"):
        return _client(endpoint_on_the_stack(uri, stack), text(properties, "sasToken") or None)
    if not endpoint:
        raise InvalidSettings(f"A connection string, a SAS URI or an endpoint is required in {where}.")
    local = endpoint_on_the_stack(endpoint, stack)
    if key := text(properties, "accountKey"):
        return _client(local, {"account_name": _account_name(local), "account_key": key})
    if local != endpoint:
        raise InvalidSettings(
            f"The local stack's storage account accepts account keys and shared access signatures, but no tokens: "
            f"{where} has neither an accountKey nor a sasUri."
        )
    if not endpoint.lower().startswith("https:"):
        raise InvalidSettings(
            f"Without an accountKey or a sasUri in {where} a token is sent, which requires an https endpoint."
        )
    return _client(endpoint, token_credential(properties, where, context, job))


def on_the_stack(connection: str, stack: Surroundings) -> str:
    """A connection string, completed with the stack's endpoints if it names the stack's account without any."""
    pairs = (part.partition("=") for part in connection.split(";"))
    given = {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}
    if given.get("usedevelopmentstorage", "").lower() == "true" and "developmentstorageproxyuri" not in given:
        return stack.storage.connection_string
    if given.get("accountname", "").lower() != stack.storage.name or "blobendpoint" in given:
        return connection
    suffix = given.get("endpointsuffix", "").strip("/").lower()
    if suffix not in {"", stack.cloud.storage_suffix}:
        return connection  # an account of that name in another cloud
    # The last of two values wins. The signature depends on the case of the account's name.
    return f"{connection.rstrip(';')};AccountName={stack.storage.name};BlobEndpoint={stack.storage.endpoints['blob']}"


def endpoint_on_the_stack(endpoint: str, stack: Surroundings) -> str:
    """An endpoint, or a URL with a signature; at the stack if its host is the cloud's name of the stack's account."""
    url = urlsplit(endpoint)
    hosts = {stack.cloud.storage_host(stack.storage.name, service) for service in ("blob", "dfs")}
    if url.hostname not in hosts:
        return endpoint
    query = f"?{url.query}" if url.query else ""
    return f"{stack.storage.endpoints['blob']}{url.path.rstrip('/')}{query}"


def _client(endpoint: str, credential: str | dict[str, str] | TokenCredential | None) -> BlobServiceClient:
    # An account with a hierarchical namespace serves both endpoints.
    return BlobServiceClient(endpoint.replace(".dfs.", ".blob.", 1), credential=credential, **_options())


def _account_name(endpoint: str) -> str:
    """The account's name: the first part of the host name, or the path of an emulator's endpoint."""
    with BlobServiceClient(endpoint.replace(".dfs.", ".blob.", 1)) as client:
        if client.account_name:
            return str(client.account_name)
    address = urlsplit(endpoint)
    return address.path.strip("/") or str(address.hostname).partition(".")[0]


def _options() -> dict[str, Any]:
    return {
        "permit_redirects": False,  # storage accounts never redirect, so another server has replied
        "connection_timeout": 20,
        "read_timeout": 60,
        "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, random_jitter_range=1),
        "max_single_get_size": READ_CHUNK,
        "max_chunk_get_size": READ_CHUNK,
    }
