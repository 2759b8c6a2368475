"""What leads to each step of holding and releasing."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import requests
from azure.data.tables import TableClient

from adf_trigger.clock import utcnow
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.ledger.table import TableLedger
from adf_trigger.service.holds.hold import Hold, Scope, value_of
from adf_trigger.service.holds.notes import note_name
from tests.acceptance.crash.crashes import Crashes
from tests.support.local_stack import TIMEOUTS

HELD = "held"
"""A pipeline that only these scenarios hold."""
SECRET = "held-secret"
PASSWORD = {"parameters": {"password": "hunter2-hunter2"}}
_REASON = {"reason": "a deployment"}
_THROTTLED = {
    "operation": "CreateRun",
    "fault": "status",
    "status": 429,
    "code": "TooManyRequests",
    "retry_after": 1,
    "count": 1,
}


def deployed(crashes: Crashes, key: str) -> None:
    """A request that comes while its pipeline is held, and is released."""
    _order(crashes, "hold", {"pipeline": HELD, **_REASON})
    crashes.post(key, HELD)
    _order(crashes, "release", {"pipeline": HELD})


def met_by_the_timer(crashes: Crashes, key: str) -> None:
    """A request that waits for the timer when its pipeline is held."""
    crashes.stack.control("POST", "faults", {"rules": [_THROTTLED]})
    crashes.post(key, HELD)
    _order(crashes, "hold", {"pipeline": HELD, **_REASON})
    crashes.go_on_until_killed()
    _order(crashes, "release", {"pipeline": HELD})


def secret(crashes: Crashes, key: str) -> None:
    """A request with a secret that waits for its caller, whose hold is over."""
    _order(crashes, "hold", {"pipeline": SECRET, **_REASON})
    crashes.post(key, SECRET, body=PASSWORD)
    _order(crashes, "release", {"pipeline": SECRET})
    crashes.go_on_until_killed()
    crashes.tick()
    crashes.post(key, SECRET, body=PASSWORD)


def long_ago(crashes: Crashes, key: str) -> None:
    """A hold that ended long ago, when something is held."""
    endpoints = crashes.stack.endpoints
    then = utcnow() - timedelta(days=9)
    hold = Hold(scope=Scope(pipeline=key), reason="long ago", since=then, until=then, written_at=then)
    ledger = TableLedger(
        lambda: TableClient.from_connection_string(endpoints.storage_connection_string, endpoints.table)
    )
    ledger.notes().put(APP_SCOPE, note_name(endpoints.factory_id, hold.scope), value_of(hold))
    deployed(crashes, key)


def _order(crashes: Crashes, verb: str, body: Mapping[str, Any]) -> None:
    """Hold or release, as an operator does: again, where there was no answer."""
    url = f"{crashes.stack.endpoints.functions_url}/api/factories/default/{verb}"
    headers = {"x-functions-key": crashes.stack.endpoints.functions_key}
    status = crashes.ask(
        lambda: requests.post(url, json=dict(body), headers=headers, timeout=TIMEOUTS).status_code, verb
    )
    assert status == requests.codes.ok, status


OF_HOLDS: dict[str, tuple[Callable[[Crashes, str], None], ...]] = {
    "holds.put": (deployed,),
    "holds.remove": (long_ago,),
    "records.hold": (met_by_the_timer,),
    "records.unhold": (secret,),
}
"""What leads to each step."""
