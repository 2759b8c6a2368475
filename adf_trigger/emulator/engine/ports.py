"""The engine's ports: definitions to read, and a log of runs to write."""

from collections.abc import Sequence
from typing import Any, Protocol

from adf_trigger.emulator.common.models import ActivityRun, PipelineRun


class Definitions(Protocol):
    """The resources of one factory. Each method returns `properties`, secrets unmasked; None if there is none."""

    def pipeline(self, name: str) -> dict[str, Any] | None:
        """A pipeline."""

    def dataset(self, name: str) -> dict[str, Any] | None:
        """A dataset."""

    def linked_service(self, name: str) -> dict[str, Any] | None:
        """A linked service."""

    def global_parameters(self) -> dict[str, Any]:
        """Name → value."""


class RunLog(Protocol):
    """Where runs are stored. Called from the event loop's thread, so it must be fast."""

    def save_run(self, run: PipelineRun) -> None:
        """Insert or update; the engine has set last_updated."""

    def save_activity(self, activity: ActivityRun) -> None:
        """Insert or update."""

    def run(self, factory_id: str, run_id: str) -> PipelineRun | None:
        """One run; None if it does not exist."""

    def activities(self, factory_id: str, run_id: str) -> Sequence[ActivityRun]:
        """The activity runs of a run, ordered by start."""

    def unfinished(self) -> Sequence[PipelineRun]:
        """Runs that had not ended when the emulator stopped, in order of creation."""
