"""Rows that do not fit: the copy fails on the first, unless it was told to skip them."""

from adf_trigger.emulator.connectors.common.failures import DataFailure
from adf_trigger.emulator.connectors.common.statistics import Statistics


class Rejects:
    """Decides about rows that do not fit.

    Args:
        skip: enableSkipIncompatibleRow of the Copy activity.
    """

    def __init__(self, statistics: Statistics, *, skip: bool = False) -> None:
        self._statistics = statistics
        self._skip = skip

    def row(self, failure: DataFailure) -> None:
        """Count a row as skipped.

        Raises:
            DataFailure: the one given, if rows are not to be skipped.
        """
        if not self._skip:
            raise failure
        self._statistics.skip_row()
