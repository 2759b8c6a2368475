"""Maps error replies, and missing replies, to the error tree."""

import http
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from adf_trigger.azure.connections import Stage
from adf_trigger.azure.retry_after import retry_after
from adf_trigger.azure.scrubbing import Scrubber
from adf_trigger.datafactory.calls import Call, Effect, Reply
from adf_trigger.datafactory.lenient import loads
from adf_trigger.errors import (
    BadRequest,
    DataFactoryError,
    FactoryFull,
    FactoryUnusable,
    Forbidden,
    NotSent,
    PipelineQueueFull,
    PreconditionFailed,
    QuotaExceeded,
    Refused,
    ResourceNotFound,
    RunNotFound,
    ScopeLocked,
    ScopeNotFound,
    SubscriptionUnusable,
    Throttled,
    Unauthorized,
    Unavailable,
    UnknownOutcome,
)
from adf_trigger.messages.limits import shorten_middle

_BY_STATUS: Mapping[int, type[Refused]] = {
    401: Unauthorized,
    402: SubscriptionUnusable,
    403: Forbidden,
    407: Unauthorized,
    412: PreconditionFailed,
    501: Refused,
    423: ScopeLocked,
    429: Throttled,
}

_UNUSABLE_BY_CODE: Mapping[str, type[FactoryUnusable]] = {
    "DisabledSubscription": SubscriptionUnusable,
    "InvalidApiVersionParameter": SubscriptionUnusable,
    "MissingApiVersionParameter": SubscriptionUnusable,
    "MissingSubscriptionRegistration": SubscriptionUnusable,
    "NoRegisteredProviderFound": SubscriptionUnusable,
    "ReadOnlyDisabledSubscription": SubscriptionUnusable,
    "SubscriptionNotRegistered": SubscriptionUnusable,
    "QuotaExceeded": QuotaExceeded,
    "ResourceQuotaExceeded": QuotaExceeded,
    "ScopeLocked": ScopeLocked,
    "InvalidResourceNamespace": ScopeNotFound,
    "InvalidResourceType": ScopeNotFound,
    "InvalidSubscriptionId": ScopeNotFound,
    "ResourceGroupBeingDeleted": ScopeNotFound,
    "ResourceGroupNotFound": ScopeNotFound,
    "ResourceNotFound": ScopeNotFound,
    "SubscriptionNotFound": ScopeNotFound,
    "AuthenticationFailed": Unauthorized,
    "ExpiredAuthenticationToken": Unauthorized,
    "InvalidAuthenticationToken": Unauthorized,
    "InvalidAuthenticationTokenTenant": Unauthorized,
    "AuthorizationFailed": Forbidden,
    "LinkedAuthorizationFailed": Forbidden,
}
"""Codes that the Resource Manager returns before Data Factory sees a call, with any status: nothing happened."""

_BY_CODE: Mapping[str, type[Refused]] = {
    "BadRequest": BadRequest,
    "ReferencedPipelineRunNotValid": BadRequest,
    "DataFactoryNameInUse": Refused,
    "EntityNotFound": ResourceNotFound,
    "NotFound": ResourceNotFound,
    "ReferencedPipelineRunNotFound": RunNotFound,
    "SubscriptionRequestsThrottled": Throttled,
    "TooManyRequests": Throttled,
}
"""Codes of Data Factory. A status with a class of its own takes precedence: the code distinguishes replies with 400
(cancel of an unknown run is 400 ReferencedPipelineRunNotFound), 404 or 409."""

