"""Activity runs as Data Factory's queryActivityruns shows them, for tests."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.support.world import START

COPY_OUTPUT: Mapping[str, Any] = {
    "dataRead": 7_340_032,
    "dataWritten": 7_340_032,
    "filesRead": 3,
    "filesWritten": 3,
    "sourcePeakConnections": 1,
    "sinkPeakConnections": 1,
    "rowsRead": 812,
    "rowsCopied": 812,
    "copyDuration": 6,
    "throughput": 1194.667,
    "errors": [],
    "effectiveIntegrationRuntime": "DefaultIntegrationRuntime (East US)",
    "usedDataIntegrationUnits": 4,
    "billingReference": {"activityType": "DataMovement", "billableDuration": [{"duration": 0.06}]},
    "usedParallelCopies": 1,
    "executionDetails": [{"source": {"type": "RestService"}, "status": "Succeeded"}],
    "dataConsistencyVerification": {"VerificationResult": "NotVerified"},
    "durationInQueue": {"integrationRuntimeQueue": 0},
}
"""Of a copy, as the page copy-activity-monitoring shows it."""


def activity(
    name: str,
    kind: str = "Copy",
    status: str = "Succeeded",
    *,
    began: float = 0,
    lasted: float | None = 1,
    error: tuple[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An activity run.

    Args:
        name: of the activity.
        kind: its type.
        status: its final status.
        began: seconds after the start of the test clock.
        lasted: seconds; None while it has not ended.
        error: code and message.
        more: further members, by their wire names.
    """
    start = START + timedelta(seconds=began)
    code, message = error or ("", "")
    return {
        "activityName": name,
        "activityType": kind,
        "activityRunId": str(uuid5(NAMESPACE_URL, f"{name}/{began}/{more.get('retryAttempt')}")),
        "status": status,
        "activityRunStart": _wire(start),
        "activityRunEnd": None if lasted is None else _wire(start + timedelta(seconds=lasted)),
        "durationInMs": None if lasted is None else int(lasted * 1000),
        "retryAttempt": None,
        "iterationHash": "",
        "userProperties": {},
        "input": {},
        "output": {},
        "error": {
            "errorCode": code,
            "message": message,
            "failureType": "UserError" if error else "",
            "target": name,
            "details": "",
        },
        **more,
    }


def failed(name: str, code: str, message: str = "", *, kind: str = "Copy", **more: Any) -> dict[str, Any]:
    """An activity run that has failed."""
    return activity(name, kind, "Failed", error=(code, message), **more)


def _wire(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
