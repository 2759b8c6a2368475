"""An activity's context without an engine, over literal values: expressions are the engine's concern."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from adf_trigger.emulator.contract.activity import ActivityFailed, ResolvedDataset
from adf_trigger.emulator.engine.secrets import revealed
from adf_trigger.emulator.outbound.surroundings import Surroundings


async def no_time(_seconds: float) -> None:
    """Let others have their turn, and wait no longer."""
    await asyncio.sleep(0)


@dataclass
class Context:
    """What an activity is given.

    Attributes:
        definition: of the activity.
        datasets: by name, with their secrets still as objects.
        linked_services: name → type and typeProperties.
        vault: name of a secret → what every Key Vault says it is.
        surroundings: the stack around the activity.
        slept: the requested waits, in seconds.
        issue_token: resource → token.
        tokens_asked: the resources for which tokens were requested.
        sleeper: how a wait is spent.
    """

    definition: dict[str, Any]
    http: httpx.AsyncClient
    datasets: Mapping[str, ResolvedDataset] = field(default_factory=dict)
    linked_services: Mapping[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    vault: Mapping[str, str] = field(default_factory=dict)
    location: str = "East US"
    surroundings: Surroundings = field(default_factory=Surroundings)
    slept: list[float] = field(default_factory=list)
    issue_token: Callable[[str], str] = "token-for-{}".format
    tokens_asked: list[str] = field(default_factory=list)
    sleeper: Callable[[float], Awaitable[None]] = no_time

    @property
    def name(self) -> str:
        return str(self.definition["name"])

    @property
    def type_properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.definition["typeProperties"]
        return properties

    def evaluate(self, value: Any) -> Any:
        return value

    async def dataset(self, reference: dict[str, Any]) -> ResolvedDataset:
        try:
            found = self.datasets[reference["referenceName"]]
        except KeyError as exc:
            raise ActivityFailed("there is no such dataset", error_code="BadRequest") from exc
        return replace(
            found,
            properties=await self.reveal(found.properties),
            linked_service=await self.reveal(found.linked_service),
        )

    async def linked_service(self, reference: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return self.linked_services[reference["referenceName"]]

    async def reveal(self, value: Any) -> Any:
        return await revealed(value, self._ask_vault)

    async def _ask_vault(self, secret: Mapping[str, Any]) -> str:
        return self.vault[secret["secretName"]]

    async def token(self, resource: str) -> str:
        self.tokens_asked.append(resource)
        return self.issue_token(resource)

    async def sleep(self, seconds: float) -> None:
        """Record the wait, and spend it as the test configures."""
        self.slept.append(seconds)
        await self.sleeper(seconds)
