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
        asked: whether the gate was consulted.
        pilot: locked by the first call until it has shown whether runs can be started; the others wait for it.
        proven: whether a call of this turn has shown that runs can be started.
        waits: whether any request waits whose call could show that runs can be started.
        behind: whether requests are left for the next tick.
        full: pipelines that take no more runs.
        failed_looks: consecutive failed reads.
        ended: records that have ended without a run.
        openings: lines that may have room, by the first request of each.
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
        """How many runs of others count against the limit of these places in this turn."""
        return next((each.others for each in self.openings.values() if each.places == places), 0)

    def begin_again(self) -> None:
        """Start runs again, the first one alone, now that what kept them from being started is over."""
        self.sending, self.asked, self.proven = True, False, False

    @property
    def needs_a_pilot(self) -> bool:
        """Whether no call of this turn has shown yet that runs can be started."""
        return not self.proven


@dataclass(frozen=True, slots=True)
class Taken:
    """A request whose turn it is.

    Attributes:
        row: its row.
        permit: to start its run; None where nothing is sent for it yet.
    """

    row: ActiveRun
    permit: Permit | None
