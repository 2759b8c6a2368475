"""How a run has ended in Data Factory, as it is recorded."""

from dataclasses import dataclass
from datetime import datetime

from adf_trigger.results import ActivityError, Results


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run has ended in Data Factory.

    Attributes:
        status: Data Factory's last word.
        errors: why activities failed; None where they were not read.
        truncated: whether message, errors or results were cut.
        results: of its activities.
    """

    status: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: int | None = None
    message: str = ""
    errors: tuple[ActivityError, ...] | None = ()
    truncated: bool = False
    results: Results | None = None
