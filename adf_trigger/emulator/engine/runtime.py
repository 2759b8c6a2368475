"""The services and settings that all runs of an engine share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from adf_trigger.emulator.common.clock import Clock, IdSource
from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.contract.control import ChildRun
from adf_trigger.emulator.contract.limits import ActivitySlots
from adf_trigger.emulator.contract.registry import Registry
from adf_trigger.emulator.engine.ports import Definitions, RunLog
from adf_trigger.emulator.engine.secrets import GivenSecrets
from adf_trigger.emulator.outbound.surroundings import Surroundings

TokenSource = Callable[[str, str], Awaitable[str]]
"""Gets an access token of a factory's identity: factory id, resource."""

LocationOf = Callable[[str], str]
"""Returns the region of a factory by its resource id, for outputs that name one (`East US`)."""

StartChild = Callable[[PipelineRun, PipelineRun], ChildRun]
"""Stores and submits a child run: the child, its parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The services and settings that a run's execution uses."""

    log: RunLog
    definitions: Callable[[str], Definitions]
    clock: Clock
    new_id: IdSource
    registry: Registry
    http: httpx.AsyncClient
    token: TokenSource
    options: Options
    location: LocationOf
    start_child: StartChild
    surroundings: Surroundings = field(default_factory=Surroundings)
    secrets: GivenSecrets = field(default_factory=GivenSecrets)
    slots: ActivitySlots = field(default_factory=ActivitySlots)
