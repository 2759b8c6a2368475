"""POST /events and events on the requests queue: each event starts what the triggers declare, once."""

import json
from base64 import b64encode
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import BadRequest, Forbidden, InvalidRequest, LedgerError, PublishError, Throttled
from adf_trigger.service.intake.event_intake import MOST_KEPT
from adf_trigger.service.steering.rejected import ReplayOrder
from adf_trigger.service.steering.steerer import RunSelector
from tests.support.grid_events import (
    NAMES,
    as_cloud_event,
    blob_created,
    blob_trigger,
    custom_trigger,
    order_placed,
    setting,
)
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

SCHEMAS = pytest.mark.parametrize("schema", [dict, as_cloud_event], ids=["Event Grid", "CloudEvents"])
TEXT = {"type": "String"}


def with_triggers(*triggers: dict[str, Any]) -> World:
    """A service with a pipeline that takes a file, and triggers."""
    world = World(settings=settings(ADF_TRIGGER_TRIGGERS=setting(*(triggers or (blob_trigger(),)))))
    world.factory.declare("load", file=TEXT, folder=TEXT)
    return world


@pytest.fixture
def world() -> World:
    """One trigger on files."""
    return with_triggers()


def post(caller: Caller, body: Any, *, method: str = "POST", **headers: str) -> func.HttpResponse:
    """A call of /events."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return caller.call("take_events", method, "events", body=raw, **headers)


def nonzero_counts(answer: func.HttpResponse) -> dict[str, Any]:
    """The counts of an answer that are not zero, where every event was processed."""
    assert answer.status_code == 200, answer.get_body()
    return {name: count for name, count in json.loads(answer.get_body()).items() if count}


def started(world: World) -> list[dict[str, Any]]:
    """The parameters of every run."""
    return [dict(run.parameters) for run in world.factory.runs.values()]


@SCHEMAS
@pytest.mark.parametrize("encode", [bytes, b64encode], ids=["plain", "base64"])
def test_a_blob_event_on_the_queue_starts_a_run(
    world: World, caller: Caller, schema: Any, encode: Any
) -> None:
    """It may be in either schema, plain or base64; the run gets exactly the blob's name."""
    for number, name in enumerate(NAMES):
        document = schema(blob_created(name, tag=f"0x{number}"))
        caller.message(encode(json.dumps(document, ensure_ascii=False).encode()), message_id=f"m-{number}")
    paths = [f"{each['folder']}/{each['file']}" for each in started(world)]
    assert paths == [f"in/raw/{name}" for name in NAMES]


@SCHEMAS
def test_a_blob_event_by_http_starts_a_run(world: World, caller: Caller, schema: Any) -> None:
    """It comes alone or in an array, and is answered once it is claimed."""
    batch = [schema(blob_created(name, tag=f"0x{number}")) for number, name in enumerate(NAMES)]
    assert nonzero_counts(post(caller, batch[0])) == {"events": 1, "claimed": 1}
    assert nonzero_counts(post(caller, batch)) == {
        "events": len(NAMES),
        "claimed": len(NAMES) - 1,
        "repeated": 1,
    }
    world.tick()
    assert {each["file"] for each in started(world)} == {name.rpartition("/")[2] for name in NAMES}
    assert len(world.factory.runs) == len(NAMES)


def test_a_cloud_event_in_binary_mode_starts_the_same_run(world: World, caller: Caller) -> None:
    """Its attributes are headers, percent-encoded where they are not ASCII; its data is the body."""
    event = as_cloud_event(blob_created())
    headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    headers["ce-subject"] = headers["ce-subject"].replace("orders.csv", "Gr%C3%B6%C3%9Fe.csv")
    request = func.HttpRequest(
        "POST", "http://host/api/events", headers=headers, body=json.dumps(event["data"]).encode()
    )
    assert nonzero_counts(caller.ask("take_events", request)) == {"events": 1, "claimed": 1}
    assert started(world) == [{"file": "Größe.csv", "folder": "in/raw"}]


def test_a_repeated_delivery_starts_nothing(world: World, caller: Caller) -> None:
    """This holds by queue or by HTTP, in any message, schema and batch, also after the run has ended."""
    caller.message(blob_created(), message_id="m-1")
    caller.message(as_cloud_event(blob_created(id_="e-2")), message_id="m-2")
    world.factory.finish(next(iter(world.factory.runs)))
    world.tick(after=20)
    assert nonzero_counts(post(caller, [blob_created(), blob_created()])) == {"events": 2, "repeated": 2}
    assert len(world.factory.runs) == 1
    assert len(world.outbox.events) == 1


