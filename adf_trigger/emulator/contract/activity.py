"""The interface between the engine and an activity type: one async function and one line in the registry."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from adf_trigger.emulator.outbound.surroundings import Surroundings


class ActivityFailed(Exception):
    """The activity has failed, as the service would report it.

    Args:
        message: text of `error.message`.
        error_code: `error.errorCode` (a string of digits or a word).
        failure_type: UserError or SystemError.
        details: `error.details`.
        output: the activity's output as shown in spite of the failure.
        input: the activity's input as shown.
        status: how the activity run ends, Failed or TimedOut; dependsOn treats both as Failed.
    """

    def __init__(
        self,
        message: str,
        *,
        error_code: str,
        failure_type: str = "UserError",
        details: Any = "",
        output: Any = None,
        input: Any = None,  # noqa: A002 - the service's own word
        status: str = "Failed",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code
        self.failure_type = failure_type
        self.details = details
        self.output = output
        self.input = input
        self.status = status


@dataclass(frozen=True, slots=True)
class ResolvedDataset:
    """A dataset with its linked service, both evaluated with their parameters.

    Attributes:
        name: name of the dataset.
        type: e.g. Binary, DelimitedText, Json, RestResource.
        properties: evaluated typeProperties of the dataset.
        linked_service_name: its linked service.
        linked_service_type: e.g. AzureBlobStorage, RestService.
        linked_service: evaluated typeProperties of the linked service. Secrets are plain strings, here and in
            `properties`.
        schema: the dataset's schema, where it has one.
    """

    name: str
    type: str
    properties: dict[str, Any]
    linked_service_name: str
    linked_service_type: str
    linked_service: dict[str, Any]
    schema: Any = None


@dataclass(slots=True)
class ActivityResult:
    """The input and output that a successful activity shows."""

    output: dict[str, Any] = field(default_factory=dict)
    input: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


class ActivityContext(Protocol):
    """The context of an activity. Cancellation arrives as asyncio.CancelledError at an await."""

    @property
    def name(self) -> str:
        """The activity's name."""

    @property
    def definition(self) -> dict[str, Any]:
        """The whole activity as written, expressions unevaluated."""

    @property
    def type_properties(self) -> dict[str, Any]:
        """Its typeProperties as written, expressions unevaluated."""

    @property
    def http(self) -> httpx.AsyncClient:
        """For calls to other services; one client for all activities."""

    @property
    def surroundings(self) -> Surroundings:
        """The stack around the pipelines, for an activity's own HTTP clients and for Azure's names."""

    @property
    def location(self) -> str:
        """Region of the factory, for outputs that name it (`East US`)."""

    def evaluate(self, value: Any) -> Any:
        """Evaluate every expression in a JSON value, deeply.

        Raises:
            ActivityFailed: an expression cannot be evaluated.
        """

    async def dataset(self, reference: dict[str, Any]) -> ResolvedDataset:
        """Resolve a DatasetReference (its parameters may be expressions) with its linked service.

        Raises:
            ActivityFailed: it does not exist, an expression in it cannot be evaluated, or one of its secrets
                cannot be read.
        """

    async def linked_service(self, reference: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Resolve a LinkedServiceReference: its type and its evaluated typeProperties, secrets as plain strings.

        Raises:
            ActivityFailed: as for a dataset.
        """

    async def reveal(self, value: Any) -> Any:
        """The same evaluated JSON with every SecureString and Key Vault secret in it as a plain string.

        The result must never be shown.

        Raises:
            ActivityFailed: a secret cannot be read.
        """

    async def token(self, resource: str) -> str:
        """An access token of the factory's own managed identity for a resource."""

    async def sleep(self, seconds: float) -> None:
        """Wait on the engine's clock."""


Activity = Callable[[ActivityContext], Awaitable[ActivityResult]]
"""Runs one attempt. Returns its result, or raises ActivityFailed."""
