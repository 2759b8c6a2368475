"""Frames: the outputs, the item and the iteration that an activity's expressions can see."""

import hashlib
from collections import ChainMap
from typing import Any

from adf_trigger.emulator.expressions import MISSING, Scope


class Frame:
    """One execution of a list of activities: a pipeline, a branch, an iteration.

    Attributes:
        activities: name → value of `activity('name')`, including those of the enclosing frames.
        item: value of `item()`, or MISSING.
        iteration_hash: the same for all activity runs of one iteration; empty outside loops.
        scope: the scope that expressions are evaluated in; made on first use.
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

        The hash depends only on names and numbers, so that a recovery run finds the same iteration.
        """
        inner = self.branch()
        inner.iteration_hash = hashlib.sha256(f"{self.iteration_hash}/{loop}/{number}".encode()).hexdigest()[
            :32
        ]
        if items:
            (inner.item,) = items
        return inner
