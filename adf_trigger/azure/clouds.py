"""Azure's clouds: the endpoints of the management API, Entra ID, storage accounts and Data Factory Studio."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import SplitResult, urlsplit


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Azure's clouds, or a stand-in for one.

    Attributes:
        name: public, us-government or china.
        management_endpoint: base URL of the management API, without a trailing slash.
        authority_host: host name of Microsoft Entra ID in this cloud.
        token_scope: the scope of tokens for the management API.
        storage_suffix: the domain of storage accounts, after `{account}.queue.` and the like.
        studio: root of Data Factory Studio.
        callback_hosts: the hosts at which Data Factory's WebHook activities are called back, for instance
            `dpeastus.svc.datafactory.azure.com`; `*` is one whole label. Servers of customers are below `airflow.svc`,
            and do not match.
    """

    name: str
    management_endpoint: str
    authority_host: str
    token_scope: str
    storage_suffix: str
    studio: str
    callback_hosts: tuple[str, ...]

    @classmethod
    def named(cls, name: str) -> "Cloud":
        """The cloud of that name.

        Raises:
            ValueError: there is none; the text lists the known ones.
        """
        if name not in CLOUDS:
            raise ValueError(f"there is no cloud {name!r}; there are {', '.join(CLOUDS)}")
        return CLOUDS[name]

    def at(self, management_endpoint: str) -> Self:
        """The same cloud with its management API at another URL, for a proxy or an emulator.

        Raises:
            ValueError: it is no base URL, or it is plain http to an address that is not loopback.
        """
        return replace(self, management_endpoint=checked_endpoint(management_endpoint))


PUBLIC = Cloud(
    name="public",
    management_endpoint="https://management.azure.com",
    authority_host="login.microsoftonline.com",
    token_scope="https://management.azure.com/.default",  # noqa: S106  # the name of a scope, not a secret
    storage_suffix="core.windows.net",
    studio="https://adf.azure.com",
    callback_hosts=("*.svc.datafactory.azure.com",),
)
US_GOVERNMENT = Cloud(
    name="us-government",
    management_endpoint="https://management.usgovcloudapi.net",
    authority_host="login.microsoftonline.us",
    token_scope="https://management.core.usgovcloudapi.net/.default",  # noqa: S106  # the name of a scope, not a secret
    storage_suffix="core.usgovcloudapi.net",
    studio="https://adf.azure.us",
    callback_hosts=("*.svc.datafactory.azure.us",),
)
CHINA = Cloud(
    name="china",
    management_endpoint="https://management.chinacloudapi.cn",
    authority_host="login.chinacloudapi.cn",
    token_scope="https://management.chinacloudapi.cn/.default",  # noqa: S106  # the name of a scope, not a secret
    storage_suffix="core.chinacloudapi.cn",
    studio="https://adf.azure.cn",
    callback_hosts=("*.svc.datafactory.azure.cn",),
)
CLOUDS: Mapping[str, Cloud] = {cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)}


def checked_endpoint(url: str) -> str:
    """A base URL without a trailing slash: https, or plain http to a loopback address.

    Every call carries a bearer token, which must never leave the machine unencrypted.

    Raises:
        ValueError: it is not such a URL; the text says why.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http(s) URL")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("a service's endpoint may have only a host, a port and a path")
    _check_port(parts)
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError(f"{url!r} is plain http, which is allowed for loopback addresses only")
    return url.rstrip("/")


def _check_port(parts: SplitResult) -> None:
    try:
        _ = parts.port
    except ValueError as exc:
        raise ValueError(f"the endpoint has no valid port: {exc}") from exc


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
