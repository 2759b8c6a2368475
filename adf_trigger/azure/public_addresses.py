"""Addresses that are not ours: which may be called, and where they lead.

What an address says may be anybody's choice, and this app stands inside a network and has an identity: it must not be
sent to what only its own network can reach.
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
        "168.63.129.16/32",  # Azure's platform, reached from every virtual machine
        "192.0.0.0/24",  # for protocols
        "192.88.99.0/24",  # relays of 6to4
        "2001::/32",  # IPv4 inside of IPv6
        "2002::/16",
        "3fff::/20",  # for documents
    )
)
_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given out. Beside it Python calls more global: site-local addresses, and what translators use."""

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a name."""


class UnsafeAddress(ValueError):
    """An address that must not be called. The text says why, and shows nothing of it."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be called, once its name leads to a public machine.

    Attributes:
        host: its name, in lower case.
        port: 443; another one of this machine alone.
        target: path and query.
        is_loopback: whether it is this machine.
        is_plain: whether it is plain http, which only this machine may be.
    """

    host: str
    port: int
    target: str
    is_loopback: bool = False
    is_plain: bool = False


def checked_address(url: str, *, loopback: bool = False, longest: int = LONGEST) -> Address:
    """The parts of an address, where it may be called: https on 443 at a name, without a user.

    Args:
        url: as it is given.
        loopback: whether this machine may be called, too, on any port and in plain http: for tests.
        longest: characters that it may have.

    Raises:
        UnsafeAddress: it may not.
    """
    if len(url) > longest or _FORBIDDEN.search(url):
        raise UnsafeAddress(f"must be a URL of at most {longest:,} characters of ASCII")
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
    # No top-level domain is a number, and what ends with one some resolvers take for an address of IPv4.
    if not named or labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        raise UnsafeAddress("must have a host by its full name, not an IP address")
    return Address(host, HTTPS, target)


def resolved(address: Address, resolve: Resolve) -> str:
    """The machine to dial: the first of those that the name leads to, all of which have to be public.

    Args:
        address: checked.
        resolve: asks for the addresses of a name.

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
