"""What every run of an engine shares."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from adf_trigger.clock import Clock, IdSource
from adf_trigger.local.factory.engine.activities.control import ChildRun
from adf_trigger.local.factory.engine.activities.registry import Registry
from adf_trigger.local.factory.engine.limits import ActivityPlaces
from adf_trigger.local.factory.engine.options import EngineOptions
from adf_trigger.local.factory.engine.ports import Definitions, RunLog
from adf_trigger.local.factory.engine.secrets import GivenSecrets
from adf_trigger.local.factory.models import PipelineRun

TokenSource = Callable[[str, str], Awaitable[str]]
"""Gives an access token of a factory's identity: factory id, resource."""

StartChild = Callable[[PipelineRun, PipelineRun], ChildRun]
"""Stores and submits a run that another (the second) has started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The world as one run's execution sees it."""

    log: RunLog
    definitions: Callable[[str], Definitions]
    clock: Clock
    new_id: IdSource
    registry: Registry
    http: httpx.AsyncClient
    token: TokenSource
    options: EngineOptions
    start_child: StartChild
    secrets: GivenSecrets = field(default_factory=GivenSecrets)
    places: ActivityPlaces = field(default_factory=ActivityPlaces)
