"""What leads to each step of telling runs that others start."""

from collections.abc import Callable
from uuid import uuid4

from azure.data.tables import TableClient

from adf_trigger.clock import utcnow
from adf_trigger.ledger.notes import Note
from adf_trigger.ledger.table import TableLedger
from adf_trigger.ledger.table_notes import TableNotes
from tests.acceptance.crash.crashes import Crashes

POLICY = {
    "watched": {"observe": "topLevel"},
    "doubted": {"observe": "topLevel", "unknownOutcome": "park"},
}
_UNCLEAR = {"operation": "CreateRun", "fault": "status", "status": 500, "when": "before", "count": 1}
_HIDDEN = {"fault": "missing", "seconds": 60}


def watched(crashes: Crashes, _: str) -> None:
    """A run that somebody else has started."""
    _start(crashes, "watched")


def begun_anew(crashes: Crashes, _: str) -> None:
    """A policy that nobody has seen yet, as far as the ledger knows."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    crashes.settle()  # what has ended by now would have ended before the policy
    note = _kept(crashes, "since")[0]
    _notes(crashes).remove(crashes.stack.endpoints.factory_id, note.name)
    crashes.plan.write_text(plan)


def taken_away(crashes: Crashes, _: str) -> None:
    """A policy of an earlier deployment."""
    note = _kept(crashes, "since")[0]
    name = f"{note.name.rpartition('|')[0]}|{uuid4().hex}"
    value = {"policy": "gone", "since": utcnow().isoformat()}
    _notes(crashes).put(crashes.stack.endpoints.factory_id, name, value)


def settled(crashes: Crashes, key: str) -> None:
    """A run that ends when a doubt is over."""
    plan = _in_doubt(crashes, key)
    crashes.plan.write_text(plan)  # before it is over: a tick of its own may settle it at once
    crashes.steer(key, "resolve", {"as": "dismiss"})
    _start(crashes, "watched")


def held_back(crashes: Crashes, key: str) -> None:
    """A run that ends while the fate of a request is unknown; that is decided later."""
    plan = _in_doubt(crashes, key)
    crashes.plan.write_text(plan)
    _start(crashes, "doubted")
    crashes.go_on_until_killed()
    crashes.steer(key, "resolve", {"as": "dismiss"})


def released(crashes: Crashes, key: str) -> None:
    """A run that was held, once it is decided."""
    plan = _in_doubt(crashes, key)
    _start(crashes, "doubted")
    crashes.stack.eventually(lambda: bool(_kept(crashes, "held")))
    crashes.plan.write_text(plan)
    crashes.steer(key, "resolve", {"as": "dismiss"})


def _start(crashes: Crashes, pipeline: str) -> None:
    run = crashes.stack.quickstart.client.create_run(pipeline, {}, client_request_id=uuid4())
    crashes.acknowledged.add(f"run-{run.run_id}")


def _in_doubt(crashes: Crashes, key: str) -> str:
    """Leave a request in doubt, without a kill, until its fate is unknown; the plan that was to be followed."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    crashes.stack.eventually(crashes.all_over)  # else the runs of others would be hidden, too
    crashes.stack.control("POST", "faults", {"rules": [_UNCLEAR, _HIDDEN]})
    crashes.post(key, "doubted")
    crashes.stack.eventually(lambda: crashes.stack.status(key) == "Unknown")
    crashes.stack.control("DELETE", "faults")
    return plan


def _kept(crashes: Crashes, kind: str) -> list[Note]:
    return [*_notes(crashes).named(crashes.stack.endpoints.factory_id, f"observe|{kind}|")]


def _notes(crashes: Crashes) -> TableNotes:
    endpoints = crashes.stack.endpoints
    return TableLedger(
        lambda: TableClient.from_connection_string(endpoints.storage_connection_string, endpoints.table)
    ).notes()


OF_OTHERS: dict[str, tuple[Callable[[Crashes, str], None], ...]] = {
    "records.observe": (watched,),
    "observing.begin": (begun_anew,),
    "observing.end": (taken_away,),
    "observing.settle": (settled,),
    "observing.hold": (held_back,),
    "observing.release": (released,),
    "observing.move_on": (watched,),
}
"""What leads to each step."""
