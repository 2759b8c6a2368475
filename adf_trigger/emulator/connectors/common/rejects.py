"""Incompatible rows: by default the first one fails the copy; optionally they are skipped."""

from adf_trigger.emulator.connectors.common.failures import DataFailure
from adf_trigger.emulator.connectors.common.statistics import Statistics


class Rejects:
    """Fails the copy because of an incompatible row, or counts it as skipped.

    Args:
        statistics: counts the skipped rows.
        skip: enableSkipIncompatibleRow of the Copy activity.
    """

    def __init__(self, statistics: Statistics, *, skip: bool = False) -> None:
        self._statistics = statistics
        self._skip = skip

    def row(self, failure: DataFailure) -> None:
        """Count a row as skipped.

        Raises:
            DataFailure: `failure`, if rows are not skipped.
        """
        if not self._skip:
            raise failure
        self._statistics.skip_row()