def test_a_repeated_delivery_after_the_trigger_has_changed_starts_nothing(world: World) -> None:
    """It is no conflict either: the file has had its run."""
    Caller(world).message(blob_created())
    changed = blob_trigger()
    changed["properties"]["pipelines"][0]["parameters"]["folder"] = "elsewhere"
    world.settings = settings(ADF_TRIGGER_TRIGGERS=setting(changed))
    world.restart()
    Caller(world).message(blob_created(), message_id="m-2")
    assert nonzero_counts(post(Caller(world), blob_created())) == {"events": 1, "repeated": 1}
    assert (len(world.factory.runs), world.outbox.events) == (1, [])


def test_a_repeated_delivery_of_a_refused_event_starts_nothing(world: World, caller: Caller) -> None:
    """Its rejection was published; a replay after the cause was mended starts it once."""
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    caller.message(blob_created(), message_id="m-1")
    caller.message(blob_created(), message_id="m-2")
    assert nonzero_counts(post(caller, blob_created())) == {"events": 1, "repeated": 1}
    assert (len(world.factory.runs), len(world.outbox.events), len(world.outbox.rejected)) == (0, 1, 1)
    (kept,) = world.kept()
    assert caller.steer("replay", kept.request_id).status_code == 202
    caller.message(world.outbox.put_back_texts[-1][0].encode(), message_id="m-3")
    assert started(world) == [{"file": "orders.csv", "folder": "in/raw"}]


@pytest.mark.parametrize("by", ["queue", "http"])
def test_an_event_whose_pipeline_is_wrong_is_rejected_with_its_reason(by: str) -> None:
    """It is published and kept once however often it is delivered; the other pipeline of the event is started."""
    world = with_triggers(blob_trigger("A", "nowhere"), blob_trigger("B"))
    caller = Caller(world)
    for attempt in (1, 2):
        if by == "queue":
            caller.message(blob_created(), attempts=attempt)
        else:
            post(caller, blob_created())
    assert len(started(world)) == 1
    (kept,) = world.kept()
    assert (kept.pipeline, "does not exist" in kept.why) == ("nowhere", True)
    assert {event.type for event in world.outbox.events} == {"dev.adf-trigger.run.rejected"}
    assert len({event.id for event in world.outbox.events}) == 1


def test_a_missing_field_of_an_event_rejects_the_event_as_it_came() -> None:
    """It is replayed once the trigger asks for existing fields."""
    world = with_triggers(custom_trigger({"file": "@triggerBody().event.data.gone", "folder": "f"}))
    body = json.dumps(order_placed()).encode()
    Caller(world).message(body)
    (kept,) = world.kept()
    assert (kept.body, kept.pipeline, "has no gone" in kept.why) == (body, "load", True)
    mended = custom_trigger({"file": "@triggerBody().event.data.day", "folder": "f"})
    world.settings = settings(ADF_TRIGGER_TRIGGERS=setting(mended))
    world.restart()
    caller = Caller(world)
    assert caller.steer("replay", kept.request_id).status_code == 202
    caller.message(world.outbox.put_back_texts[-1][0].encode(), message_id="m-2")
    assert started(world) == [{"file": "2026-11-26", "folder": "f"}]


def test_a_replayed_event_is_not_lost_where_its_trigger_is_gone() -> None:
    """It is rejected once more, with its bytes, and may be replayed when the trigger is back."""
    trigger = custom_trigger({"file": "@triggerBody().event.data.file", "folder": "x"})
    world = with_triggers(trigger)
    event = json.dumps(order_placed()).encode()
    Caller(world).message(event, message_id="m-1")
    (key,) = (kept.request_id for kept in world.kept())
    world.settings = settings(ADF_TRIGGER_TRIGGERS=setting(blob_trigger()))
    world.restart()
    world.services.steering.replay(RunSelector(key), ReplayOrder())
    ((text, _),) = world.outbox.put_back_texts
    Caller(world).message(text.encode(), message_id="m-2")
    assert [kept.body for kept in world.kept() if not kept.waiting] == [event]
    view = world.services.query.show(key)
    assert (view.status, "no trigger" in str(view.reason)) == ("Rejected", True)


