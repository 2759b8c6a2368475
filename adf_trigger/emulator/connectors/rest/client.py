"""One request to a REST service, with the connector's failures."""

import asyncio
from http import HTTPStatus
from typing import Any

import httpx

from adf_trigger.emulator.connectors.common.failures import DataFailure
from adf_trigger.emulator.connectors.common.settings import flag
from adf_trigger.emulator.connectors.rest.auth import Authorization
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset

# Names of statuses in .NET that differ from the standard's phrase without its spaces.
_STATUS_NAMES = {
    413: "RequestEntityTooLarge",
    414: "RequestUriTooLong",
    416: "RequestedRangeNotSatisfiable",
    422: "UnprocessableEntity",
}
_CONNECT_TIMEOUT = 30.0
# Maximum seconds between two reads of a response that has started; the article documents no such limit.
_READ_TIMEOUT = 300.0


class RestClient:
    """Sends requests as one linked service. Its methods run on the event loop.

    Args:
        dataset: its linked service is a RestService.
        context: supplies the HTTP client and the factory's own identity.
        timeout: maximum seconds until a response starts; reading it may take longer.
    """

    def __init__(self, dataset: ResolvedDataset, context: ActivityContext, timeout: float) -> None:
        self._authorization = Authorization(dataset, context)
        self._verify = flag(dataset.linked_service, "enableServerCertificateValidation", default=True)
        self._http = context.http
        self._surroundings = context.surroundings
        self._response_timeout = timeout
        self._timeout = httpx.Timeout(_READ_TIMEOUT, connect=min(timeout, _CONNECT_TIMEOUT))

    async def send(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> httpx.Response:
        """Send one request and read the whole response, whatever its status.

        Raises:
            DataFailure: no response was received.
        """
        sent = headers | await self._authorization.headers()
        options: dict[str, Any] = {
            "headers": sent,
            "content": body,
            "timeout": self._timeout,
        }
        try:
            if self._verify:
                return await self._receive(self._http, self._http.build_request(method, url, **options))
            tls = self._surroundings.tls(verify=False)
            async with self._surroundings.client(tls) as unverified:
                return await self._receive(unverified, unverified.build_request(method, url, **options))
        except (httpx.TimeoutException, TimeoutError) as exc:
            raise DataFailure(
                "RestCallTimeout",
                f"Rest call got no response within {self._response_timeout} seconds.\nRequest URL: {url}.",
            ) from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise DataFailure(
                "RestCallFailed", f"Rest call failed: {type(exc).__name__}: {exc}\nRequest URL: {url}."
            ) from exc

    async def _receive(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        """The complete response; httpRequestTimeout applies only until it starts."""
        async with asyncio.timeout(self._response_timeout):
            response = await client.send(request, stream=True, follow_redirects=True)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response


def call_failed(response: httpx.Response) -> DataFailure:
    """The failure for a status of 400 or more, with the service's text."""
    client = response.is_client_error
    code, kind = (
        ("RestCallFailedWithClientError", "client") if client else ("RestCallFailedWithServerError", "server")
    )
    return DataFailure(
        code,
        f"Rest call failed with {kind} error, status code {response.status_code} "
        f"{status_name(response.status_code)}, please check your activity settings.\n"
        f"Request URL: {response.request.url}.\nResponse: {response.text}",
    )


def status_name(status: int) -> str:
    """A status by its name in .NET, e.g. NotFound."""
    if status in _STATUS_NAMES:
        return _STATUS_NAMES[status]
    try:
        return HTTPStatus(status).phrase.replace(" ", "").replace("-", "")
    except ValueError:
        return str(status)
