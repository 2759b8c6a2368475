"""What an activity can see of the activities around it."""

import hashlib
from collections import ChainMap
from typing import Any

from adf_trigger.emulator.expressions import MISSING, Scope


class Frame:
    """One run of a list of activities: a pipeline, a branch, an iteration.

    Attributes:
        activities: name → what `activity('name')` gives; those of the frames around it too.
        item: what `item()` gives, or MISSING.
        iteration_hash: the same for all activity runs of one iteration; empty outside loops.
        scope: the expressions' view of all this, made when it is first needed.
    """

    __slots__ = ("activities", "item", "iteration_hash", "scope")

    def __init__(self) -> None:
        self.activities: ChainMap[str, dict[str, Any]] = ChainMap()
        self.item: Any = MISSING
        self.iteration_hash = ""
        self.scope: Scope | None = None

    def branch(self) -> "Frame":
        """A frame inside this one, for a branch of a condition."""
        inner = Frame()
        inner.activities = self.activities.new_child()
        inner.item = self.item
        inner.iteration_hash = self.iteration_hash
        return inner

    def iteration(self, loop: str, number: int, *items: Any) -> "Frame":
        """A frame inside this one, for an iteration of a loop.

        The hash is made of names and numbers alone, so that a recovery run finds the same iteration.
        """
        inner = self.branch()
        inner.iteration_hash = hashlib.sha256(f"{self.iteration_hash}/{loop}/{number}".encode()).hexdigest()[
            :32
        ]
        if items:
            (inner.item,) = items
        return inner
