"""What leads a person's orders to each named step: a run is cancelled or rerun, an unknown outcome decided."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.acceptance.crash.crashes import Crashes

NOT_CANCELLED = {"operation": "CancelRun", "fault": "status"}
FAILED_BEFORE = {"operation": "CreateRun", "fault": "status", "status": 500, "when": "before", "count": 1}
FAILED_AFTER = {"operation": "CreateRun", "fault": "status", "status": 500, "when": "after", "count": 1}


def cancelled(crashes: Crashes, key: str) -> None:
    """A run that is cancelled while it goes on."""
    crashes.post(key, "long")
    crashes.steer(key, "cancel")


def cancelled_later(crashes: Crashes, key: str) -> None:
    """A run that is cancelled, and Data Factory gives no clear answer at first."""
    crashes.post(key, "long")
    crashes.stack.control("POST", "faults", {"rules": [{**NOT_CANCELLED, "status": 503, "count": 1}]})
    crashes.steer(key, "cancel")


def not_cancelled(crashes: Crashes, key: str) -> None:
    """A run that is to be cancelled, and Data Factory refuses."""
    crashes.post(key, "long")
    crashes.stack.control("POST", "faults", {"rules": [{**NOT_CANCELLED, "status": 400, "code": "Odd"}]})
    crashes.steer(key, "cancel")


def rerun(crashes: Crashes, key: str) -> None:
    """A run that has ended, and is rerun."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    crashes.post(key)
    crashes.stack.eventually(lambda: crashes.stack.status(key) == "Succeeded")
    crashes.plan.write_text(plan)
    crashes.steer(key, "rerun", own_key=f"{key}-again")


def adopted(crashes: Crashes, key: str) -> None:
    """A request whose fate is unknown, and whose run a person knows."""
    run_id = _parked(crashes, key, FAILED_AFTER)
    crashes.steer(key, "resolve", {"as": "adopt", "runId": run_id})


def resubmitted(crashes: Crashes, key: str) -> None:
    """A request whose fate is unknown, and which a person has sent again."""
    _parked(crashes, key, FAILED_BEFORE)
    crashes.steer(key, "resolve", {"as": "resubmit", "force": True})


def dismissed(crashes: Crashes, key: str) -> None:
    """A request whose fate is unknown, and which nobody needs any more."""
    _parked(crashes, key, FAILED_BEFORE)
    crashes.steer(key, "resolve", {"as": "dismiss"})


def _parked(crashes: Crashes, key: str, fault: Mapping[str, Any]) -> str:
    """Leave a request in doubt, without a kill, until it is parked; the run that was started for it, if one was."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    crashes.stack.eventually(crashes.all_over)  # else the runs of others would be hidden, too
    hidden = {"fault": "missing", "seconds": 60}
    crashes.stack.control("POST", "faults", {"rules": [fault, hidden]})
    before = {run["runId"] for run in crashes.stack.runs("parked")}
    crashes.post(key, "parked")
    crashes.stack.eventually(lambda: crashes.stack.status(key) == "Unknown")
    crashes.stack.control("DELETE", "faults")
    crashes.plan.write_text(plan)
    return next(iter({run["runId"] for run in crashes.stack.runs("parked")} - before), "")


OF_STEERING: dict[str, tuple[Callable[[Crashes, str], None], ...]] = {
    "records.ask_cancel": (cancelled,),
    "cancel.call": (cancelled,),
    "records.confirm_cancel": (cancelled,),
    "records.cancel_later": (cancelled_later,),
    "records.refuse_cancel": (not_cancelled,),
    "records.note": (rerun,),
    **dict.fromkeys(("adoption.claim", "adoption.release", "records.take_over"), (adopted,)),
    "records.resubmit": (resubmitted,),
    "records.dismiss": (dismissed,),
}
