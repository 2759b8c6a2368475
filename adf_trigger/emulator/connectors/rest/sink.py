"""RestSink: sends records to a REST service, each batch as an array."""

import gzip
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from adf_trigger.emulator.connectors.common.failures import DataFailure, InvalidSettings
from adf_trigger.emulator.connectors.common.flow import Piece
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.records import Item
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, seconds, text, whole_number
from adf_trigger.emulator.connectors.formats.values import as_json
from adf_trigger.emulator.connectors.rest.client import RestClient
from adf_trigger.emulator.connectors.rest.settings import DEFAULT_TIMEOUT, base_url, request_headers
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset

_KNOWN = frozenset(
    {
        "additionalHeaders",
        "httpCompressionType",
        "httpRequestTimeout",
        "requestInterval",
        "requestMethod",
        "writeBatchSize",
    }
)
_DEFAULT_BATCH = 10_000
_MIN_INTERVAL, _MAX_INTERVAL = 10, 60_000


class RestSink:
    """Sends all records, one batch per request, with an interval between requests.

    Args:
        dataset: RestResource on a RestService.
        settings: the activity's sink.
        context: supplies the HTTP client, the clock to wait on, and the factory's own identity.
        job: its threads write.
    """

    root = ""
    merges = True

    def __init__(
        self, dataset: ResolvedDataset, settings: dict[str, Any], context: ActivityContext, job: Job
    ) -> None:
        forbid_unknown(settings, _KNOWN, "the RestSink")
        self._method = (text(settings, "requestMethod") or "POST").upper()
        if self._method not in {"POST", "PUT", "PATCH"}:
            raise InvalidSettings(
                f"The request method of a RestSink must be POST, PUT or PATCH, not {self._method}."
            )
        self._url = base_url(dataset)
        self._headers = request_headers(settings.get("additionalHeaders"), json_body=True)
        self._gzip = _compresses(settings)
        self._interval = _interval(settings)
        self._batch = whole_number(settings, "writeBatchSize", _DEFAULT_BATCH) or _DEFAULT_BATCH
        self._client = RestClient(dataset, context, seconds(settings, "httpRequestTimeout", DEFAULT_TIMEOUT))
        self._context = context
        self._job = job

    def expect_several(self) -> None:
        """Do nothing: any number of pieces can be sent."""

    def take(self, pieces: Iterator[Piece[Item]]) -> None:
        """Send the records of all pieces.

        Raises:
            DataFailure: RestSinkCallFailed, if the service rejects a batch. Earlier batches are not undone.
        """
        items = chain.from_iterable(piece.items for piece in pieces)
        records = (item for item in items if isinstance(item, dict))
        with self._job.statistics.sink.connection():
            first = True
            while batch := [as_json(record) for record in islice(records, self._batch)]:
                if not first:
                    self._job.wait_for(self._context.sleep(self._interval))
                first = False
                self._send(f"[{','.join(batch)}]".encode())

    def _send(self, body: bytes) -> None:
        sink = self._job.statistics.sink
        headers = self._headers
        if self._gzip:
            body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
        with sink.timed():
            response = self._job.wait_for(self._client.send(self._method, self._url, headers, body))
        if response.is_error:
            raise DataFailure(
                "RestSinkCallFailed",
                "Rest Endpoint responded with Failure from server. Check the error from server:"
                f"{response.status_code} {response.text}",
                side="Sink",
            )
        sink.add(data=len(body))


def _compresses(settings: dict[str, Any]) -> bool:
    kind = text(settings, "httpCompressionType", "none").lower()
    if kind not in {"none", "gzip"}:
        raise InvalidSettings(f"The property 'httpCompressionType' must be none or gzip, not '{kind}'.")
    return kind == "gzip"


def _interval(settings: dict[str, Any]) -> float:
    """Seconds between requests; the property is in milliseconds."""
    milliseconds = whole_number(settings, "requestInterval", _MIN_INTERVAL) or 0
    if not _MIN_INTERVAL <= milliseconds <= _MAX_INTERVAL:
        raise InvalidSettings("The property 'requestInterval' of a RestSink must be between 10 and 60000.")
    return milliseconds / 1000
