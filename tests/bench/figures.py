"""What a bench gives: figures, each measured several times, some held against what is wanted of them."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class BenchFailed(Exception):
    """The measured code did not do its work, so that its speed means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity. Of its values the median counts.

    Attributes:
        name: what was measured.
        unit: of the values.
        values: one for each repeat, in order; at least one.
        at_least: what is wanted of the median, where more is better.
        below: what is wanted of the median, where less is better.
    """

    name: str
    unit: str
    values: Sequence[float]
    at_least: float | None = None
    below: float | None = None

    @property
    def median(self) -> float:
        """The median of the repeats."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median is as it is wanted; None where nothing is wanted."""
        if self.at_least is not None:
            return self.median >= self.at_least
        if self.below is not None:
            return self.median < self.below
        return None


Bench = Callable[[int], Sequence[Figure]]
"""Measures a number of times.

Raises:
    BenchFailed: what was measured did not do its work.
"""


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that this percentage of the values does not exceed."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
