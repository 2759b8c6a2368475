"""The settings of the client and of the command: the service's URL and credentials.

The only reader of the environment in this package.
"""

import os
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, SecretStr

from adf_trigger.azure.clouds import checked_endpoint
from adf_trigger.errors import SettingsError

URL = "ADF_TRIGGER_URL"
KEY = "ADF_TRIGGER_KEY"
STORAGE = "AZURE_STORAGE_CONNECTION_STRING"
TRIGGERS = "ADF_TRIGGER_TRIGGERS"
_LONGEST_KEY = 1_024
PREFIX = "/api"


class ClientSettings(BaseModel):
    """The service's URL and credentials.

    Attributes:
        url: root of the app, `https://<app>.azurewebsites.net`; with a path where its route prefix is not `api`.
        key: function key or host key; None for calls that need no key.
        storage: connection string of the storage account with the events queue, as `az` prints it.
        triggers: definitions of triggers, as in the app's setting of that name.
    """

    model_config = ConfigDict(frozen=True)

    url: str | None = None
    key: SecretStr | None = None
    storage: SecretStr | None = None
    triggers: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read them from a mapping; default: the process environment. An empty value counts as unset."""
        source = os.environ if environ is None else environ
        given = {
            name: value for name in (URL, KEY, STORAGE, TRIGGERS) if (value := source.get(name, "").strip())
        }
        secrets = {name: SecretStr(given[name]) if name in given else None for name in (KEY, STORAGE)}
        return cls(
            url=given.get(URL), key=secrets[KEY], storage=secrets[STORAGE], triggers=given.get(TRIGGERS)
        )

    def over(self, *, url: str | None = None, key: str | None = None) -> Self:
        """A copy with the given values replaced."""
        return self.model_copy(
            update={"url": url or self.url, "key": SecretStr(key) if key is not None else self.key}
        )

    @property
    def api(self) -> str:
        """Root of the API, without a slash at its end.

        Raises:
            SettingsError: the URL is missing or invalid, or the key is invalid.
        """
        faults = []
        root = ""
        if self.url is None:
            faults.append(
                f"{URL}: is not set; it is https://<app>.azurewebsites.net, or the URL that `adf-trigger up` prints"
            )
        elif set("?@#") & set(self.url):  # not shown: it may hold a key
            faults.append(f"{URL}: may have a host, a port and a path, nothing else; the key goes into {KEY}")
        else:
            try:
                root = checked_endpoint(self.url)
            except ValueError as exc:
                faults.append(f"{URL}: {exc}")
        key = self.key.get_secret_value() if self.key else ""
        if len(key) > _LONGEST_KEY or not (key.isascii() and key.isprintable()):
            faults.append(
                f"{KEY}: is not a function key, which consists of printable ASCII characters on one line"
            )
        if faults:
            raise SettingsError(faults)
        has_path = root.partition("://")[2].count("/") > 0
        return root if has_path else root + PREFIX
