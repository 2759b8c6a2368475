"""The addresses of the emulated services: under the cloud's own names, or on this machine.

The addresses in a reply are of the same kind as the one that was called.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from adf_trigger.emulator.common.clouds import Cloud


@dataclass(frozen=True, slots=True)
class CloudAddresses:
    """The addresses of one cloud.

    Attributes:
        cloud: the emulated cloud.
        authority_url: address of Entra ID on this machine; None if it is not served.
    """

    cloud: Cloud
    authority_url: str | None = None

    def under_own_names(self, base_url: str) -> bool:
        """Whether a caller used the cloud's own name of Resource Manager."""
        return urlsplit(base_url).hostname in {self.cloud.management, self.cloud.classic}

    def authority(self, base_url: str) -> str:
        """The authority that issues that caller's tokens, without a trailing slash."""
        if self.authority_url is None or self.under_own_names(base_url):
            # Resource Manager's challenges have the older name.
            return f"https://{self.cloud.authorities[-1]}"
        return self.authority_url.rstrip("/")
