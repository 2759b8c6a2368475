"""Every effect of the use cases is a named step.

The names are stable. They go to the log at debug level, and tests inject their own `Steps`, which ends the process
before or after a named effect, to show that every guarantee holds from there on.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

logger = logging.getLogger(__name__)

STEPS = frozenset(
    {
        "adoption.claim",
        "adoption.release",
        "backlog.begin",
        "backlog.end",
        "definitions.keep",
        "definitions.forget",
        "holds.put",
        "holds.remove",
        "factory_state.hold",
        "factory_state.probe",
        "factory_state.release",
        "records.claim",
        "records.reclaim",
        "records.lease_to_send",
        "records.admit",
        "records.line_up",
        "records.end_joined",
        "records.leave_joined",
        "records.remove_places",
        "send.create_run",
        "records.submit",
        "records.hand_over",
        "records.postpone",
        "records.hold",
        "records.unhold",
        "records.doubt",
        "records.ask_later",
        "records.reject",
        "records.cancel",
        "records.ask_cancel",
        "records.confirm_cancel",
        "records.cancel_later",
        "records.refuse_cancel",
        "records.note",
        "records.take_over",
        "records.resubmit",
        "records.dismiss",
        "rejected.discard",
        "rejected.mark_sent",
        "rejected.remind",
        "rejected.return",
        "replay.send",
        "cancel.call",
        "callbacks.keep",
        "callbacks.claim",
        "callbacks.call",
        "callbacks.postpone",
        "callbacks.remove",
        "callbacks.forget",
        "records.park",
        "records.adopt",
        "records.lose",
        "records.see",
        "records.end",
        "records.look",
        "records.observe",
        "observing.begin",
        "observing.end",
        "observing.doubt",
        "observing.settle",
        "observing.hold",
        "observing.release",
        "observing.move_on",
        "records.overdue",
        "records.miss",
        "sweep.save",
        "tick.note",
        "records.save_cursor",
        "records.lease_to_publish",
        "records.publish",
        "records.route",
        "routes.claim",
        "routes.keep",
        "routes.note",
        "routes.remove",
        "routes.send",
        "records.purge",
        "rejected.keep",
        "rejected.keep_aside",
        "rejected.list",
        "rejected.remove",
        "rejected.purge",
        "notify.rejected",
        "notify.event",
        "events.count",
        "health.keep",
        "ledger.identify",
        "ledger.mark",
        "ledger.acknowledge",
        "neighbours.sign",
        "strangers.note",
        "strangers.forget",
    }
)
"""The names of all steps."""


class Steps(Protocol):
    """Surrounds an effect: `with steps("send.create_run"): …`."""

    def __call__(self, name: str) -> AbstractContextManager[None]:
        """A context in which exactly one effect happens."""


@contextmanager
def logged_steps(name: str) -> Iterator[None]:
    """The steps of production: a debug line before and after each."""
    logger.debug("Step %s begins", name, extra={"action": "step_begins", "step": name})
    yield
    logger.debug("Step %s is done", name, extra={"action": "step_done", "step": name})
