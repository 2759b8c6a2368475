"""What is to be loaded into a stack's data folder, and what has come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts

FACTORY = FACTORY_ID.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What is to be loaded.

    Attributes:
        source: folder of a factory's Git repository, or ARM template.
        factory: its name here.
        linked_services: by name, properties in the place of those in the source.
        parameters: of the template.
        to_azurite: lead its other linked services to blob storage and data lakes to the stack's own storage.
        allowed: other machines that its pipelines may call, for what is said of them.
    """

    source: Path
    factory: str = FACTORY
    linked_services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    to_azurite: bool = False
    allowed: AllowedHosts = field(default_factory=AllowedHosts)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What has come of it.

    Attributes:
        lines: what there is to say.
        failing: pipelines of which a run can fail for want of something that is not here, or not allowed.
    """

    lines: Sequence[str]
    failing: frozenset[str]
