"""Checks of foreign addresses before they are called: their form, and the machines that they resolve to.

An address may be chosen by anyone, and this app is inside a network and has an identity: it must not be made to call
anything that only its own network can reach.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

HTTPS = 443
LONGEST = 2_048

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_LONGEST_HOST = 253
_FORBIDDEN = re.compile(r"[^!-~]|[\\^`{|}<>\"]")
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})

_NOT_PUBLIC = tuple(
    ipaddress.ip_network(each)
    for each in (
        "168.63.129.16/32",  # Azure's platform, reachable from every virtual machine
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "2001::/32",  # IPv4 inside IPv6
        "2002::/16",
        "3fff::/20",  # documentation
    )
)
_UNICAST = ipaddress.ip_network("2000::/3")
"""All IPv6 that is allocated. Python regards more as global: site-local addresses, and those of translators."""

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a name."""


class UnsafeAddress(ValueError):
    """An address that must not be called. The text says why, without showing the address."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be called if its name resolves to a public machine.

    Attributes:
        host: its name, in lower case.
        port: 443, except on this machine.
        target: path and query.
        is_loopback: whether it is this machine.
        is_plain: whether it is plain http, which is allowed for this machine only.
    """

    host: str
    port: int
    target: str
    is_loopback: bool = False
    is_plain: bool = False


def checked_address(url: str, *, loopback: bool = False, longest: int = LONGEST) -> Address:
    """The parts of an address that may be called: https on port 443 of a host name, without a user.

    Args:
        url: the address.
        loopback: whether this machine may be called, too, on any port and in plain http: for tests.
        longest: maximum characters.

    Raises:
        UnsafeAddress: it must not be called.
    """
    if len(url) > longest or _FORBIDDEN.search(url):
        raise UnsafeAddress(f"must be a URL of at most {longest:,} ASCII characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UnsafeAddress("must be a URL") from None
    if "@" in parts.netloc:
        raise UnsafeAddress("must name no user")
    if parts.fragment or "#" in url:
        raise UnsafeAddress("must have no fragment")
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    if loopback and host in _LOOPBACK and parts.scheme in ("http", "https"):
        plain = parts.scheme == "http"
        return Address(host, port or (80 if plain else HTTPS), target, is_loopback=True, is_plain=plain)
    if parts.scheme != "https":
        raise UnsafeAddress("must begin with https://")
    if port not in (None, HTTPS) or parts.netloc.endswith(":"):
        raise UnsafeAddress("must be on port 443")
    labels = host.split(".")
    named = len(labels) > 1 and len(host) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))
    # No top-level domain is a number, and some resolvers read a name that ends with one as an IPv4 address.
    if not named or labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        raise UnsafeAddress("must have a host by its full name, not an IP address")
    return Address(host, HTTPS, target)


def resolved(address: Address, resolve: Resolve) -> str:
    """The IP address to connect to: the first one of the name, all of which must be public.

    Args:
        address: a checked address.
        resolve: resolves a name to addresses.

    Raises:
        UnsafeAddress: one of them is not public, or there is none.
        OSError: the name cannot be resolved.
    """
    found = [ipaddress.ip_address(each.partition("%")[0]) for each in resolve(address.host, address.port)]
    if not found:
        raise UnsafeAddress("leads to no address")
    if address.is_loopback:
        wrong = [each for each in found if not each.is_loopback]
    else:
        wrong = [each for each in found if not _is_public(each)]
    if wrong:
        raise UnsafeAddress("leads to an address that is not public")
    return str(found[0])


def addresses_of(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as this machine resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return False
    if any(address.version == each.version and address in each for each in _NOT_PUBLIC):
        return False
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not special