_BY_TEXT: Sequence[tuple[re.Pattern[str], type[Refused]]] = (
    (
        # The limit is documented ("concurrent pipeline runs per data factory"), the text of the refusal is not: any
        # that mentions a limit, active runs and the factory is accepted, since waiting is the safe mistake.
        # Anchored: a search would restart at each character, which takes seconds for a long text.
        re.compile(
            r"\A(?=.*\b(?:maximum|limit|exceed\w*|reached|throttled)\b)"
            r"(?=.*\b(?:concurrent|active|running|queued)\b[^.;]{0,40}\bruns?\b)"
            r".*\b(?:per|in|of|for|by|the|this|your|each) (?:data )?factory\b",
            re.IGNORECASE | re.DOTALL,
        ),
        FactoryFull,
    ),
    (
        re.compile(
            r"pipeline execution throttled|runs? will be queued|maximum number of concurrent runs",
            re.IGNORECASE,
        ),
        PipelineQueueFull,
    ),
    (
        re.compile(r"api version .{1,40} not available for your subscription", re.IGNORECASE),
        SubscriptionUnusable,
    ),
)
"""Refusals with 400 BadRequest, recognised by their text alone (azure-docs 85538, azure-sdk-for-net 31085)."""

_A_FACTORY = re.compile(r"/providers/microsoft\.datafactory/factories/[^/]+/?$", re.IGNORECASE)
"""The end of a target that is a factory itself."""

_NO_CLEAR_ANSWER = frozenset({408, 499})
"""Statuses after which the outcome is unknown: the server, or a proxy, gave up waiting."""

_SAID_BY_THE_STATUS = frozenset({401, 402, 404, 407, 412, 423, 429})
"""Statuses of a definite refusal even without a code of the service, not the request's fault. Any other 4xx without a
code comes from an intermediary (a proxy, a firewall): whether the service saw the call is not known."""

_NEVER_LEFT: tuple[type[Exception], ...] = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidJSONError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.URLRequired,
)
"""Exceptions raised before a request is written."""

_A_RESOURCE = re.compile(r"/factories/(?P<factory>[^/]+)/(?P<name>[^/]+/[^/]+)\Z", re.IGNORECASE)
"""The name in a target that is the id of something in a factory: the message itself does not name it."""

_MAX_TEXT = 2_000
_MAX_MESSAGE = 8_000
"""Maximum characters quoted from a reply, the two ends of a long text: either may name the cause."""
_MAX_DETAILS = 5


def error_of(call: Call, reply: Reply, *, now: datetime, secret: str) -> DataFactoryError:
    """The error for an error reply.

    Args:
        call: the call.
        reply: its reply.
        now: the current time, from which an HTTP date in Retry-After is counted.
        secret: the bearer token: no error text repeats it, nor a secret of the call, even if the reply does.
    """
    scrub = Scrubber([secret, *call.secrets])
    said = _error_body(reply)
    kind = _class_of(call.effect, reply.status, said)
    facts = reply.facts(call.client_request_id)
    code = _cut(scrub(said.code)) if said.code else None
    message = shorten_middle(scrub(said.message), _MAX_MESSAGE)
    if kind is ResourceNotFound and said.target and (what := _A_RESOURCE.search(said.target)) is not None:
        message += f" ({_cut(scrub(what['name']))} of the factory {_cut(scrub(what['factory']))})"
    return kind(
        f"{call.operation}: HTTP {reply.status} {code or _phrase(reply.status)}: {message}",
        status=reply.status,
        code=code,
        target=_cut(scrub(said.target)) if said.target else None,
        request_id=_scrubbed(scrub, facts.request_id),
        correlation_id=_scrubbed(scrub, facts.correlation_id),
        client_request_id=facts.client_request_id,
        retry_after=retry_after(reply.headers, now=now),
    )


def garbled(call: Call, reply: Reply, what: str) -> DataFactoryError:
    """The error for a successful reply whose content cannot be read: the call was accepted, but its result is lost."""
    facts = reply.facts(call.client_request_id)
    kind = Unavailable if call.effect is Effect.NONE else UnknownOutcome
    return kind(
        f"{call.operation}: HTTP {reply.status}, but {_cut(Scrubber(call.secrets)(what))}",
        status=reply.status,
        request_id=facts.request_id,
        correlation_id=facts.correlation_id,
        client_request_id=facts.client_request_id,
    )


