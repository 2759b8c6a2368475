"""A transport for httpx that sends requests for the cloud to a local server."""

import httpx


class Elsewhere(httpx.AsyncHTTPTransport):
    """Sends requests for any host to a local server.

    Args:
        url: of that server, by http.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = httpx.URL(url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._url.host, port=self._url.port)
        return await super().handle_async_request(request)
