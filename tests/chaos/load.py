"""What is asked for: requests by HTTP and by queue, once and again, all of them chosen by a seed."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KEY_PARAMETER = "key"
"""Every request hands its key to its run, so that runs are matched to requests without the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline, and how its runs progress.

    Attributes:
        progression: as the emulator's control API takes it; None runs its activities.
        share: of the requests.
    """

    progression: Mapping[str, Any] | None
    share: float


PIPELINES: Mapping[str, Pipeline] = {
    "quick": Pipeline(progression={"mode": "at-once"}, share=0.7),
    "later": Pipeline(progression={"mode": "after-seconds", "seconds": 3}, share=0.1),
    "failing": Pipeline(progression={"mode": "at-once", "outcome": "Failed"}, share=0.1),
    "waiting": Pipeline(progression=None, share=0.1),
}

DEFINITION: Mapping[str, Any] = {
    "activities": [
        {"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}, "dependsOn": []}
    ],
    "parameters": {KEY_PARAMETER: {"type": "String"}},
}
"""What all of them do where they are not told how to progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, under one key.

    Attributes:
        calls: callers that ask by HTTP at the same time.
        again: whether one of them asks once more after it has been answered.
        messages: copies that are put on the requests queue.
    """

    key: str
    pipeline: str
    calls: int = 0
    again: bool = False
    messages: int = 0

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters of its run."""
        return {KEY_PARAMETER: self.key}


_WAYS: Sequence[tuple[float, Mapping[str, Any]]] = (
    (0.50, {"calls": 1}),
    (0.10, {"calls": 3}),
    (0.05, {"calls": 1, "again": True}),
    (0.25, {"messages": 1}),
    (0.05, {"messages": 2}),
    (0.05, {"calls": 1, "messages": 1}),
)
"""How requests are made, with the share of each."""


def plan(count: int, seed: int) -> list[Request]:
    """So many requests, in the order in which they are made."""
    dice = random.Random(seed)  # noqa: S311 - dice of a test, nothing secret
    names = dice.choices(list(PIPELINES), [each.share for each in PIPELINES.values()], k=count)
    ways = dice.choices([way for _, way in _WAYS], [share for share, _ in _WAYS], k=count)
    return [
        Request(key=f"request-{number}", pipeline=name, **way)
        for number, (name, way) in enumerate(zip(names, ways, strict=True))
    ]
