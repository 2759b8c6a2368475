"""Which machines pipelines may call."""

import argparse

import pytest

from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts, allowed_host


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "localhost", "LocalHost.", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_this_machine_is_always_allowed(host: str) -> None:
    """Every form of a loopback address is allowed."""
    assert AllowedHosts().allow(host)


@pytest.mark.parametrize(
    "host",
    [
        "api.example.org",
        "localhost.example.org",
        "10.0.0.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "2130706433",
        "0x7f000001",
        "127.1",
        "::ffff:10.0.0.1",
        "",
    ],
)
def test_every_other_machine_is_forbidden(host: str) -> None:
    """Texts that only some parsers read as an address are forbidden, too."""
    assert not AllowedHosts().allow(host)


@pytest.mark.parametrize(
    ("pattern", "allowed", "refused"),
    [
        ("api.example.org", ["api.example.org", "API.Example.org."], ["example.org", "x.api.example.org"]),
        ("*.example.org", ["api.example.org", "a.b.example.org"], ["example.org", "aexample.org", "example.org.x"]),
        ("*", ["anything.at.all", "10.0.0.1"], []),
        ("10.0.0.1", ["10.0.0.1"], ["10.0.0.11", "110.0.0.1"]),
        ("2001:db8::1", ["2001:db8::1", "[2001:DB8::1]"], ["2001:db8::2"]),
        ("münchen.example", ["xn--mnchen-3ya.example", "münchen.example"], ["munchen.example"]),
    ],
)  # fmt: skip
def test_a_host_is_allowed_by_its_name(pattern: str, allowed: list[str], refused: list[str]) -> None:
    """A name matches itself in any case, *.name all below it and not itself, * every one."""
    hosts = AllowedHosts.of([pattern])
    assert [host for host in allowed if not hosts.allow(host)] == []
    assert [host for host in refused if hosts.allow(host)] == []


@pytest.mark.parametrize(
    "text", ["", "https://api.example.org", "api.example.org/path", "api.example.org:443", "a b", "*x", "a.*.b", "u@h"]
)  # fmt: skip
def test_an_invalid_host_is_reported(text: str) -> None:
    """A URL, a port or a star in the middle would silently match nothing."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not the name of a host"):
        allowed_host(text)
