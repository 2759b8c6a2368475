"""The output of a copy, in the shape that the quickstart and the monitoring page show."""

import math
import time
from typing import Any

from adf_trigger.clock import utcnow
from adf_trigger.local.factory.engine.copying.job import Job
from adf_trigger.local.factory.models import wire_time

DEFAULT_DATA_INTEGRATION_UNITS = 4


def integration_runtime(location: str) -> str:
    """The Azure integration runtime as outputs name it."""
    return f"DefaultIntegrationRuntime ({location})"


def activity_run_fields(location: str) -> dict[str, Any]:
    """Wire fields of an activity run that ran on the Azure integration runtime."""
    runtime = {"name": "DefaultIntegrationRuntime", "type": "Managed", "location": location, "nodes": None}
    return {
        "integrationRuntimeNames": ["defaultintegrationruntime"],
        "executionDetails": {"integrationRuntime": [runtime]},
    }


class CopyReport:
    """Times a copy and tells what it did.

    Args:
        source_type: connector of the source, e.g. AzureBlobStorage, RestService.
        sink_type: connector of the sink.
        rows: whether rows are counted (a binary copy has none).
    """

    def __init__(self, job: Job, *, source_type: str, sink_type: str, location: str, rows: bool) -> None:
        self.parallel_copies = 1
        self.data_integration_units = DEFAULT_DATA_INTEGRATION_UNITS
        self.verification: dict[str, Any] = {"VerificationResult": "NotVerified"}
        self._job = job
        self._source_type = source_type
        self._sink_type = sink_type
        self._location = location
        self._rows = rows
        self._start = utcnow()
        self._begun = time.monotonic()

    def output(self, *, failure: str | None = None) -> dict[str, Any]:
        """The activity's output at its end.

        Args:
            failure: the error message, if the copy failed.
        """
        done = self._job.statistics
        # The service counts whole seconds, and never zero.
        duration = max(1, math.ceil(time.monotonic() - self._begun))
        output: dict[str, Any] = {
            "dataRead": done.source.data,
            "dataWritten": done.sink.data,
            "filesRead": done.source.files,
            "filesWritten": done.sink.files,
            "sourcePeakConnections": done.source.peak,
            "sinkPeakConnections": done.sink.peak,
        }
        if self._rows:
            output |= {"rowsRead": done.source.rows, "rowsCopied": done.sink.rows}
        if done.rows_skipped:
            output["rowsSkipped"] = done.rows_skipped
        if done.files_skipped:
            output["filesSkipped"] = done.files_skipped
        return output | {
            "copyDuration": duration,
            "throughput": round(done.source.data / 1024 / duration, 3),
            "errors": [] if failure is None else [_error(failure)],
            "effectiveIntegrationRuntime": integration_runtime(self._location),
            "usedDataIntegrationUnits": self.data_integration_units,
            "billingReference": {
                "activityType": "DataMovement",
                "billableDuration": [self._billed(duration)],
            },
            "usedParallelCopies": self.parallel_copies,
            "executionDetails": [self._details(duration, "Succeeded" if failure is None else "Failed")],
            "dataConsistencyVerification": self.verification,
            "durationInQueue": {"integrationRuntimeQueue": int(self._job.queued)},
        }

    def _billed(self, duration: int) -> dict[str, Any]:
        """Data movement is billed by the started minute."""
        hours = self.data_integration_units * math.ceil(duration / 60) / 60
        return {"meterType": "AzureIR", "duration": hours, "unit": "DIUHours"}

    def _details(self, duration: int, status: str) -> dict[str, Any]:
        done = self._job.statistics
        queued = int(self._job.queued)
        transfer = duration - queued
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
                "transfer": {
                    "status": "Completed" if status == "Succeeded" else status,
                    "duration": transfer,
                    "details": {
                        "listingSource": {
                            "type": self._source_type,
                            "workingDuration": int(done.listing.busy),
                        },
                        "readingFromSource": {
                            "type": self._source_type,
                            "workingDuration": int(done.source.busy),
                        },
                        "writingToSink": {"type": self._sink_type, "workingDuration": int(done.sink.busy)},
                    },
                },
            },
            "detailedDurations": {"queuingDuration": queued, "transferDuration": transfer},
        }


def _error(message: str) -> dict[str, Any]:
    return {
        "Code": 9208,
        "Message": message,
        "EventType": 0,
        "Category": 5,
        "Data": {},
        "MsgId": None,
        "ExceptionType": None,
        "Source": None,
        "StackTrace": None,
        "InnerEventInfos": [],
    }
