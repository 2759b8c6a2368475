"""What leads a request, or an operator, to each named step."""

import contextlib
import json
from collections.abc import Callable
from uuid import uuid4

import requests
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient

from adf_trigger.clock import utcnow
from adf_trigger.ledger.records import RunState
from adf_trigger.ledger.table import TableLedger
from tests.acceptance.crash.admission_scenarios import OF_ADMISSION
from tests.acceptance.crash.callback_scenarios import OF_CALLBACKS
from tests.acceptance.crash.crashes import Crashes
from tests.acceptance.crash.event_scenarios import by_event, unwanted
from tests.acceptance.crash.hold_scenarios import OF_HOLDS
from tests.acceptance.crash.other_scenarios import OF_OTHERS
from tests.acceptance.crash.rejected_scenarios import (
    discarded,
    lost_in_the_queue,
    lost_with_secrets,
    sent_again,
)
from tests.acceptance.crash.steering_scenarios import (
    FAILED_AFTER,
    FAILED_BEFORE,
    OF_STEERING,
    cancelled,
    cancelled_later,
    not_cancelled,
)
from tests.contracts.ledger_records import a_record
from tests.support.local_stack import TIMEOUTS

REFUSED = {"referencePipelineRunId": "00000000-0000-4000-8000-000000000000"}
"""What Data Factory refuses by itself: the rerun of a run that it does not know."""
THROTTLED = {
    "operation": "CreateRun",
    "fault": "status",
    "status": 429,
    "code": "TooManyRequests",
    "retry_after": 1,
}
NOT_READ = {"operation": "GetPipeline", "fault": "status", "status": 503}
A_READ = 3
"""Calls of one read, which is tried again."""
DENIED = {
    "operation": "CreateRun",
    "fault": "status",
    "status": 403,
    "code": "AuthorizationFailed",
    "count": 1,
}
NOT_SHOWN = {"fault": "missing", "seconds": 6}
GONE = {"fault": "missing", "seconds": 60}
NOT_ANSWERED = {"operation": "GetRun", "fault": "status", "status": 400, "code": "Odd"}


def simple(crashes: Crashes, key: str) -> None:
    """A request that runs and ends."""
    crashes.post(key)


def refused_by_http(crashes: Crashes, key: str) -> None:
    """A request that Data Factory refuses while its caller waits."""
    crashes.post(key, body=REFUSED)


def refused_by_queue(crashes: Crashes, key: str) -> None:
    """A message whose run Data Factory refuses."""
    crashes.send({"pipeline": "pause", "requestId": key, **REFUSED})


def refused_then_repeated(crashes: Crashes, key: str) -> None:
    """A rejected request that is sent again."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    refused_by_queue(crashes, key)
    crashes.stack.eventually(lambda: crashes.stack.status(key) == "Rejected")
    crashes.stack.eventually(
        lambda: any(
            event["subject"] == key and event["data"]["status"] == "Rejected"
            for event in crashes.read_events()
        )
    )
    crashes.plan.write_text(plan)
    crashes.post(key)


def throttled(crashes: Crashes, key: str) -> None:
    """A request that has to wait for the timer."""
    crashes.stack.control("POST", "faults", {"rules": [{**THROTTLED, "count": 1}]})
    crashes.post(key)


def behind(crashes: Crashes, key: str) -> None:
    """A request that waits for its turn behind one that was throttled."""
    crashes.stack.control("POST", "faults", {"rules": [{**THROTTLED, "count": 1, "retry_after": 5}]})
    crashes.post(f"first-{key}")
    crashes.post(key)


def held(crashes: Crashes, key: str) -> None:
    """A request that has to wait until the app's role has effect."""
    crashes.stack.control("POST", "faults", {"rules": [DENIED]})
    crashes.post(key)


def lost_after(crashes: Crashes, key: str) -> None:
    """A request whose run started without an answer."""
    crashes.stack.control("POST", "faults", {"rules": [FAILED_AFTER]})
    crashes.post(key)


def asked_later(crashes: Crashes, key: str) -> None:
    """A request in doubt whose run cannot be asked for."""
    crashes.stack.control("POST", "faults", {"rules": [FAILED_AFTER, NOT_ANSWERED]})
    crashes.post(key)