def test_an_unwanted_event_is_acknowledged_logged_and_counted(
    world: World, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """A filter that matches nothing shows in the health, with the latest event and why it was not wanted."""
    caplog.set_level("INFO")
    unwanted = {**blob_created(), "subject": "/blobServices/default/containers/out/blobs/x.csv"}
    caller.message(unwanted)
    assert nonzero_counts(post(caller, [unwanted, order_placed()])) == {"events": 2, "unwanted": 2}
    actions = [getattr(record, "action", "") for record in caplog.records]
    assert actions.count("event_unwanted") == 3
    caller.message(blob_created(), message_id="m-2")
    events = json.loads(caller.call("health_details", "GET", "health/details").get_body())["events"]
    assert (events["unwanted"], events["triggers"]["OnFile"]["wanted"]) == (3, 1)
    assert "OnFile: it starts on" in events["lastUnwanted"]["why"]
    assert (world.outbox.events, world.kept()) == ([], [])


def test_a_trigger_that_has_started_no_run_is_shown_in_the_health(caller: Caller) -> None:
    """It is shown with zero, before any event has come."""
    events = json.loads(caller.call("health_details", "GET", "health/details").get_body())["events"]
    assert events["triggers"] == {"OnFile": {"wanted": 0, "lastAt": None}}


@pytest.mark.parametrize(
    "wrong", [5, None, "text", [], {}, {"specversion": "1.0"}, {"eventType": "x"}, {"pipeline": "load"}]
)
def test_a_malformed_event_is_rejected_and_never_answered_by_4xx(
    world: World, caller: Caller, wrong: Any
) -> None:
    """Event Grid drops a batch permanently on such an answer; the events beside it are started."""
    assert nonzero_counts(post(caller, [wrong, blob_created()])) == {"events": 2, "claimed": 1, "rejected": 1}
    post(caller, [wrong])
    assert len(world.kept()) == 1
    assert len(world.factory.runs) == 1


def test_a_fault_of_a_whole_message_is_published_without_a_place(world: World, caller: Caller) -> None:
    """This holds in the event, in the kept message, and where it is shown."""
    caller.message(b"{pipeline: load")
    (event,), (kept,) = world.outbox.events, world.kept()
    for text in (event.data.message, event.data.reason, kept.why, str(InvalidRequest(list(kept.faults)))):
        assert text
        assert ": :" not in text.replace(";", ":").replace("  ", " ")
        assert not text.startswith(":")


def test_a_request_is_not_accepted_as_an_event(world: World, caller: Caller) -> None:
    """This call starts runs by triggers alone: its key opens no other pipeline."""
    asks = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"pipeline": "load"}}
    assert nonzero_counts(post(caller, asks)) == {"events": 1, "unwanted": 1}
    assert started(world) == []


@pytest.mark.parametrize("body", [b"", b"hello", b"{", b"5"])
def test_a_body_that_is_no_event_is_a_fault(caller: Caller, body: bytes) -> None:
    """No subscription sends such a body: a manual caller gets the fault."""
    assert post(caller, body).status_code == 400


def test_a_rejected_event_of_any_size_is_kept_as_far_as_a_row_has_room(caller: Caller) -> None:
    """It is kept without its data, or cut where it has none: otherwise its batch would come again endlessly."""
    world = with_triggers(custom_trigger({"file": "@triggerBody().event.data.gone"}))
    caller = Caller(world)
    long = "x" * 500_000
    assert nonzero_counts(post(caller, [order_placed(long=long), {"no event": long}])) == {
        "events": 2,
        "rejected": 2,
    }
    bodies = [kept.body for kept in world.kept()]
    assert max(map(len, bodies)) <= MOST_KEPT
    assert any(json.loads(body)["id"] == "o-1" for body in bodies if b"left out" in body)


def test_an_event_of_event_grids_schema_is_no_request(world: World, caller: Caller) -> None:
    """Whatever its data contain, only the triggers decide what it starts."""
    caller.message({**order_placed(), "data": {"pipeline": "load"}, "eventType": "Pipeline.Changed"})
    assert (started(world), world.outbox.events) == ([], [])


def test_our_own_events_that_come_back_are_no_requests(world: World, caller: Caller) -> None:
    """They name a pipeline: if they were rejected, each rejection would be an event that comes back."""
    caller.message({"pipeline": "nowhere", "requestId": "k"})
    (event,) = world.outbox.events
    caller.message(json.loads(event.model_dump_json()), message_id="m-2")
    assert (len(world.outbox.events), len(world.factory.runs)) == (1, 0)


def test_a_batch_is_bounded(caller: Caller) -> None:
    """The bound is a little over the 1 MiB, and the 5,000 events, that Event Grid sends."""
    assert post(caller, [{}] * 5_001).status_code == 413
    assert post(caller, [blob_created(id_="x" * 1_048_576)]).status_code == 200
    assert post(caller, b"[" + b" " * 1_100_000).status_code == 413


