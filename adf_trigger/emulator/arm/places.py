"""Where a caller reaches the emulated services: under the cloud's own names, or at this machine's addresses.

Whatever a reply names follows the name that was asked.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from adf_trigger.emulator.common.clouds import Cloud


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses of one cloud.

    Attributes:
        cloud: whose own names there are.
        authority_url: where Entra ID listens on this machine; None where it does not.
    """

    cloud: Cloud
    authority_url: str | None = None

    def under_own_names(self, base_url: str) -> bool:
        """Whether a caller used the cloud's own name of Resource Manager."""
        return urlsplit(base_url).hostname in {self.cloud.management, self.cloud.classic}

    def authority(self, base_url: str) -> str:
        """Where that caller gets tokens, without a slash at the end."""
        if self.authority_url is None or self.under_own_names(base_url):
            # The older name is what Resource Manager's challenges have.
            return f"https://{self.cloud.authorities[-1]}"
        return self.authority_url.rstrip("/")