def no_reply(call: Call, host: str, exc: Exception, stage: Stage) -> DataFactoryError:
    """The error for an exception of the HTTP library.

    Args:
        call: the call.
        host: the host that did not answer, for the text.
        exc: the library's exception.
        stage: the progress of the request.
    """
    client_request_id = str(call.client_request_id)
    never_left = stage is Stage.CONNECTING or (stage is Stage.NOT_BEGUN and isinstance(exc, _NEVER_LEFT))
    what = type(exc).__name__
    if never_left:
        return NotSent(
            f"{call.operation}: no connection to {host} ({what})", client_request_id=client_request_id
        )
    kind = Unavailable if call.effect is Effect.NONE else UnknownOutcome
    return kind(
        f"{call.operation}: no complete answer from {host} ({what})", client_request_id=client_request_id
    )


def _class_of(effect: Effect, status: int, said: "_ErrorBody") -> type[DataFactoryError]:
    if _is_unclear(effect, status, said.code):
        return Unavailable if effect is Effect.NONE else UnknownOutcome
    code = said.code or ""
    if status == http.HTTPStatus.NOT_FOUND:
        return _not_found(code, said.target)
    found = _UNUSABLE_BY_CODE.get(code) or _BY_STATUS.get(status)
    if found is None and status == http.HTTPStatus.BAD_REQUEST:
        found = next((kind for pattern, kind in _BY_TEXT if pattern.search(said.message)), None)
    return found or _BY_CODE.get(code, Refused if status == http.HTTPStatus.CONFLICT else BadRequest)


def _not_found(code: str, target: str | None) -> type[Refused]:
    """Whether Data Factory reports a missing resource, naming it as the target, or the Resource Manager before it."""
    if code in _UNUSABLE_BY_CODE or (target is not None and _A_FACTORY.search(target) is not None):
        return _UNUSABLE_BY_CODE.get(code, ScopeNotFound)
    if code in _BY_CODE:
        return RunNotFound if _BY_CODE[code] is RunNotFound else ResourceNotFound
    return ResourceNotFound if target is not None else ScopeNotFound


def _is_unclear(effect: Effect, status: int, code: str | None) -> bool:
    if code is None and status not in _SAID_BY_THE_STATUS:
        return True
    if status == http.HTTPStatus.CONFLICT:
        return effect is not Effect.CHANGE and code not in _UNUSABLE_BY_CODE
    is_client_error = 400 <= status < 500  # noqa: PLR2004  # HTTP's own bounds
    # With the service's own code 501 is as definite: an operation that is not implemented was not done.
    is_refusal = is_client_error or (status == http.HTTPStatus.NOT_IMPLEMENTED and code == "NotImplemented")
    return not is_refusal or status in _NO_CLEAR_ANSWER


@dataclass(frozen=True, slots=True)
class _ErrorBody:
    code: str | None
    message: str
    target: str | None


def _error_body(reply: Reply) -> _ErrorBody:
    """The error of Data Factory or the Resource Manager, or an empty one (a proxy's HTML, an empty body)."""
    try:
        parsed = loads(reply.body)
    except (ValueError, RecursionError):
        kind = reply.headers.get("content-type", "").partition(";")[0].strip() or "no content type"
        said = f"a body that is not JSON ({kind[:100]})" if reply.body.strip() else "no body"
        return _ErrorBody(None, said, None)
    error = _fields(parsed).get("error", parsed)
    if isinstance(error, str):
        return _ErrorBody(_text(error), _text(_fields(parsed).get("error_description")) or "no message", None)
    fields = _fields(error)
    message = _text(fields.get("message")) or _text(fields.get("Message"))
    # The Resource Manager writes "null" for JSON that it cannot parse.
    if message is None or message == "null":
        message = "no message"
    return _ErrorBody(
        _text(fields.get("code")) or _text(fields.get("Code")),
        "; ".join([message, *_details(fields.get("details"))]),
        _text(fields.get("target")),
    )


def _details(details: object) -> list[str]:
    if not isinstance(details, list):
        return []
    found = (
        _text(_fields(_fields(each).get("error", each)).get("message")) for each in details[:_MAX_DETAILS]
    )
    return [message for message in found if message]


def _fields(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _cut(text: str) -> str:
    return shorten_middle(text, _MAX_TEXT)


def _scrubbed(scrub: Scrubber, text: str | None) -> str | None:
    return None if text is None else _cut(scrub(text))


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "(no known status)"
