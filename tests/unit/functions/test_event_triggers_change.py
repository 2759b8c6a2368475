"""Events that meet changed triggers: at a deployment, under another name; and secrets among the fields used."""

import json
from typing import Any

import pytest

from adf_trigger.errors import LedgerError
from adf_trigger.messages.masking import MASK
from tests.support.grid_events import (
    as_cloud_event,
    blob_created,
    blob_trigger,
    custom_trigger,
    order_placed,
    setting,
)
from tests.support.script import Script
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

TEXT = {"type": "String"}


def with_triggers(*triggers: dict[str, Any], **more: Any) -> World:
    """A service with a pipeline that takes a file, and triggers."""
    world = World(settings=settings(ADF_TRIGGER_TRIGGERS=setting(*triggers)), **more)
    world.factory.declare("load", file=TEXT, folder=TEXT)
    return world


def deployed(world: World, *triggers: dict[str, Any]) -> None:
    """Another version of the app, with other triggers."""
    world.settings = settings(ADF_TRIGGER_TRIGGERS=setting(*triggers))
    world.restart()


def renamed() -> dict[str, Any]:
    """The trigger as the next version has it."""
    changed = blob_trigger()
    changed["properties"]["pipelines"][0]["parameters"]["folder"] = "elsewhere"
    return changed


def test_two_hosts_with_different_triggers_that_take_one_event_concurrently_start_one_run() -> None:
    """The slower one is not rejected: the event has had its run, as by HTTP."""
    script = Script()
    world = with_triggers(blob_trigger(), steps=script)

    def other_host() -> None:
        deployed(world, renamed())
        Caller(world).message(blob_created(), message_id="m-2")

    caller = Caller(world)
    script.meanwhile = ("records.claim", other_host)
    caller.message(blob_created(), message_id="m-1")
    assert [dict(run.parameters)["folder"] for run in world.factory.runs.values()] == ["elsewhere"]
    assert (world.outbox.events, world.outbox.rejected) == ([], [])


def test_a_put_back_request_of_an_event_that_has_had_its_run_is_dropped() -> None:
    """The trigger has changed meanwhile, so that the other delivery asked for something else."""
    world = with_triggers(blob_trigger())
    world.ledger.before["get"] = [LedgerError("no table")]
    Caller(world).message(blob_created(), message_id="m-1")
    (text, _) = world.outbox.put_back_texts.pop()
    deployed(world, renamed())
    Caller(world).message(blob_created(), message_id="m-2")
    Caller(world).message(text.encode(), message_id="m-3")
    assert len(world.factory.runs) == 1
    assert (world.outbox.events, world.outbox.rejected) == ([], [])


def test_a_rejected_event_stays_known_by_its_key_though_its_trigger_was_renamed() -> None:
    """After a replay its run is found by the id under which the rejection was published."""
    world = with_triggers(custom_trigger({"file": "@triggerBody().event.data.gone", "folder": "f"}))
    Caller(world).message(order_placed())
    (kept,) = world.kept()
    mended = custom_trigger({"file": "@triggerBody().event.data.day", "folder": "f"})
    deployed(world, {**mended, "name": "Renamed"})
    caller = Caller(world)
    assert caller.steer("replay", kept.request_id).status_code == 202
    caller.message(world.outbox.put_back_texts[-1][0].encode(), message_id="m-2")
    (run,) = world.factory.runs.values()
    assert run.parameters == {"file": "2026-11-26", "folder": "f"}
    assert world.services.query.show(kept.request_id).run_id == run.run_id


def test_an_event_with_more_than_a_request_may_hold_is_rejected_with_that_reason() -> None:
    """The event is kept, a request was not made of it; another event is processed."""
    world = with_triggers(custom_trigger({"file": "@triggerBody().event.data.day", "folder": "f"}))
    caller = Caller(world)
    caller.message(order_placed(day="x" * world.settings.max_body_bytes))
    (kept,) = world.kept()
    assert [fault.in_words for fault in kept.faults] == ["/parameters: have more than 65536 bytes"]
    assert world.factory.runs == {}
    caller.message({**order_placed(), "id": "o-2"}, message_id="m-2")
    assert len(world.factory.runs) == 1


def test_an_event_that_has_come_under_the_new_name_too_is_not_started_again() -> None:
    """A replay is no second run."""
    world = with_triggers(custom_trigger({"file": "@triggerBody().event.data.gone", "folder": "f"}))
    Caller(world).message(order_placed())
    (kept,) = world.kept()
    mended = custom_trigger({"file": "@triggerBody().event.data.day", "folder": "f"})
    deployed(world, {**mended, "name": "Renamed"})
    caller = Caller(world)
    caller.message(order_placed(), message_id="m-2")
    caller.steer("replay", kept.request_id)
    caller.message(world.outbox.put_back_texts[-1][0].encode(), message_id="m-3")
    assert len(world.factory.runs) == 1


def secret_trigger(*, to: str, missing: str = "gone") -> dict[str, Any]:
    """A trigger that fills a secure parameter, and asks for a missing field."""
    return custom_trigger({"file": f"@triggerBody().event.data.{missing}", "password": to})


@pytest.mark.parametrize("schema", [dict, as_cloud_event], ids=["Event Grid", "CloudEvents"])
@pytest.mark.parametrize(
    ("to", "data", "left"),
    [
        ("@triggerBody().event.data.token", {"token": "hush-hush"}, {"token": MASK}),
        ("@trigger().outputs.body.event.data.Token", {"token": "hush-hush"}, {"token": MASK}),
        ("Bearer @{triggerBody().event.data.a['b c']}", {"a": {"b c": "hush-hush"}}, {"a": {"b c": MASK}}),
        ("@triggerBody().event.data.keys[1]", {"keys": ["x", "hush-hush"]}, {"keys": MASK}),
    ],
)
def test_a_field_that_fills_a_secure_parameter_is_not_kept(
    schema: Any, to: str, data: dict[str, Any], left: dict[str, Any]
) -> None:
    """Another field is missing, so that no request could be made of it; a replay asks for the value."""
    world = with_triggers(secret_trigger(to=to))
    world.factory.declare("load", file=TEXT, password={"type": "SecureString"})
    event = schema(order_placed(**data))
    Caller(world).message(event)
    (kept,) = world.kept()
    assert json.loads(kept.body) == {**event, "data": {**event["data"], **left}}
    sent = [each.model_dump_json() for each in (*world.outbox.events, *world.outbox.rejected)]
    assert "hush-hush" not in repr(world.rejected) + "".join(sent)
    (name,) = kept.masked
    deployed(world, secret_trigger(to=to, missing="day"))
    caller = Caller(world)
    assert caller.steer("replay", kept.request_id).status_code == 400
    value = ["x", "again"] if name == "keys" else "again"
    assert caller.steer("replay", kept.request_id, {"parameters": {name: value}}).status_code == 202
    caller.message(world.outbox.put_back_texts[-1][0].encode(), message_id="m-2")
    (run,) = world.factory.runs.values()
    assert run.parameters["password"].endswith("again")
