"""How runs progress: for real, or as scripted by a test."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

_OUTCOMES = ("Succeeded", "Failed", "Cancelled")


class Mode(Enum):
    """What makes a run end.

    REAL: its activities. All other modes run no activity; the run ends with the scripted outcome:
    AT_ONCE: before the response to createRun. AFTER_READS: at the first read after a number of reads.
    AFTER_SECONDS: after a number of seconds. HELD: when it is released by its id.
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
        reads: for AFTER_READS: number of reads that show the run in progress.
        seconds: for AFTER_SECONDS.
        outcome: Succeeded, Failed or Cancelled. Ignored in REAL.
        message: the run's message if it fails.
    """

    mode: Mode = Mode.REAL
    reads: int = 0
    seconds: float = 0.0
    outcome: str = "Succeeded"
    message: str = "Operation on target Scripted failed: the run was scripted to fail."

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown outcome or a negative number."""
        if self.outcome not in _OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(_OUTCOMES)}, not {self.outcome!r}")
        if self.reads < 0 or self.seconds < 0:
            raise ValueError("reads and seconds must not be negative")


class Progressions:
    """The progression of each pipeline: its own, or the default."""

    def __init__(self) -> None:
        self._chosen: dict[str, Progression] = {}

    def set(self, progression: Progression, *, pipeline: str = "") -> None:
        """Set the progression of one pipeline name, or the default of all others."""
        self._chosen[pipeline.casefold()] = progression

    def of(self, pipeline: str) -> Progression:
        """The progression of a pipeline's runs."""
        return self._chosen.get(pipeline.casefold()) or self._chosen.get("") or REAL

    def chosen(self) -> Mapping[str, Progression]:
        """The progressions that were set, by pipeline in lower case; the default by ""."""
        return dict(self._chosen)

    def reset(self) -> None:
        """Let all runs progress for real again."""
        self._chosen.clear()


REAL = Progression()
