"""What leads to each step of giving places to those who wait for one."""

from collections.abc import Callable
from uuid import uuid4

from azure.data.tables import TableClient

from adf_trigger.clock import utcnow
from adf_trigger.ledger.places import KeptPlaces, Places, name_of
from adf_trigger.ledger.records import RunRecord
from adf_trigger.ledger.table import TableLedger
from tests.acceptance.crash.crashes import Crashes
from tests.contracts.ledger_records import a_record

POLICY = {"single": {"admission": {"atOnce": 1}}}
"""One run at once of a pipeline that takes a moment."""


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


def _claim(crashes: Crashes, key: str, pipeline: str, places: KeptPlaces | None = None) -> RunRecord:
    endpoints = crashes.stack.endpoints
    ledger = TableLedger(
        lambda: TableClient.from_connection_string(endpoints.storage_connection_string, endpoints.table)
    )
    record = a_record(endpoints.factory_id, key, pipeline=pipeline, requested_at=utcnow())
    crashes.acknowledged.add(key)
    return ledger.claim(record, places).stored.record


OF_ADMISSION: dict[str, tuple[Callable[[Crashes, str], None], ...]] = {
    "records.admit": (in_line,),
    "records.line_up": (taken_before,),
    "records.remove_places": (nobody_left,),
}
"""What leads to each step: one scenario for each way to it."""