@pytest.mark.parametrize("error", [LedgerError("the table is away"), Forbidden("no role", status=403)])
def test_an_event_that_cannot_be_accepted_now_is_requested_again(
    world: World, caller: Caller, error: Exception
) -> None:
    """The batch gets 503; once the trouble is over, the same batch starts each once."""
    if isinstance(error, LedgerError):
        world.ledger.before["claim"] = [error]
    else:
        world.factory.fail_next("get_pipeline", error)
    batch = [blob_created(), blob_created("2.csv", tag="2")]
    answer = post(caller, batch)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    world.clock.forward(600)
    world.tick()
    assert nonzero_counts(post(caller, batch))["events"] == 2
    world.tick(after=1)
    assert len(world.factory.runs) == 2


@pytest.mark.parametrize("again", ["queue", "http"])
def test_an_event_with_secrets_that_could_not_be_started_is_requested_again(again: str) -> None:
    """Its values are not kept. The next delivery starts it, once."""
    world = with_triggers()
    world.factory.declare("load", file={"type": "SecureString"}, folder=TEXT)
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=1))
    caller = Caller(world)
    assert post(caller, blob_created()).status_code == 503
    world.clock.forward(60)
    for _ in range(2):
        if again == "http":
            assert nonzero_counts(post(caller, blob_created())) == {"events": 1, "repeated": 1}
        else:
            caller.message(blob_created())
    assert started(world) == [{"file": "orders.csv", "folder": "in/raw"}]


def test_each_request_of_an_event_is_put_back_separately() -> None:
    """One that cannot be accepted now delays no other, and the event is not read again for it."""
    world = with_triggers(blob_trigger("A"), blob_trigger("B"))
    world.ledger.before["claim"] = [LedgerError("away")]
    caller = Caller(world)
    caller.message(blob_created())
    assert len(world.factory.runs) == 1
    ((text, _),) = world.outbox.put_back_texts
    caller.message(text.encode(), message_id="m-2")
    caller.message(text.encode(), message_id="m-3")
    assert len(world.factory.runs) == 2


def test_an_event_that_cannot_be_put_back_is_delivered_again_and_doubles_nothing() -> None:
    """The host still has it."""
    world = with_triggers(blob_trigger("A"), blob_trigger("B"))
    world.ledger.before["claim"] = [LedgerError("away")]
    world.outbox.before.append(PublishError("no queue"))
    caller = Caller(world)
    with pytest.raises(PublishError):
        caller.message(blob_created())
    caller.message(blob_created(), attempts=2)
    assert len(world.factory.runs) == 2


def test_a_subscription_is_validated_by_its_code_alone(caller: Caller) -> None:
    """Its validationUrl is never called: no code here could do so."""
    event = {
        **order_placed(),
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6", "validationUrl": "https://evil.example/validate"},
    }
    answer = post(caller, [event], aeg_event_type="SubscriptionValidation")
    assert json.loads(answer.get_body()) == {"validationResponse": "512d38b6"}


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({"WebHook_Request_Origin": "eventgrid.azure.net"}, "*"),
        ({"WebHook_Request_Origin": "eventgrid.azure.net", "WebHook_Request_Rate": "120"}, "120"),
        ({"WebHook_Request_Origin": "x", "WebHook_Request_Rate": "1\nEvil: 1"}, "*"),
    ],
)
def test_the_handshake_of_cloud_events_is_answered(
    caller: Caller, headers: dict[str, str], rate: str
) -> None:
    """Every holder of the key may send, at the rate that it asks for."""
    answer = post(caller, b"", method="OPTIONS", **headers)
    assert answer.status_code == 200
    assert answer.headers["WebHook-Allowed-Origin"] == headers["WebHook_Request_Origin"]
    assert answer.headers["WebHook-Allowed-Rate"] == rate


@pytest.mark.parametrize("origin", ["", "ö", "a\nb", "x" * 300])
def test_an_origin_that_no_header_can_hold_is_a_fault(caller: Caller, origin: str) -> None:
    """The platform would answer 500."""
    assert post(caller, b"", method="OPTIONS", WebHook_Request_Origin=origin).status_code == 400


def test_an_event_that_is_sent_again_survives_an_outage_of_the_ledger_without_its_trigger() -> None:
    """What is put back is the reference to it, as it came."""
    world = with_triggers(custom_trigger({"file": "@triggerBody().event.data.file", "folder": "x"}))
    Caller(world).message(json.dumps(order_placed()).encode(), message_id="m-1")
    (key,) = (kept.request_id for kept in world.kept())
    world.settings = settings(ADF_TRIGGER_TRIGGERS=setting(blob_trigger()))
    world.restart()
    world.services.steering.replay(RunSelector(key), ReplayOrder())
    ((text, _),) = world.outbox.put_back_texts
    world.rejected.before["keep"] = [LedgerError("the table is away")]
    Caller(world).message(text.encode(), message_id="m-2")
    assert [put_back for put_back, _ in world.outbox.put_back_texts] == [text, text]
