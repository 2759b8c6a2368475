"""Translates azure-core's errors for the ledger, without texts that may hold secrets."""

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.data.tables import TableErrorCode

_REDIRECTION = 300
_MISSING = 404
_TIMED_OUT = 408
_EXISTS = 409
_CHANGED = 412
_THROTTLED = 429
_SERVER_ERROR = 500
_ABOUT_THE_TABLE = frozenset({"TableNotFound", "TableBeingDeleted"})


class GarbledReply(AzureError):
    """The answer is incomplete or not storage's; the operation may have been applied."""


def is_lost_race(error: AzureError) -> bool:
    """Whether a transaction was refused because a row was not in the expected state.

    Recognised by the status: the error codes differ between an insert, an update and a transaction with either.
    """
    return (
        isinstance(error, HttpResponseError)
        and error.status_code in {_MISSING, _EXISTS, _CHANGED}
        and code_of(error) not in _ABOUT_THE_TABLE
    )


def is_unclear(error: Exception) -> bool:
    """Whether a failed write may have been applied, and a failed read may succeed if repeated.

    True for time-outs, resets, 5xx and partial answers, and also for connections that were never made, since azure-core
    does not always distinguish these from connections that broke later.
    """
    if isinstance(error, ClientAuthenticationError):
        return False
    if isinstance(error, HttpResponseError):
        status = error.status_code
        if status is None or status < _REDIRECTION:
            return True  # not refused: the SDK could not read the answer
        return status in {_TIMED_OUT, _THROTTLED} or status >= _SERVER_ERROR
    return isinstance(error, AzureError)


def is_missing_table(error: HttpResponseError) -> bool:
    """Whether the table is missing, and not a row."""
    return code_of(error) == "TableNotFound"


def code_of(error: HttpResponseError) -> str | None:
    """The service's error code; azure-data-tables sets it on some errors, as text or as an enum of text."""
    code = getattr(error, "error_code", None)
    return code.value if isinstance(code, TableErrorCode) else code


def sentence(doing: str, error: AzureError) -> str:
    """What failed and how, without the service's text, which may quote signatures and URLs."""
    details = [type(error).__name__]
    if isinstance(error, HttpResponseError):
        details += [str(detail) for detail in (error.status_code, code_of(error)) if detail is not None]
        headers = getattr(error.response, "headers", {})
        if request_id := headers.get("x-ms-request-id"):
            details.append(f"x-ms-request-id {request_id}")
    return f"{doing} failed: {', '.join(details)}"
