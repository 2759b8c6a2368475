"""Every effect of the use cases is a named step.

The names are stable. They go to the log at debug level, and tests put their own `Steps` in, which ends the process
before or after a named effect, to show that what was promised holds from there on.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

logger = logging.getLogger(__name__)

STEPS = frozenset(
    {
        "definitions.keep",
        "definitions.forget",
        "submit.claim",
        "submit.reclaim",
        "submit.release",
        "dispatch.lease",
        "dispatch.create_run",
        "dispatch.record_submitted",
        "dispatch.hand_over",
        "dispatch.record_postponed",
        "dispatch.record_in_doubt",
        "dispatch.record_rejected",
        "dispatch.record_unknown",
        "reconcile.record_adopted",
        "monitor.record_seen",
        "monitor.record_ended",
        "monitor.save_cursor",
        "publish.lease",
        "publish.reject",
        "publish.event",
        "publish.record_told",
        "refuse.reject",
        "refuse.event",
    }
)
"""All steps there are."""


class Steps(Protocol):
    """Surrounds an effect: `with steps("dispatch.create_run"): …`."""

    def __call__(self, name: str) -> AbstractContextManager[None]:
        """A context in which exactly one effect happens."""


@contextmanager
def logged_steps(name: str) -> Iterator[None]:
    """The steps of production: a debug line before and after each."""
    logger.debug("Step %s begins", name, extra={"action": "step_begins", "step": name})
    yield
    logger.debug("Step %s is done", name, extra={"action": "step_done", "step": name})
