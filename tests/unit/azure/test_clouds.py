"""Azure's clouds and overridden endpoints."""

import pytest

from adf_trigger.azure.clouds import CLOUDS, PUBLIC, Cloud, checked_endpoint


@pytest.mark.parametrize(
    ("name", "endpoint", "authority", "scope", "storage", "studio", "callback_host"),
    [
        (
            "public",
            "https://management.azure.com",
            "login.microsoftonline.com",
            "https://management.azure.com/.default",
            "core.windows.net",
            "https://adf.azure.com",
            "*.svc.datafactory.azure.com",
        ),
        (
            "us-government",
            "https://management.usgovcloudapi.net",
            "login.microsoftonline.us",
            "https://management.core.usgovcloudapi.net/.default",
            "core.usgovcloudapi.net",
            "https://adf.azure.us",
            "*.svc.datafactory.azure.us",
        ),
        (
            "china",
            "https://management.chinacloudapi.cn",
            "login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
            "core.chinacloudapi.cn",
            "https://adf.azure.cn",
            "*.svc.datafactory.azure.cn",
        ),
    ],
)
def test_each_cloud_has_its_own_addresses(  # every address of a cloud
    name: str, endpoint: str, authority: str, scope: str, storage: str, studio: str, callback_host: str
) -> None:
    """Endpoint, authority, scope, storage, studio and callback hosts belong together."""
    assert Cloud.named(name) == Cloud(name, endpoint, authority, scope, storage, studio, (callback_host,))
    assert set(CLOUDS) == {"public", "us-government", "china"}


def test_an_unknown_cloud_is_rejected_with_the_known_ones() -> None:
    """The error lists the clouds."""
    with pytest.raises(ValueError, match="public, us-government, china"):
        Cloud.named("germany")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://adf.example.com/", "https://adf.example.com"),
        ("https://adf.example.com/base/", "https://adf.example.com/base"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_an_endpoint_is_https_or_on_this_machine(url: str, kept: str) -> None:
    """It is stored without its last slash, and the rest of the cloud stays unchanged."""
    assert PUBLIC.at(url).management_endpoint == kept
    assert PUBLIC.at(url).token_scope == PUBLIC.token_scope


@pytest.mark.parametrize(
    "url",
    [
        "http://management.azure.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1@example.com",
        "https://user:secret@example.com",
        "https://example.com?x=1",
        "https://example.com#x",
        "https://example.com:port",
        "ftp://example.com",
        "example.com",
        "https://",
        "",
    ],
)
def test_any_other_endpoint_is_rejected(url: str) -> None:
    """A bearer token never leaves the machine unencrypted, and never goes to an ambiguous URL."""
    with pytest.raises(ValueError, match=r"http|endpoint"):
        checked_endpoint(url)
