"""Common fields of all activity runs on the Azure integration runtime."""

import json
import math
import time
from typing import Any

from adf_trigger.emulator.connectors.common.failures import DataFailure
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.contract.activity import ActivityFailed
from adf_trigger.emulator.contract.limits import LARGEST_OUTPUT, output_too_large


def integration_runtime(location: str) -> str:
    """The name of the Azure integration runtime in outputs."""
    return f"DefaultIntegrationRuntime ({location})"


def activity_run_fields(location: str) -> dict[str, Any]:
    """Wire fields of an activity run that ran on the Azure integration runtime."""
    runtime = {"name": "DefaultIntegrationRuntime", "type": "Managed", "location": location, "nodes": None}
    return {
        "integrationRuntimeNames": ["defaultintegrationruntime"],
        "executionDetails": {"integrationRuntime": [runtime]},
    }


class Stopwatch:
    """Times a pipeline activity (Lookup, GetMetadata, Delete) for its output."""

    def __init__(self, job: Job, location: str) -> None:
        self._job = job
        self._location = location
        self._begun = time.monotonic()

    @property
    def seconds(self) -> int:
        """Whole seconds since the start."""
        return int(time.monotonic() - self._begun)

    def fields(self, *, unit: str = "Hours", duration: bool = True) -> dict[str, Any]:
        """The last fields of recorded outputs.

        Args:
            unit: of the billed duration; DIUHours for a Lookup.
            duration: whether to include executionDuration; false for a Lookup.
        """
        hours = max(1, math.ceil(self.seconds / 60)) / 60
        return {
            "effectiveIntegrationRuntime": integration_runtime(self._location),
            **({"executionDuration": self.seconds} if duration else {}),
            "durationInQueue": {"integrationRuntimeQueue": int(self._job.queued)},
            "billingReference": {
                "activityType": "PipelineActivity",
                "billableDuration": [{"meterType": "AzureIR", "duration": hours, "unit": unit}],
            },
        }


def explain(failure: ActivityFailed, error_code: str, shown: Any) -> None:
    """Complete a failure with the activity's input and, for failures of data movement, its error code."""
    failure.input = shown
    if isinstance(failure, DataFailure):
        failure.error_code = error_code


def check_output_size(output: dict[str, Any]) -> None:
    """Check that an output does not exceed 4 MB.

    Raises:
        ActivityFailed: the output is larger.
    """
    size = len(json.dumps(output, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_OUTPUT:
        raise output_too_large()