def parked(crashes: Crashes, key: str) -> None:
    """A request whose fate stays unknown."""
    crashes.stack.control("POST", "faults", {"rules": [FAILED_BEFORE]})
    crashes.post(key, "parked")


def invisible(crashes: Crashes, key: str) -> None:
    """A request whose run is not shown until its sender's lease is over."""
    crashes.stack.control("POST", "faults", {"rules": [NOT_SHOWN]})
    crashes.post(key)


def gone(crashes: Crashes, key: str) -> None:
    """A request whose run the factory does not have any more."""
    crashes.stack.control("POST", "faults", {"rules": [GONE]})
    crashes.post(key)


def slow(crashes: Crashes, key: str) -> None:
    """A request whose run goes on for a while."""
    crashes.post(key, "slow")


def overdue(crashes: Crashes, key: str) -> None:
    """A run that goes on for longer than was asked for."""
    crashes.post(key, "slow", body={"overdueAfterSeconds": 1})


def routed(crashes: Crashes, key: str) -> None:
    """A run whose end is told to a webhook, too, which takes it the second time."""
    crashes.post(key, "routed")


def opened(crashes: Crashes, key: str) -> None:
    """A run that its caller opens again and again while it goes on."""
    slow(crashes, key)
    with contextlib.suppress(requests.ConnectionError):
        crashes.stack.eventually(lambda: crashes.killed() or crashes.has_succeeded(key), ticking=False)


def cancelled_unstarted(crashes: Crashes, key: str) -> None:
    """A request that waits for the timer, and is cancelled."""
    throttled(crashes, key)
    crashes.steer(key, "cancel")


def many_slow(crashes: Crashes, key: str) -> None:
    """More active runs than are asked for one by one, which go on."""
    for number in range(5):
        crashes.post(f"{key}-{number}", "slow")


def many(crashes: Crashes, key: str) -> None:
    """More active runs than are asked for one by one."""
    for number in range(5):
        crashes.post(f"{key}-{number}")


def invalid(crashes: Crashes, key: str) -> None:
    """A message that can never work."""
    crashes.send({"pipeline": "pause", "requestId": key, "surprise": 1})


def new_pipeline(crashes: Crashes, key: str) -> None:
    """A request for a pipeline that nobody has asked about."""
    pipeline = key.replace(".", "-")
    crashes.stack.define(pipeline)
    crashes.post(key, pipeline)


def no_pipeline(crashes: Crashes, key: str) -> None:
    """A request for a pipeline that does not exist."""
    crashes.post(key, "nowhere")


def new_ledger(crashes: Crashes, key: str) -> None:
    """A request beside a ledger that does not know itself any more: what a table that was made anew looks like."""
    with TableClient.from_connection_string(
        crashes.stack.endpoints.storage_connection_string, crashes.stack.endpoints.table
    ) as table:
        table.delete_entity("app", "note|ledger")
    crashes.post(key)


