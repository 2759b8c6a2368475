"""What leads to each step of giving places to those who wait for one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from azure.data.tables import TableClient

from adf_trigger.clock import utcnow
from adf_trigger.ledger.places import KeptPlaces, Places, name_of
from adf_trigger.ledger.records import JoinedTo, RunRecord, Waits
from adf_trigger.ledger.table import TableLedger
from tests.acceptance.crash.crashes import Crashes
from tests.contracts.ledger_records import a_record

JOINED = "joined"
POLICY = {
    "single": {"admission": {"atOnce": 1}},
    JOINED: {"admission": {"atOnce": 1, "overflow": "join"}},
}
"""One run at once of pipelines that take a moment."""


def in_line(crashes: Crashes, key: str) -> None:
    """A request that waits until the one before it has ended."""
    crashes.post(f"first-{key}", "single")
    crashes.post(key, "single")


def taken_before(crashes: Crashes, key: str) -> None:
    """A request that was taken before there was a policy, and finds no place when it is to be started.

    Nothing else may be under way: what a tick is sending when it is killed has those wait who come then.
    """
    in_line(crashes, key)
    _claim(crashes, f"old-{key}", "single")


def nobody_left(crashes: Crashes, key: str) -> None:
    """Places that nobody has and nobody waits for."""
    name = name_of("single", "parameters.gone", uuid4().hex)
    _claim(crashes, key, "pause", KeptPlaces(Places(name=name, pipeline="single")))


def joined(crashes: Crashes, key: str) -> None:
    """A request that has joined the run of one that is the same."""
    asked_at = utcnow()
    crashes.post(f"first-{key}", JOINED)
    _join(crashes, key, asked_at)


def joined_too_late(crashes: Crashes, key: str) -> None:
    """A request that has joined a run that had ended before it, which nobody knew then."""
    crashes.post(f"first-{key}", JOINED)
    crashes.settle()
    _join(crashes, key, utcnow())


def _join(crashes: Crashes, key: str, asked_at: datetime) -> None:
    """Claim a request as one that has joined the one before it, however slow the machine is."""
    other = _ledger(crashes).get(crashes.stack.endpoints.factory_id, f"first-{key}")
    assert other is not None
    to = JoinedTo(request_id=f"first-{key}", run_id=other.record.run_id, is_confirmed=True)
    _claim(crashes, key, JOINED, requested_at=asked_at, waits_for=Waits.JOINED, joined_to=to)


def _claim(
    crashes: Crashes, key: str, pipeline: str, places: KeptPlaces | None = None, **fields: Any
) -> RunRecord:
    factory = crashes.stack.endpoints.factory_id
    record = a_record(factory, key, **{"pipeline": pipeline, "requested_at": utcnow(), **fields})
    crashes.acknowledged.add(key)
    return _ledger(crashes).claim(record, places).stored.record


def _ledger(crashes: Crashes) -> TableLedger:
    endpoints = crashes.stack.endpoints
    return TableLedger(
        lambda: TableClient.from_connection_string(endpoints.storage_connection_string, endpoints.table)
    )


OF_ADMISSION: dict[str, tuple[Callable[[Crashes, str], None], ...]] = {
    "records.admit": (in_line,),
    "records.end_joined": (joined,),
    "records.leave_joined": (joined_too_late,),
    "records.line_up": (taken_before,),
    "records.remove_places": (nobody_left,),
}
"""What leads to each step: one scenario for each way to it."""
