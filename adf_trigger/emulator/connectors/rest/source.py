"""RestSource: reads JSON from a REST service, page by page."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx

from adf_trigger.emulator.connectors.common.failures import DataFailure, InvalidSettings
from adf_trigger.emulator.connectors.common.flow import Piece
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.records import Item, Items
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, seconds, section, text
from adf_trigger.emulator.connectors.rest.client import RestClient, call_failed
from adf_trigger.emulator.connectors.rest.pagination import Page, PageRequest, Pagination
from adf_trigger.emulator.connectors.rest.settings import DEFAULT_TIMEOUT, base_url, request_headers
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset

_KNOWN = frozenset(
    {
        "additionalColumns",
        "additionalHeaders",
        "httpRequestTimeout",
        "paginationRules",
        "requestBody",
        "requestInterval",
        "requestMethod",
    }
)
_NO_CONTENT = 204


class RestSource:
    """The records of a RestResource dataset. A page is held in memory while its records are copied.

    Args:
        dataset: RestResource on a RestService.
        settings: the activity's source; defaults are taken from the dataset, where older pipelines have them.
        context: supplies the HTTP client, the clock to wait on, and the factory's own identity.
        job: its threads read.
    """

    root = ""

    def __init__(
        self, dataset: ResolvedDataset, settings: dict[str, Any], context: ActivityContext, job: Job
    ) -> None:
        forbid_unknown(settings, _KNOWN, "the RestSource")
        given = {name: value for name, value in settings.items() if value is not None}
        merged = dataset.properties | given
        self._method = (text(merged, "requestMethod") or "GET").upper()
        if self._method not in {"GET", "POST"}:
            raise InvalidSettings(
                f"The request method of a RestSource must be GET or POST, not {self._method}."
            )
        body = merged.get("requestBody")
        self._body = _body(body) if self._method == "POST" else None
        self._interval = seconds(settings, "requestInterval", 1.0)
        headers = request_headers(merged.get("additionalHeaders"), json_body=self._body is not None)
        self._pagination = Pagination(section(merged, "paginationRules"), base_url(dataset), headers)
        timeout = seconds(settings, "httpRequestTimeout", DEFAULT_TIMEOUT)
        self._client = RestClient(dataset, context, timeout)
        self._context = context
        self._job = job

    def pieces(self) -> Iterator[Piece[Item]]:
        """One piece with the records of all pages."""
        yield Piece(self._records())

    def _records(self) -> Items:
        """Each page's object, or each object of its array, unchanged."""
        with self._job.statistics.source.connection():
            for page in self._pages():
                for value in page.body if isinstance(page.body, list) else [page.body]:
                    if not isinstance(value, dict):
                        raise _not_json(page.url)
                    yield value

    def _pages(self) -> Iterator[Page]:
        request: PageRequest | None = self._pagination.first()
        while request is not None:
            page = self._fetch(request)
            if page.body is None:
                return
            yield page
            request = self._pagination.after(page)
            if request is not None:
                self._job.wait_for(self._context.sleep(self._interval))

    def _fetch(self, request: PageRequest) -> Page:
        source = self._job.statistics.source
        begun = time.monotonic()
        response = self._job.wait_for(
            self._client.send(self._method, request.url, request.headers, self._body)
        )
        spent = time.monotonic() - begun
        if source.first_byte is None:
            source.first_byte = spent
        source.add(data=len(response.content), busy=spent)
        if response.is_error:
            raise call_failed(response)
        return Page(
            url=str(response.url),
            headers=response.headers,
            body=_json(response),
            next_link=response.links.get("next", {}).get("url"),
        )


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _json(response: httpx.Response) -> Any:
    """The response's JSON; None if it is empty, which ends the copy."""
    if response.status_code == _NO_CONTENT or not response.content.strip():
        return None
    try:
        return json.loads(response.content)
    except ValueError as exc:
        raise _not_json(str(response.request.url)) from exc


def _not_json(url: str) -> DataFailure:
    return DataFailure(
        "RestSourceResponseNotJson",
        f"The response is not a JSON object or an array of JSON objects.\nRequest URL: {url}.",
        side="Source",
    )
