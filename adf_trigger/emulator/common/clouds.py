"""The clouds that can be emulated: the host names of each, and the audiences of its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One of Azure's clouds. Hosts are names without scheme.

    Attributes:
        name: public, us-government or china, as in the app's settings.
        display_name: its name in Resource Manager's metadata.
        management: host of Azure Resource Manager.
        classic: host of the older management API, which many scripts name as the audience of their tokens.
        authorities: hosts of Microsoft Entra ID, the current one first; all serve the same directory.
        storage_suffix: what follows `{account}.blob.`.
        vault_suffix: what follows `{vault}.`.
        portal: host of the portal.
        graph: host of Microsoft Graph.
    """

    name: str
    display_name: str
    management: str
    classic: str
    authorities: tuple[str, ...]
    storage_suffix: str
    vault_suffix: str
    portal: str
    graph: str

    @property
    def authority(self) -> str:
        """The current host of Microsoft Entra ID."""
        return self.authorities[0]

    @property
    def arm_audiences(self) -> frozenset[str]:
        """The accepted `aud` claims of a token for Azure Resource Manager in this cloud."""
        return frozenset(
            f"https://{host}{slash}" for host in (self.management, self.classic) for slash in ("", "/")
        )

    def storage_host(self, account: str, service: str) -> str:
        """Host of a storage account's service (`blob`, `queue`, `table`)."""
        return f"{account}.{service}.{self.storage_suffix}"


PUBLIC = Cloud(
    name="public",
    display_name="AzureCloud",
    management="management.azure.com",
    classic="management.core.windows.net",
    authorities=("login.microsoftonline.com", "login.windows.net"),
    storage_suffix="core.windows.net",
    vault_suffix="vault.azure.net",
    portal="portal.azure.com",
    graph="graph.microsoft.com",
)
US_GOVERNMENT = Cloud(
    name="us-government",
    display_name="AzureUSGovernment",
    management="management.usgovcloudapi.net",
    classic="management.core.usgovcloudapi.net",
    authorities=("login.microsoftonline.us",),
    storage_suffix="core.usgovcloudapi.net",
    vault_suffix="vault.usgovcloudapi.net",
    portal="portal.azure.us",
    graph="graph.microsoft.us",
)
CHINA = Cloud(
    name="china",
    display_name="AzureChinaCloud",
    management="management.chinacloudapi.cn",
    classic="management.core.chinacloudapi.cn",
    authorities=("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    storage_suffix="core.chinacloudapi.cn",
    vault_suffix="vault.azure.cn",
    portal="portal.azure.cn",
    graph="microsoftgraph.chinacloudapi.cn",
)
CLOUDS: Mapping[str, Cloud] = {cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)}
