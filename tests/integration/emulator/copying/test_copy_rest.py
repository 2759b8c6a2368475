"""Copies from and to REST services: real servers, real storage."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.harness import (
    Answer,
    Asked,
    Storage,
    on_context,
    rest_dataset,
    rest_service,
    run,
)
from tests.integration.emulator.copying.rest_exports import export, from_rest, pages
from tests.support.activity_context import Context


def test_pages_are_exported_as_they_are(storage: Storage) -> None:
    """Without a mapping each page is one record; the output has what a source without files has."""
    with rest_service(pages) as service:
        result, objects = export(storage, service, {"paginationRules": {"AbsoluteUrl": "$.paging.next"}})

    assert service.paths == ["/items", "/items?page=2", "/items?page=3"]
    assert [page["data"][0]["id"] for page in objects] == [2, 4, 6]
    output = result.output
    assert "filesRead" not in output
    assert (output["filesWritten"], output["rowsRead"], output["rowsCopied"]) == (1, 3, 3)
    assert output["dataRead"] > output["dataWritten"] > 0
    assert output["sourcePeakConnections"] == output["sinkPeakConnections"] == 1
    detail = output["executionDetails"][0]
    assert detail["source"] == {"type": "RestService"}
    assert detail["detailedDurations"]["timeToFirstByte"] >= 0
    assert set(detail["profile"]["transfer"]["details"]) == {"readingFromSource", "writingToSink"}


@pytest.mark.parametrize("pattern", ["setOfObjects", "arrayOfObjects"])
def test_elements_are_extracted_by_the_translator(storage: Storage, pattern: str) -> None:
    """collectionReference makes a record of each element, in both file patterns."""
    mapping = {"source": {"path": "['id']"}, "sink": {"path": "$['item']['id']"}}
    translator = {"type": "TabularTranslator", "collectionReference": "$.data", "mappings": [mapping]}
    with rest_service(pages) as service:
        result = run(
            copy,
            from_rest({"paginationRules": {"AbsoluteUrl": "$.paging.next"}}, pattern, translator=translator),
            rest_dataset(service, "items"),
            storage.dataset("Out", "Json", folder="out", file="rest.json"),
        )
    content = storage.get("out/rest.json").decode()
    objects = (
        json.loads(content) if pattern == "arrayOfObjects" else [json.loads(x) for x in content.splitlines()]
    )
    assert objects == [{"item": {"id": number}} for number in range(2, 8)]
    assert (result.output["rowsRead"], result.output["rowsCopied"]) == (3, 6)


def test_an_array_gives_a_record_for_each_object(storage: Storage) -> None:
    """A response that is an array is a record for each of its objects."""
    with rest_service(lambda _: Answer([{"a": 1}, {"a": 2}])) as service:
        _, objects = export(storage, service)
    assert objects == [{"a": 1}, {"a": 2}]


def test_requests_carry_what_the_connector_sends(storage: Storage) -> None:
    """GET by default; Accept and user agent are the connector's own; other headers are the pipeline's."""
    headers = {"Accept": "text/xml", "x-user-defined": "helloworld"}
    with rest_service(lambda _: Answer({})) as service:
        export(storage, service, {"additionalHeaders": headers}, relative_url="/a%20b?c=d")
    (asked,) = service.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/a%20b?c=d", b"")
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["user-agent"] == "azure-data-factory/2.0"
    assert asked.headers["x-user-defined"] == "helloworld"
    assert "content-type" not in asked.headers


def test_a_secret_header_is_sent_and_not_shown(storage: Storage) -> None:
    """A SecureString reaches the service in clear, and the activity's input masked."""
    secret = {"type": "SecureString", "value": "s3cret"}
    with rest_service(lambda _: Answer({})) as service:
        result, _ = export(storage, service, {"additionalHeaders": {"x-key": secret, "x-plain": "p"}})
    assert service.asked[0].headers["x-key"] == "s3cret"
    assert result.input["source"]["additionalHeaders"]["x-plain"] == "p"
    assert "s3cret" not in repr(result)


def test_post_sends_the_body_with_every_page(storage: Storage) -> None:
    """POST sends requestBody as JSON, also for the next pages."""
    source = {
        "requestMethod": "Post",
        "requestBody": '{"q": "é"}',
        "paginationRules": {"AbsoluteUrl": "$.paging.next"},
    }
    with rest_service(pages) as service:
        export(storage, service, source)
    assert [asked.body.decode() for asked in service.asked] == ['{"q": "é"}'] * 3
    assert {asked.method for asked in service.asked} == {"POST"}
    assert service.asked[0].headers["content-type"] == "application/json"


def test_the_dataset_may_hold_all_settings(storage: Storage) -> None:
    """Older pipelines have method, headers and rules in the dataset; the activity's own take precedence."""
    dataset = {
        "requestMethod": "POST",
        "requestBody": "{}",
        "additionalHeaders": "x-old: yes",
        "paginationRules": {"AbsoluteUrl": "$.paging.next"},
    }
    with rest_service(pages) as service:
        export(storage, service, {"paginationRules": {"MaxRequestNumber": "1"}}, dataset=dataset)
    (asked,) = service.asked
    assert (asked.method, asked.headers["x-old"]) == ("POST", "yes")