def acknowledged(crashes: Crashes, key: str) -> None:
    """An operator's word about a new ledger."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    new_ledger(crashes, key)
    root = f"{crashes.stack.endpoints.functions_url}/api/health"
    headers = {"x-functions-key": crashes.stack.endpoints.functions_key}

    def is_reported() -> bool:
        ledger = requests.get(f"{root}/details", headers=headers, timeout=TIMEOUTS).json().get("ledger")
        return ledger is not None and not ledger["acknowledged"]

    crashes.stack.eventually(is_reported)
    crashes.plan.write_text(plan)
    with contextlib.suppress(requests.ConnectionError):
        requests.post(f"{root}/acknowledge", headers=headers, timeout=TIMEOUTS)


def kept_aside(crashes: Crashes, key: str, reads: int = 1) -> None:
    """A message into which no key can be put, and which has to wait until its pipeline can be read."""
    pipeline = key.replace(".", "-")
    crashes.stack.define(pipeline)
    crashes.stack.control("POST", "faults", {"rules": [{**NOT_READ, "count": reads * A_READ}]})
    text = json.dumps({"pipeline": pipeline, "requestId": None, "parameters": {"n": 1}})
    with QueueClient.from_connection_string(
        crashes.stack.endpoints.storage_connection_string, crashes.stack.endpoints.requests_queue
    ) as queue:
        crashes.acknowledged.add(queue.send_message(text, time_to_live=-1).id)


def kept_aside_for_long(crashes: Crashes, key: str) -> None:
    """The same where reads of other requests meet the trouble, too."""
    kept_aside(crashes, key, reads=8)


def unconfigured(crashes: Crashes, key: str) -> None:
    """A request whose factory has left the settings, one that nobody has noted yet."""
    endpoints = crashes.stack.endpoints
    ledger = TableLedger(
        lambda: TableClient.from_connection_string(endpoints.storage_connection_string, endpoints.table)
    )
    ledger.claim(
        a_record(
            f"{endpoints.factory_id}-{uuid4().hex[:8]}",
            key,
            state=RunState.SUBMITTED,
            status="Queued",
            requested_at=utcnow(),
        )
    )
    crashes.acknowledged.add(key)


SCENARIOS: dict[str, tuple[Callable[[Crashes, str], None], ...]] = {
    "backlog.begin": (behind,),
    "backlog.end": (behind,),
    "definitions.keep": (new_pipeline,),
    "definitions.forget": (no_pipeline,),
    "factory_state.hold": (held,),
    "factory_state.probe": (held,),
    "factory_state.release": (held,),
    "records.claim": (simple, by_event),
    "records.reclaim": (refused_then_repeated,),
    "records.lease_to_send": (throttled,),
    "send.create_run": (simple,),
    "records.submit": (simple,),
    "records.hand_over": (invisible,),
    "records.postpone": (throttled,),
    "records.doubt": (lost_after,),
    "records.reject": (refused_by_queue, refused_by_http),
    "records.cancel": (cancelled_unstarted,),
    **OF_STEERING,
    "replay.send": (sent_again,),
    "rejected.discard": (discarded,),
    "rejected.mark_sent": (sent_again, lost_in_the_queue),
    "rejected.remind": (lost_in_the_queue,),
    "rejected.return": (lost_with_secrets,),
    "records.park": (parked,),
    "records.ask_later": (asked_later,),
    "records.adopt": (lost_after,),
    "records.see": (slow,),
    "records.end": (simple,),
    "records.look": (opened,),
    "observing.doubt": (parked,),
    **OF_OTHERS,
    **OF_ADMISSION,
    **OF_HOLDS,
    "records.overdue": (overdue,),
    "records.route": (routed,),
    "routes.claim": (routed,),
    "routes.keep": (routed,),
    "routes.note": (routed,),
    "routes.remove": (routed,),
    "routes.send": (routed,),
    **OF_CALLBACKS,
    "records.miss": (invisible,),
    "records.lose": (gone, unconfigured),
    "sweep.save": (many_slow,),
    "tick.note": (simple,),
    "records.save_cursor": (many,),
    "records.lease_to_publish": (refused_by_queue,),
    "rejected.keep": (refused_by_queue, invalid),
    "rejected.keep_aside": (kept_aside_for_long,),
    "rejected.list": (simple,),
    "rejected.remove": (kept_aside, sent_again),
    "rejected.purge": (simple,),
    "notify.rejected": (refused_by_queue, invalid),
    "notify.event": (simple, invalid),
    "records.publish": (simple,),
    "records.purge": (simple,),
    "events.count": (unwanted,),
    "health.keep": (simple,),
    "ledger.identify": (new_ledger,),
    "ledger.mark": (new_ledger,),
    "ledger.acknowledge": (acknowledged,),
    "neighbours.sign": (simple,),
    "strangers.note": (unconfigured,),
    "strangers.forget": (unconfigured,),
}
"""What leads to each step: one scenario for each way to it."""

ALONE = (invalid, kept_aside, kept_aside_for_long, gone, cancelled, cancelled_later, not_cancelled)
"""What must begin with nothing under way: another request would come to the step first, share the faults, or,
throttled, have it wait behind, so that what is cancelled was never started."""
