"""Calls back Data Factory's WebHook activities, and other callers that gave an address, at the end of a run.

The body has the form that the activity expects (Microsoft's documentation of the WebHook activity): `Output`, its
output to the pipeline, `StatusCode`, and `Error` with `ErrorCode` and `Message`. With `reportStatusOnCallBack` a code
of 400 or more makes the activity fail with that error; without it the whole body is its output.
"""

import json
from typing import Any, Protocol

from adf_trigger.contracts import RunStatus
from adf_trigger.errors import PublishError
from adf_trigger.events.posting import Poster
from adf_trigger.events.texts import event_text
from adf_trigger.messages.limits import shorten_middle
from adf_trigger.news import CompletionEvent

OK = "200"
NOT_OK = "500"
LONGEST_MESSAGE = 4_096
_HEADERS = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "adf-trigger"}

_CODES: dict[str, str] = {
    RunStatus.FAILED: "RunFailed",
    RunStatus.CANCELLED: "RunCancelled",
    RunStatus.REJECTED: "RequestRejected",
    RunStatus.UNKNOWN: "OutcomeUnknown",
}


class CallbackSender(Protocol):
    """Calls addresses back."""

    def call(self, uri: str, event: CompletionEvent) -> int:
        """Send the end of a run; returns the HTTP status of the answer, even an error.

        Raises:
            PublishError: there was no answer, or the address must not be called. The text names no address.
        """


class CallbackPoster:
    """Calls addresses back over HTTP. Thread-safe.

    Args:
        poster: makes the calls.
    """

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def call(self, uri: str, event: CompletionEvent) -> int:
        """See CallbackSender."""
        return self._poster.post(uri, callback_text(event).encode(), _HEADERS)


def callback_text(event: CompletionEvent) -> str:
    """The body of a callback: an event's data within an event's limits, and a short error."""
    data = json.loads(event_text(event))["data"]
    body: dict[str, Any] = {"Output": data, "StatusCode": OK}
    if event.data.status != RunStatus.SUCCEEDED:
        body = {
            **body,
            "StatusCode": NOT_OK,
            "Error": {
                "ErrorCode": _CODES.get(event.data.status, "RunFailed"),
                "Message": shorten_middle(_why(data), LONGEST_MESSAGE),
            },
        }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def is_gone(status: int) -> bool:
    """Whether an answer says that the callback is gone: the same call will not be accepted later."""
    return 400 <= status < 500 and status not in _LATER  # noqa: PLR2004 - HTTP's own bounds


_LATER = frozenset({408, 425, 429})


def require_accepted(status: int) -> None:
    """Require an answer that accepts the call.

    Raises:
        PublishError: it does not. No redirect is followed.
    """
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own bounds
        raise PublishError(f"the callback answered {status}")


def _why(data: dict[str, Any]) -> str:
    run = f"run {data['runId']}" if data.get("runId") else f"request {data['requestId']}"
    reason = data.get("reason") or data.get("message")
    return f"{run} of {data['pipeline']} is {data['status']}{f': {reason}' if reason else ''}"