def test_a_range_and_a_placeholder_page_through(storage: Storage) -> None:
    """A placeholder in the relative URL runs through a range, until an end condition holds."""

    def answer(asked: Asked) -> Answer:
        offset = int(httpx.URL(asked.path).params["offset"])
        return Answer({"data": [offset] if offset < 20 else []})

    rules = {"QueryParameters.{offset}": "RANGE:0::10", "EndCondition:$.data": "Empty"}
    with rest_service(answer) as service:
        _, objects = export(
            storage, service, {"paginationRules": rules}, relative_url="items?offset={offset}"
        )
    assert service.paths == ["/items?offset=0", "/items?offset=10", "/items?offset=20"]
    assert objects == [{"data": [0]}, {"data": [10]}, {"data": []}]


def test_links_in_the_header_are_followed(storage: Storage) -> None:
    """RFC 5988 links are followed without any rule."""

    def answer(asked: Asked) -> Answer:
        return Answer({"at": asked.path}, headers={} if "2" in asked.path else {"Link": '<?p=2>; rel="next"'})

    with rest_service(answer) as service:
        _, objects = export(storage, service)
    assert objects == [{"at": "/items"}, {"at": "/items?p=2"}]


@pytest.mark.parametrize("last", [Answer(status=204), Answer(b"")])
def test_no_content_is_the_end(storage: Storage, last: Answer) -> None:
    """204, or no body at all, ends the copy without a record."""
    rules = {"QueryParameters.{n}": "RANGE:1::1"}
    with rest_service(
        lambda asked: Answer({"n": asked.path}) if asked.path < "/items/3" else last
    ) as service:
        _, objects = export(storage, service, {"paginationRules": rules}, relative_url="items/{n}")
    assert objects == [{"n": "/items/1"}, {"n": "/items/2"}]
    assert len(service.asked) == 3


@pytest.mark.parametrize(("interval", "expected"), [(None, 1.0), ("00:00:00.250", 0.25), ("00:01:00", 60.0)])
def test_the_interval_is_waited_between_pages(
    storage: Storage, interval: str | None, expected: float
) -> None:
    """requestInterval (default: one second) is waited on the engine's clock before each further page."""
    slept: list[float] = []
    source = {"paginationRules": {"AbsoluteUrl": "$.paging.next"}, "requestInterval": interval}
    with rest_service(pages) as service:
        export(storage, service, source, slept=slept)
    assert slept == [expected, expected]


@pytest.mark.parametrize(
    ("status", "code", "kind", "name"),
    [
        (404, "RestCallFailedWithClientError", "client", "NotFound"),
        (429, "RestCallFailedWithClientError", "client", "TooManyRequests"),
        (413, "RestCallFailedWithClientError", "client", "RequestEntityTooLarge"),
        (500, "RestCallFailedWithServerError", "server", "InternalServerError"),
        (503, "RestCallFailedWithServerError", "server", "ServiceUnavailable"),
    ],
)
def test_an_error_status_fails_with_the_services_error(
    storage: Storage, status: int, code: str, kind: str, name: str
) -> None:
    """The error gives the status by its .NET name, the URL and the response; nothing is written."""
    with (
        rest_service(lambda _: Answer({"message": "Not Found"}, status)) as service,
        pytest.raises(ActivityFailed) as failed,
    ):
        export(storage, service)
    assert failed.value.error_code == "2200"
    assert failed.value.message == (
        f"ErrorCode={code},'Type=Microsoft.DataTransfer.Common.Shared.HybridDeliveryException,"
        f"Message=Rest call failed with {kind} error, status code {status} {name}, "
        f"please check your activity settings.\nRequest URL: {service.url}/items.\n"
        'Response: {"message": "Not Found"},Source=Microsoft.DataTransfer.ClientLibrary,\''
    )
    assert failed.value.output["errors"][0]["Message"] == failed.value.message
    assert storage.names() == []


@pytest.mark.parametrize("body", [b"<html>", [1, 2], b'"text"'])
def test_a_response_without_json_objects_fails(storage: Storage, body: Any) -> None:
    """A response that is neither an object nor an array of objects is rejected and not written."""
    with (
        rest_service(lambda _: Answer(body)) as service,
        pytest.raises(ActivityFailed, match="RestSourceResponseNotJson"),
    ):
        export(storage, service)
    assert storage.names() == []


def test_a_service_that_does_not_answer_fails_in_time(storage: Storage) -> None:
    """httpRequestTimeout limits the wait for a response."""

    def slow(_: Asked) -> Answer:
        time.sleep(1.5)
        return Answer({})

    with rest_service(slow) as service, pytest.raises(ActivityFailed, match=r"RestCallTimeout.*1\.0 seconds"):
        export(storage, service, {"httpRequestTimeout": "00:00:01"})


def test_an_unreachable_service_fails(storage: Storage) -> None:
    """The error for a refused connection names the URL."""
    with rest_service(lambda _: Answer({})) as service:
        pass
    with pytest.raises(ActivityFailed, match=rf"(?s)RestCallFailed.*{service.url}/items"):
        export(storage, service)


def test_a_cancelled_copy_stops_between_pages(storage: Storage) -> None:
    """A copy cancelled while it waits for the next page ends immediately and leaves no file."""
    waiting = asyncio.Event()

    async def for_ever(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async def body(context: Context) -> None:
        context.sleeper = for_ever
        task = asyncio.create_task(copy(context))
        await asyncio.wait_for(waiting.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with rest_service(pages) as service:
        on_context(
            body,
            from_rest({"paginationRules": {"AbsoluteUrl": "$.paging.next"}}),
            rest_dataset(service, "items"),
            storage.dataset("Out", "Json", folder="out", file="rest.json"),
        )
    assert len(service.asked) == 1
    assert storage.names() == []
