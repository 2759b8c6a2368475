"""One turn of the dispatcher, which its threads share."""

import threading
from dataclasses import dataclass, field

from adf_trigger.ledger.port import Stored
from adf_trigger.service.budget import Budget
from adf_trigger.service.reconcile import Sightings
from adf_trigger.service.throttling import Bucket


@dataclass(slots=True)
class Turn:
    """One factory's turn of a tick. Threads share it.

    Attributes:
        sending: whether runs may still be started: order of arrival is kept, and trouble of the factory ends it.
        asked: whether the gate has been asked.
        pilot: held by the first who sends, until it has shown whether runs can be started: the others wait for that.
        proven: whether it has.
        waits: whether a request was met that could show whether runs can be started.
        behind: whether requests are left that wait for their turn.
        full: pipelines that take no more runs.
        failed_looks: looks in a row that failed.
        ended: records that have ended without a run.
    """

    budget: Budget
    sightings: Sightings
    sending: bool = True
    asked: bool = False
    pilot: threading.Lock = field(default_factory=threading.Lock)
    proven: bool = False
    waits: bool = False
    behind: bool = False
    full: set[str] = field(default_factory=set)
    failed_looks: int = 0
    ended: list[Stored] = field(default_factory=list)

    @property
    def needs_a_pilot(self) -> bool:
        """Whether it is still to be shown that runs can be started."""
        return not self.proven


@dataclass(slots=True)
class Call:
    """One call of createRun.

    Attributes:
        is_taken: whether it has been taken from the budget.
        is_made: whether it was made.
    """

    budget: Budget
    is_taken: bool = True
    is_made: bool = False

    def is_taken_now(self) -> bool:
        """Whether it is taken; taken from the budget now, unless it was before."""
        self.is_taken = self.is_taken or self.budget.spend(Bucket.WRITES)
        return self.is_taken

    def give_back_unless_made(self) -> None:
        """The budget has it back where it came to nothing."""
        if self.is_taken and not self.is_made:
            self.budget.give_back(Bucket.WRITES)
