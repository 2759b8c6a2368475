"""Which other machines emulated pipelines may call: none, unless they are named.

A factory that was made for the cloud calls what is there: its Web activities, its functions, its vaults. On a laptop
that would be production, so that what is not this machine is refused until somebody allows it by name.
"""

import argparse
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

_PATTERN = re.compile(r"\*|(\*\.)?[^\s/:*@?#\[\]]+|[0-9a-f:.]*:[0-9a-f:.]*")

HELP = (
    "let pipelines call this other machine: api.example.org, *.example.org for all below it, or * for every one; "
    "may be repeated (default: this machine alone)"
)


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts by name or address, in lower case: `api.example.org`, `*.example.org` (all below it), `*` (all)."""

    patterns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Self:
        """Hosts as they are written on a command line.

        Raises:
            ValueError: one is no host name.
        """
        found = [_plain(pattern) for pattern in patterns]
        for pattern in found:
            if not _PATTERN.fullmatch(pattern):
                raise ValueError(f"{pattern!r} is not the name of a host, without scheme, port and path")
        return cls(frozenset(found))

    def allow(self, host: str) -> bool:
        """Whether pipelines may call a host: this machine under its loopback names, or one that is named."""
        plain = _plain(host)
        if is_loopback(plain) or self.patterns & {"*", plain}:
            return True
        labels = plain.split(".")
        return any("*." + ".".join(labels[start:]) in self.patterns for start in range(1, len(labels)))


def allowed_host(text: str) -> str:
    """The type of `--allow-host`."""
    try:
        AllowedHosts.of([text])
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc
    return text


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: localhost, or a loopback address."""
    plain = _plain(host)
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return plain == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def why_not_allowed(host: str) -> str:
    """What a pipeline is told that wants to call a host that is not allowed."""
    return (
        f"{host} is another machine, which this local Data Factory does not call unless it is told to: "
        f"--allow-host {host}"
    )


def _plain(host: str) -> str:
    lowered = host.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")
    try:
        return lowered.encode("idna").decode() if not lowered.isascii() else lowered
    except UnicodeError:
        return lowered
