"""What the engine asks of the world around it: definitions to read, and a log of runs to write."""

from collections.abc import Sequence
from typing import Any, Protocol

from adf_trigger.emulator.common.models import ActivityRun, PipelineRun


class Definitions(Protocol):
    """The resources of one factory. Each method gives `properties`, secrets unmasked; None if there is none."""

    def pipeline(self, name: str) -> dict[str, Any] | None:
        """A pipeline."""

    def dataset(self, name: str) -> dict[str, Any] | None:
        """A dataset."""

    def linked_service(self, name: str) -> dict[str, Any] | None:
        """A linked service."""

    def global_parameters(self) -> dict[str, Any]:
        """Name → value."""


class RunLog(Protocol):
    """Where runs are kept. Called from the event loop's thread, so it must be quick."""

    def save_run(self, run: PipelineRun) -> None:
        """Insert or update; the engine sets last_updated before it calls."""

    def save_activity(self, activity: ActivityRun) -> None:
        """Insert or update."""

    def run(self, factory_id: str, run_id: str) -> PipelineRun | None:
        """One run; None if it was never heard of."""

    def activities(self, factory_id: str, run_id: str) -> Sequence[ActivityRun]:
        """The activity runs of a run, in order of their start."""

    def unfinished(self) -> Sequence[PipelineRun]:
        """Runs that had not ended when the emulator stopped, in order of creation."""
