"""Which addresses may be called: names on the public internet, by https on 443, and no private network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.azure.public_addresses import Address, Resolve, UnsafeAddress, checked_address, resolved

PUBLIC = "93.184.216.34"
WEB = Address("hooks.example.com", 443, "/")


def leading_to(addresses: list[str]) -> Resolve:
    """A resolver that returns these addresses."""
    return lambda _host, _port: addresses


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com", "/"),
        ("https://hooks.example.com:443/a/b?c=d&e=%20", "/a/b?c=d&e=%20"),
        ("HTTPS://Hooks.Example.COM/a", "/a"),
        ("https://xn--gre-6ka8i.example/", "/"),
    ],
)
def test_a_name_by_https_on_443_may_be_called(url: str, target: str) -> None:
    """Path and query are passed on."""
    address = checked_address(url)
    assert (address.port, address.target, address.is_loopback) == (443, target, False)
    assert address.host == address.host.lower()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "//hooks.example.com",
        "http://hooks.example.com",
        "ftp://hooks.example.com",
        "file:///etc/passwd",
        "https://hooks.example.com:444/",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:/",
        "https://hooks.example.com:99999/",
        "https://user@hooks.example.com/",
        "https://user:secret@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://trusted.example.com@evil.example/",
        "https://hooks.example.com#fragment",
        "https://hooks.example.com#",
        "https://127.0.0.1/",
        "https://169.254.169.254/metadata",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://a.0x7f/",
        "https://localhost/",
        "https://intranet/",
        "https://.example.com/",
        "https://example..com/",
        "https://example.com./",
        "https://-a.example.com/",
        "https://a_b.example.com/",
        "https://größe.example.com/",
        "https://hooks.example.com/größe",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nHost: evil",
        "https://hooks.example.com\\@evil.example/",
        "https://hooks.example.com/" + "x" * 2_048,
        f"https://{'a' * 64}.example.com/",
        f"https://{'a.' * 130}example.com/",
    ],
)
def test_other_urls_may_not(url: str) -> None:
    """Another scheme or port, a user, an IP address, a partial name, and text that parsers read differently."""
    with pytest.raises(UnsafeAddress) as caught:
        checked_address(url)
    assert "example" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000/x", "http://localhost:80/", "https://localhost:8443/", "https://127.0.0.1/"],
)
def test_this_machine_is_allowed_for_tests_alone(url: str) -> None:
    """On any port and in plain http, where a setting allows it."""
    assert checked_address(url, loopback=True).is_loopback
    with pytest.raises(UnsafeAddress):
        checked_address(url)


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "http://127.0.0.2/", "ftp://localhost/"])
def test_that_setting_allows_this_machine_alone(url: str) -> None:
    """Plain http to other machines stays forbidden."""
    with pytest.raises(UnsafeAddress):
        checked_address(url, loopback=True)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1"),  # noqa: S104
        "192.0.0.1",
        *("192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
        *("::", "::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "ff02::1", "2001:db8::1"),
        *(
            "fec0::1",
            "feff::1",
            "3fff::1",
            "5f00::1",
            "::ffff:0:a00:1",
            "4000::1",
            "192.0.0.8",
            "192.88.99.1",
        ),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001::1"),
    ],
)
def test_a_name_that_resolves_to_a_private_address_is_not_called(address: str) -> None:
    """Private, local, shared, special, Azure's own, and IPv4 in every form of IPv6; also beside a public one."""
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        with pytest.raises(UnsafeAddress, match="not public"):
            resolved(WEB, leading_to(found))


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "20.50.2.1"])
def test_a_public_machine_is_called_at_the_checked_address(address: str) -> None:
    """The name is resolved once: later answers of the resolver make no difference."""
    answers = iter([[address], ["127.0.0.1"]])
    assert resolved(WEB, lambda _host, _port: next(answers)) == address


def test_a_name_that_does_not_resolve_is_not_called() -> None:
    """A name without an address has no public one."""
    with pytest.raises(UnsafeAddress, match="leads to no address"):
        resolved(WEB, lambda _host, _port: [])


def test_localhost_must_resolve_to_this_machine() -> None:
    """Other addresses of `localhost` are rejected."""
    local = checked_address("http://localhost:1/", loopback=True)
    assert resolved(local, lambda _host, _port: ["::1", "127.0.0.1"]) == "::1"
    with pytest.raises(UnsafeAddress):
        resolved(local, lambda _host, _port: [PUBLIC])


@given(st.text(max_size=300))
def test_any_text_is_an_allowed_address_or_rejected(text: str) -> None:
    """Any text is an address that may be called, or is rejected."""
    try:
        address = checked_address(f"https://{text}")
    except UnsafeAddress:
        return
    assert address.port == 443
    assert not address.is_plain
    assert address.host.isascii()
    assert not address.host.rpartition(".")[2].isdigit()
