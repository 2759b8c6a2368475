"""A factory to load into a stack's data folder, and the result of loading it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts

FACTORY = FACTORY_ID.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """A factory to load.

    Attributes:
        source: folder of a factory's Git repository, or ARM template.
        factory: its local name.
        linked_services: properties by name, which replace those in the source.
        parameters: of the template.
        to_azurite: point its other linked services for blob storage and data lakes at the stack's own storage.
        allowed: other machines that its pipelines may call, for the report.
    """

    source: Path
    factory: str = FACTORY
    linked_services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    to_azurite: bool = False
    allowed: AllowedHosts = field(default_factory=AllowedHosts)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The result of loading a factory.

    Attributes:
        lines: of the report.
        failing: pipelines whose runs can fail because something is not emulated or not allowed.
    """

    lines: Sequence[str]
    failing: frozenset[str]
