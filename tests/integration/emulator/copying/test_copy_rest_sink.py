"""Copies to REST services."""

import gzip
import json
from typing import Any

import pytest

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from tests.integration.emulator.copying.harness import (
    Answer,
    RestService,
    Storage,
    rest_dataset,
    rest_service,
    run,
)


def to_rest(storage: Storage, service: RestService, sink: dict[str, Any], **options: Any) -> ActivityResult:
    """Copy five objects from a JSON file to a service."""
    storage.put("in/a.json", b"".join(b'{"id":%d}' % number for number in range(5)), overwrite=True)
    type_properties = {
        "source": {"type": "JsonSource", "storeSettings": {"type": "AzureBlobStorageReadSettings"}},
        "sink": {"type": "RestSink", **sink},
    }
    source = storage.dataset("In", "Json", folder="in")
    return run(copy, type_properties, source, rest_dataset(service, "items"), **options)


@pytest.mark.parametrize(("compression", "method"), [("none", "POST"), ("gzip", "PUT")])
def test_records_are_sent_in_batches(storage: Storage, compression: str, method: str) -> None:
    """A RestSink sends arrays of writeBatchSize records, compressed if configured, with an interval between them."""
    slept: list[float] = []
    sink = {
        "requestMethod": method,
        "writeBatchSize": 2,
        "requestInterval": 50,
        "httpCompressionType": compression,
    }
    with rest_service(lambda _: Answer({}, 201)) as service:
        result = to_rest(storage, service, sink, slept=slept)
    bodies = [gzip.decompress(a.body) if compression == "gzip" else a.body for a in service.asked]
    assert [json.loads(body) for body in bodies] == [
        [{"id": 0}, {"id": 1}],
        [{"id": 2}, {"id": 3}],
        [{"id": 4}],
    ]
    assert {asked.method for asked in service.asked} == {method}
    assert slept == [0.05, 0.05]
    assert "filesWritten" not in result.output
    assert result.output["rowsCopied"] == 5
    assert result.output["dataWritten"] == sum(len(asked.body) for asked in service.asked)


def test_an_error_of_the_sink_fails_the_copy(storage: Storage) -> None:
    """A rejected batch is RestSinkCallFailed, with the server's response."""
    with (
        rest_service(lambda _: Answer({"why": "full"}, 507)) as service,
        pytest.raises(
            ActivityFailed, match=r"Failure happened on 'Sink' side.*RestSinkCallFailed.*507.*full"
        ),
    ):
        to_rest(storage, service, {})


@pytest.mark.parametrize(
    "sink",
    [{"requestMethod": "GET"}, {"requestInterval": 5}, {"httpCompressionType": "br"}, {"unheardOf": 1}],
)
def test_unsupported_settings_of_a_sink_are_rejected(storage: Storage, sink: dict[str, Any]) -> None:
    """Settings out of their range are rejected before any request is sent."""
    with rest_service(lambda _: Answer({})) as service, pytest.raises(ActivityFailed):
        to_rest(storage, service, sink)
    assert service.asked == []
