"""The other machines that emulated pipelines may call; none by default.

A factory that was made for the cloud calls services there: web endpoints, functions, vaults. Called from a developer's
machine they would be those of production, so every other machine is refused until it is allowed by name.
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
    "may be repeated (default: this machine only)"
)


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts by name or address, in lower case: `api.example.org`, `*.example.org` (all below it), `*` (all)."""

    patterns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Self:
        """Hosts as on a command line.

        Raises:
            ValueError: one is not a host name.
        """
        found = [_plain(pattern) for pattern in patterns]
        for pattern in found:
            if not _PATTERN.fullmatch(pattern):
                raise ValueError(f"{pattern!r} is not the name of a host, without scheme, port and path")
        return cls(frozenset(found))

    def allow(self, host: str) -> bool:
        """Whether pipelines may call a host: this machine under its loopback names, or one that is allowed."""
        plain = _plain(host)
        if is_loopback(plain) or self.patterns & {"*", plain}:
            return True
        labels = plain.split(".")
        return any("*." + ".".join(labels[start:]) in self.patterns for start in range(1, len(labels)))


def allowed_host(text: str) -> str:
    """The argument type of `--allow-host`."""
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
    """The message for a pipeline that calls a host that is not allowed."""
    return (
        f"{host} is another machine, which this local Data Factory calls only if it is allowed: "
        f"--allow-host {host}"
    )


def _plain(host: str) -> str:
    lowered = host.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")
    try:
        return lowered.encode("idna").decode() if not lowered.isascii() else lowered
    except UnicodeError:
        return lowered
