"""The end of a run in Data Factory, as it is recorded."""

from dataclasses import dataclass
from datetime import datetime

from adf_trigger.results import ActivityError, Results


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """The end of a run in Data Factory.

    Attributes:
        status: the final status in Data Factory.
        errors: why activities failed; None where they were not read.
        truncated: whether message, errors or results were cut.
        results: the results of its activities.
    """

    status: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: int | None = None
    message: str = ""
    errors: tuple[ActivityError, ...] | None = ()
    truncated: bool = False
    results: Results | None = None
