"""The turn of one factory in a tick: its parts, in stages, each within its share of the time."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from adf_trigger.errors import AdfTriggerError
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.timer.limits import TimeLimits
from adf_trigger.service.watching.monitor import Listed

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class FactoryTurn:
    """One factory's turn, and what its parts find out for those after them.

    Attributes:
        factory: whose turn it is.
        budget: calls that may still be spent on it.
        active: its active runs, read once.
        is_read: whether they could be read.
        ended: records that have ended since these were read.
        listed: what the monitor has listed.
        over: runs that the monitor has seen to have ended.
        trouble: parts that were not completed.
    """

    factory: FactoryHandle
    budget: Budget
    active: Sequence[ActiveRun] = ()
    is_read: bool = False
    ended: Sequence[Stored] = ()
    listed: Listed | None = None
    over: set[UUID] = field(default_factory=set)
    trouble: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a turn.

    Attributes:
        name: in the log and in what health says of the tick.
        share: of the time that is left when it begins.
        work: does it within a budget; may raise any error.
    """

    name: str
    share: float
    work: Callable[[FactoryTurn, Budget], None]


Stages = Sequence[Sequence[Part]]
"""Stages one after another; the parts of one stage run concurrently."""


def take_turn(stages: Stages, turn: FactoryTurn, limits: TimeLimits, tick_threads: TickThreads) -> None:
    """Run all stages for one factory. A part that fails is logged and noted as trouble; the others still run.

    Args:
        stages: what is done, in order.
        turn: of the factory.
        limits: of the tick.
        tick_threads: run the parts of a stage concurrently.
    """
    for stage in stages:
        tick_threads.each(lambda part: _attempt(part, turn, limits), stage, at_once=len(stage))


def _attempt(part: Part, turn: FactoryTurn, limits: TimeLimits) -> None:
    """Run one part; log it where that is not completed."""
    budget = turn.budget.part(limits.until(part.share))
    try:
        if not budget.is_over:
            part.work(turn, budget)
    except Exception as exc:  # the outermost edge of a part: it must not end the others' turns
        is_ours = not isinstance(exc, AdfTriggerError)
        logger.log(
            logging.ERROR if is_ours else logging.WARNING,
            "This tick could not %s %s: %s",
            part.name,
            turn.factory.alias,
            exc,
            exc_info=is_ours,
            extra={
                "action": f"{part.name}_failed",
                "factory": turn.factory.id,
                "error": type(exc).__name__,
            },
        )
        turn.trouble.append(f"{part.name} {turn.factory.alias}")
        return
    if budget.is_over:
        logger.warning(
            "This tick could not %s all of %s: its time was over, and the next tick continues",
            part.name,
            turn.factory.alias,
            extra={"action": "tick_cut", "factory": turn.factory.id, "part": part.name},
        )
        turn.trouble.append(f"{part.name} {turn.factory.alias}")
