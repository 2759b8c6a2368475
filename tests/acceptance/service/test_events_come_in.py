"""Events of each schema through our Functions host and Azurite: each starts its run once, with what it says."""

import base64
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from azure.storage.queue import QueueClient

from tests.support.grid_events import (
    NAMES,
    TOPIC,
    as_cloud_event,
    blob_created,
    blob_trigger,
    custom_trigger,
    order_placed,
    setting,
)
from tests.support.local_stack import TIMEOUTS, LocalStack

TEXT = {"type": "String"}
PIPELINE = {
    "activities": [
        {"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 0}, "dependsOn": []}
    ],
    "parameters": {"file": TEXT, "folder": TEXT},
}
BULK = {"file": "@triggerBody().event.data.n", "folder": "@triggerBody().event.subject"}


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack with triggers: on files, on orders, and on many events."""
    triggers = setting(
        blob_trigger(),
        custom_trigger({"file": "order-@{triggerBody().event.data.count}", "folder": "orders"}),
        custom_trigger(BULK, name="Many", events=["Many"], subjectBeginsWith=""),
    )
    with LocalStack(settings={"ADF_TRIGGER_TRIGGERS": triggers}, warm=warm) as running:
        running.define("load", PIPELINE)
        yield running


def post(stack: LocalStack, body: Any, *, method: str = "POST", **headers: str) -> requests.Response:
    """A call of /events, as a subscription makes it: its key is in the URL."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    url = f"{stack.endpoints.functions_url}/api/events?code={stack.endpoints.functions_key}"
    return requests.request(method, url, data=raw, headers=headers, timeout=TIMEOUTS)


def put(stack: LocalStack, text: str) -> None:
    """A message, as Event Grid puts it."""
    connection, queue = stack.endpoints.storage_connection_string, stack.endpoints.requests_queue
    with QueueClient.from_connection_string(connection, queue) as client:
        client.send_message(text, time_to_live=-1)


def started(stack: LocalStack, folder: str) -> list[str]:
    """The files that runs were started for, of one folder."""
    parameters = [run["parameters"] for run in stack.runs("load")]
    return sorted(each["file"] for each in parameters if each["folder"] == folder)


@pytest.mark.parametrize("schema", [dict, as_cloud_event], ids=["Event Grid", "CloudEvents"])
@pytest.mark.parametrize("way", ["plain", "base64", "by HTTP"])
def test_the_data_of_an_event_reaches_create_run_unchanged(stack: LocalStack, schema: Any, way: str) -> None:
    """Unicode and percent-encoded names of blobs to the letter, in each schema and on each way."""
    place = f"{schema.__name__}-{way.replace(' ', '-')}"
    events = [schema(blob_created(f"{place}/{name}", tag=f"0x{place}")) for name in NAMES]
    for event in events:
        text = json.dumps(event, ensure_ascii=False)
        if way == "by HTTP":
            assert post(stack, [event]).json()["claimed"] == 1
        else:
            put(stack, text if way == "plain" else base64.encodebytes(text.encode()).decode())
    expected = {(f"in/raw/{place}/{name}".rpartition("/")[0], name.rpartition("/")[2]) for name in NAMES}

    def found() -> set[tuple[str, str]]:
        return {(run["parameters"]["folder"], run["parameters"]["file"]) for run in stack.runs("load")}

    stack.eventually(lambda: expected <= found())


def test_a_subscription_is_made_by_either_handshake(stack: LocalStack) -> None:
    """Event Grid's, by the code of its event, and CloudEvents', which is an OPTIONS call; both with the key alone."""
    validation = {
        "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
        "topic": TOPIC,
        "subject": "",
        "data": {
            "validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
            "validationUrl": "https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/x/validate?id=1",
        },
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": "2026-11-26T06:00:00.2234567Z",
        "metadataVersion": "1",
        "dataVersion": "1",
    }
    answer = post(stack, [validation], **{"aeg-event-type": "SubscriptionValidation"})
    assert answer.json() == {"validationResponse": validation["data"]["validationCode"]}  # type: ignore[index]
    asks = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    answer = post(stack, b"", method="OPTIONS", **asks)
    assert (answer.status_code, answer.headers["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.net")
    assert answer.headers["WebHook-Allowed-Rate"] == "120"
    url = f"{stack.endpoints.functions_url}/api/events"
    assert [requests.request(each, url, timeout=TIMEOUTS).status_code for each in ("POST", "OPTIONS")] == [
        401
    ] * 2


def test_a_cloud_event_in_binary_mode_starts_its_run(stack: LocalStack) -> None:
    """As CloudEvents' SDKs send it over HTTP."""
    event = as_cloud_event(order_placed(count=7))
    headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    answer = post(stack, event["data"], **headers, **{"Content-Type": "application/json"})
    assert answer.json()["claimed"] == 1
    stack.eventually(lambda: started(stack, "orders") == ["order-7"])


def test_many_deliveries_with_repeats_start_each_run_once(stack: LocalStack) -> None:
    """In batches and messages, of both schemas, in any order, each some times."""
    dice = random.Random(15)  # noqa: S311 - dice of a test
    events = [
        {**order_placed(n=str(number)), "id": f"many-{number}", "eventType": "Many", "subject": "many"}
        for number in range(60)
    ]
    deliveries = [*events, *dice.choices(events, k=15)]
    dice.shuffle(deliveries)
    shaped = [each if dice.random() < 0.5 else as_cloud_event(each) for each in deliveries]
    for each in shaped[:25]:
        put(stack, json.dumps(each))
    for begin in range(25, len(shaped), 20):
        answer = post(stack, shaped[begin : begin + 20])
        assert (answer.status_code, answer.json()["rejected"]) == (200, 0), answer.text
    everything = sorted(str(number) for number in range(60))
    stack.eventually(lambda: started(stack, "many") == everything)
    published: Counter[str] = Counter()

    def all_published() -> bool:
        events = stack.caller.events(1_000, within=0.5)
        published.update(
            event["id"] for event in events if event["data"]["parameters"].get("folder") == "many"
        )
        return len(published) == len(everything)

    stack.eventually(all_published)
    assert started(stack, "many") == everything


def test_health_reports_what_the_triggers_started(stack: LocalStack) -> None:
    """Summed over the instances, including events that match no trigger."""
    assert post(stack, [{**order_placed(), "eventType": "Orders.Lost"}]).json()["unwanted"] == 1
    url = f"{stack.endpoints.functions_url}/api/health/details"
    headers = {"x-functions-key": stack.endpoints.functions_key}

    def events() -> dict[str, Any]:
        found: dict[str, Any] = requests.get(url, headers=headers, timeout=TIMEOUTS).json()["events"]
        return found

    stack.eventually(lambda: "Orders.Lost" in json.dumps(events().get("lastUnwanted")))
    assert set(events()["triggers"]) == {"OnFile", "OnOrder", "Many"}
