"""The `error` of an activity run."""

from typing import Any

from adf_trigger.emulator.contract.activity import ActivityFailed


def no_error(target: str) -> dict[str, Any]:
    """The error of an activity run that has not failed, as in recorded runs: the same keys, empty strings."""
    return {"errorCode": "", "message": "", "failureType": "", "target": target, "details": ""}


def error_of(target: str, failure: ActivityFailed) -> dict[str, Any]:
    """The error of a failed activity run; the target is the activity's name."""
    return {
        "errorCode": failure.error_code,
        "message": failure.message,
        "failureType": failure.failure_type,
        "target": target,
        "details": failure.details,
    }
