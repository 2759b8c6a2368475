"""The output of a copy, in the shape shown by the quickstart and the monitoring article."""

import math
import time
from typing import Any

from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.common.models import wire_time
from adf_trigger.emulator.connectors.common.failures import DataFailure
from adf_trigger.emulator.connectors.common.integration_runtime import integration_runtime
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.contract.activity import ActivityFailed

DEFAULT_DATA_INTEGRATION_UNITS = 4


class CopyReport:
    """Measures a copy and makes its output.

    Args:
        job: has the copy's statistics.
        source_type: connector of the source, e.g. AzureBlobStorage, RestService.
        sink_type: connector of the sink.
        location: region of the factory.
        rows: whether rows are counted (not in a binary copy).
    """

    def __init__(self, job: Job, *, source_type: str, sink_type: str, location: str, rows: bool) -> None:
        self.source_files = True
        self.sink_files = True
        self.parallel_copies = 1
        self.data_integration_units = DEFAULT_DATA_INTEGRATION_UNITS
        self._job = job
        self._source_type = source_type
        self._sink_type = sink_type
        self._location = location
        self._rows = rows
        self._start = utcnow()
        self._begun = time.monotonic()

    def output(self, *, failure: ActivityFailed | None = None) -> dict[str, Any]:
        """The activity's output at its end.

        Args:
            failure: the failure of the copy; None if it succeeded.
        """
        done = self._job.statistics
        # The service reports whole seconds, at least one.
        duration = max(1, math.ceil(time.monotonic() - self._begun))
        counts: dict[str, tuple[float, bool]] = {
            "dataRead": (done.source.data, True),
            "dataWritten": (done.sink.data, True),
            "filesRead": (done.source.files, self.source_files),
            "filesWritten": (done.sink.files, self.sink_files),
            "sourcePeakConnections": (done.source.peak, True),
            "sinkPeakConnections": (done.sink.peak, True),
            "rowsRead": (done.source.rows, self._rows),
            "rowsCopied": (done.sink.rows, self._rows),
            "rowsSkipped": (done.skipped.rows, done.skipped.rows > 0),
            "copyDuration": (duration, True),
            "throughput": (round(done.source.data / 1024 / duration, 3), True),
        }
        # A failed copy leaves out counts of zero.
        shown = {
            name: count for name, (count, applies) in counts.items() if applies and (count or failure is None)
        }
        return shown | {
            "errors": [] if failure is None else [_error(failure)],
            "effectiveIntegrationRuntime": integration_runtime(self._location),
            "usedDataIntegrationUnits": self.data_integration_units,
            "billingReference": {
                "activityType": "DataMovement",
                "billableDuration": [self._billed(duration)],
            },
            "usedParallelCopies": self.parallel_copies,
            "executionDetails": [self._details(duration, "Succeeded" if failure is None else "Failed")],
            "dataConsistencyVerification": {"VerificationResult": "NotVerified"},
            "durationInQueue": {"integrationRuntimeQueue": int(self._job.queued)},
        }

    def _billed(self, duration: int) -> dict[str, Any]:
        """Data movement is billed per started minute."""
        hours = self.data_integration_units * math.ceil(duration / 60) / 60
        return {"meterType": "AzureIR", "duration": hours, "unit": "DIUHours"}

    def _details(self, duration: int, status: str) -> dict[str, Any]:
        queued = int(self._job.queued)
        transfer: dict[str, Any] = {"status": "Completed", "duration": duration - queued}
        if status == "Succeeded":
            transfer["details"] = self._working_durations()
        return {
            "source": {"type": self._source_type},
            "sink": {"type": self._sink_type, "region": self._location},
            "status": status,
            "start": wire_time(self._start),
            "duration": duration,
            "usedDataIntegrationUnits": self.data_integration_units,
            "usedParallelCopies": self.parallel_copies,
            "profile": {
                "queue": {"status": "Completed", "duration": queued},
                "transfer": transfer,
            },
            "detailedDurations": {
                "queuingDuration": queued,
                **self._first_byte(),
                "transferDuration": duration - queued,
            },
        }

    def _working_durations(self) -> dict[str, Any]:
        done = self._job.statistics
        reading = {"type": self._source_type, "workingDuration": int(done.source.busy), **self._first_byte()}
        durations = {
            "readingFromSource": reading,
            "writingToSink": {"type": self._sink_type, "workingDuration": int(done.sink.busy)},
        }
        if self.source_files:
            listing = {"type": self._source_type, "workingDuration": int(done.listing.busy)}
            return {"listingSource": listing, **durations}
        return durations

    def _first_byte(self) -> dict[str, int]:
        """Only for sources that measure it (REST)."""
        seconds = self._job.statistics.source.first_byte
        return {} if seconds is None else {"timeToFirstByte": int(seconds)}


# The numbers in recorded failures; all other failures get the general one.
_ERROR_NUMBERS = {"RestCallFailedWithClientError": 23353}
_GENERAL_ERROR_NUMBER = 2200


def _error(failure: ActivityFailed) -> dict[str, Any]:
    code = failure.code if isinstance(failure, DataFailure) else ""
    return {
        "Code": _ERROR_NUMBERS.get(code, _GENERAL_ERROR_NUMBER),
        "Message": failure.message,
        "EventType": 0,
        "Category": 5,
        "Data": {},
        "MsgId": None,
        "ExceptionType": None,
        "Source": None,
        "StackTrace": None,
        "InnerEventInfos": [],
    }
