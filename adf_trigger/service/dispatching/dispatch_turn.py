"""One turn of the dispatcher, which its threads share."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.admission.line import Opening
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.dispatching.reconcile import Sightings
from adf_trigger.service.holds.hold import NONE, Holds


@dataclass(slots=True)
class Turn:
    """One factory's turn of a tick. Threads share it.

    Attributes:
        holds: what operators hold.
        sending: whether runs may still be started in this turn; an error of the factory ends it.
        asked: whether the gate has been asked.
        pilot: held by the first call, until it has shown whether runs can be started; the others wait for it.
        proven: whether a run was started in this turn.
        waits: whether a request waits whose call could show whether runs can be started.
        behind: whether requests are left for the next tick.
        full: pipelines that take no more runs.
        failed_looks: consecutive failed reads.
        ended: records that have ended without a run.
        openings: lines for places in which there may be room, by the request that is first in each.
    """

    budget: Budget
    sightings: Sightings
    holds: Holds = NONE
    sending: bool = True
    asked: bool = False
    pilot: threading.Lock = field(default_factory=threading.Lock)
    proven: bool = False
    waits: bool = False
    behind: bool = False
    full: set[str] = field(default_factory=set)
    failed_looks: int = 0
    ended: list[Stored] = field(default_factory=list)
    openings: Mapping[str, Opening] = field(default_factory=dict)

    def others_beside(self, places: str | None) -> int:
        """How many runs of others are counted among places in this turn."""
        return next((each.others for each in self.openings.values() if each.places == places), 0)

    @property
    def needs_a_pilot(self) -> bool:
        """Whether it is still to be shown that runs can be started."""
        return not self.proven


@dataclass(frozen=True, slots=True)
class Taken:
    """A request whose turn it is.

    Attributes:
        row: its row.
        permit: to start its run; None where it is to be reconciled first.
    """

    row: ActiveRun
    permit: Permit | None
