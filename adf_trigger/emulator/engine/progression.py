"""How runs progress: for real, or as a test has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

_OUTCOMES = ("Succeeded", "Failed", "Cancelled")


class Mode(Enum):
    """What makes a run end.

    REAL: its activities. All other modes run no activity; the run just ends as it is told:
    AT_ONCE: before createRun has answered. AFTER_READS: at the read that follows a number of reads.
    AFTER_SECONDS: when that much time is over. HELD: when it is released by its id.
    """

    REAL = "real"
    AT_ONCE = "atOnce"
    AFTER_READS = "afterReads"
    AFTER_SECONDS = "afterSeconds"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progression:
    """How the runs of a pipeline progress.

    Attributes:
        mode: what makes them end.
        reads: for AFTER_READS: how many reads see the run going on.
        seconds: for AFTER_SECONDS.
        outcome: Succeeded, Failed or Cancelled. Not looked at in REAL.
        message: the run's message if it fails.
    """

    mode: Mode = Mode.REAL
    reads: int = 0
    seconds: float = 0.0
    outcome: str = "Succeeded"
    message: str = "Operation on target Scripted failed: the run was told to fail."

    def __post_init__(self) -> None:
        """Raises ValueError for what makes no sense."""
        if self.outcome not in _OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(_OUTCOMES)}, not {self.outcome!r}")
        if self.reads < 0 or self.seconds < 0:
            raise ValueError("reads and seconds must not be negative")


class Progressions:
    """The progression of each pipeline: its own, or the default."""

    def __init__(self) -> None:
        self._chosen: dict[str, Progression] = {}

    def set(self, progression: Progression, *, pipeline: str = "") -> None:
        """Choose for one pipeline name, or for all that have no choice of their own."""
        self._chosen[pipeline.casefold()] = progression

    def of(self, pipeline: str) -> Progression:
        """How a run of a pipeline is to progress."""
        return self._chosen.get(pipeline.casefold()) or self._chosen.get("") or REAL

    def chosen(self) -> Mapping[str, Progression]:
        """What was chosen, by pipeline in lower case; by "" for all others."""
        return dict(self._chosen)

    def reset(self) -> None:
        """Everything for real again."""
        self._chosen.clear()


REAL = Progression()
