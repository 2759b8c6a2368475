"""What a function gave back, as an HTTP response."""

from azure.functions.meta import Datum
from starlette.responses import Response

from adf_trigger.functions_host.errors import FunctionFailed

_OF_THE_SERVER = {"content-length", "transfer-encoding", "connection"}
_BODILESS = {204, 205, 304}
_PLAIN_TEXT = "text/plain; charset=utf-8"


def from_datum(datum: Datum | None) -> Response:
    """The response that azure.functions encoded: an HttpResponse, or a plain string (200, text).

    Raises:
        FunctionFailed: a header's value is not what HTTP allows.
    """
    if datum is None or datum.value is None:
        return Response(status_code=200)
    if datum.type == "string":
        return Response(datum.value, media_type=_PLAIN_TEXT)
    status = int(datum.value["status_code"].value)
    content = b"" if status in _BODILESS else datum.value["body"].value
    response = Response(content, status_code=status)
    for name, value in datum.value["headers"].items():
        if name.lower() not in _OF_THE_SERVER:
            response.headers[name] = _header_value(name, value.value)
    for cookie in datum.value["cookies"] or []:
        for morsel in cookie.values():
            response.headers.append("set-cookie", morsel.OutputString())
    return response


def _header_value(name: str, value: object) -> str:
    text = str(value)
    if not text.isascii() or not text.isprintable():
        raise FunctionFailed(f"The response header {name} has a value that HTTP does not allow")
    return text
