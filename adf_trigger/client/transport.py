"""Calls of the service over httpx: each is retried while that is safe and useful, and ends in an answer or an error.

httpx, since it has a separate time-out for each part of a call, errors that say whether a request was sent, and a
transport that tests can replace by a small server.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Self, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel

from adf_trigger import __version__
from adf_trigger.azure.retry_after import retry_after
from adf_trigger.client.answers import Answer, Trouble, trouble_in
from adf_trigger.client.documents import model_of
from adf_trigger.client.errors import ClientError, NotReached, OutcomeUnknown, ProblemError, UnexpectedAnswer
from adf_trigger.client.retrying import Retrying
from adf_trigger.client.settings import ClientSettings
from adf_trigger.errors import SettingsError

_M = TypeVar("_M", bound=BaseModel)

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
LEAST_READ_SECONDS = 5.0
"""Minimum time of a retry, however little is left of the whole time."""
MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Maximum size of an answer: the service's largest are activities with their inputs and outputs."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NEVER_CAN = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the API.

    Attributes:
        method: its HTTP method.
        path: below the API's root, already encoded.
        query: parameters of the query.
        body: JSON; None for no body.
        headers: in addition to the function key and the content type.
        key: the idempotency key; None where the call has none.
        effect: whether it changes something.
        repeatable: whether it is safe to repeat the call when its outcome is unknown.
        patience: seconds for which the service may hold the answer.
        also_fine: further statuses that are successes, if they come with a document that is not a problem.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    key: str | None = None
    effect: bool = False
    repeatable: bool = True
    patience: float = 0.0
    also_fine: frozenset[int] = frozenset()


class Transport:
    """Makes calls. Thread-safe.

    Args:
        settings: the service's URL and credentials.
        retrying: how calls are retried.
        http: httpx transport; default: the network.

    Raises:
        SettingsError: the URL is missing or invalid, or the key is invalid.
    """

    def __init__(
        self, settings: ClientSettings, retrying: Retrying, *, http: httpx.BaseTransport | None = None
    ) -> None:
        self._root = settings.api
        self._retrying = retrying
        headers = {"User-Agent": f"adf-trigger-client/{__version__}", "Accept": "application/json"}
        if settings.key is not None:
            headers["x-functions-key"] = settings.key.get_secret_value()
        loopback = httpx.URL(self._root).host in _LOOPBACK
        try:
            self._http = httpx.Client(headers=headers, transport=http, trust_env=not loopback)
        except (ValueError, OSError) as exc:  # proxies and certificates named by the environment
            raise SettingsError([f"HTTPS_PROXY, SSL_CERT_FILE or their like: {exc}"]) from exc

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, call: Call, *, within: float | None = None) -> Answer:
        """Make a call, and retry it where that is safe and useful.

        Args:
            call: the call.
            within: seconds that it may take including retries; default: those of `retrying`.

        Raises:
            ClientError: the call failed; see `adf_trigger.client.errors`.
        """
        retrying = self._retrying
        deadline = retrying.clock() + (retrying.within if within is None else within) + call.patience
        doubt: Trouble | None = None
        for attempt in count(1):
            outcome = self._once(call, deadline, first=attempt == 1)
            if isinstance(outcome, Answer):
                return outcome
            if outcome.unclear:
                doubt = doubt or outcome
            wait = retrying.wait_before(attempt, outcome.retry_after)
            safe = call.repeatable or not outcome.unclear
            if outcome.passes and safe and retrying.clock() + wait < deadline:
                logger.info(
                    "Retrying %s %s in %.1f s: %s",
                    call.method,
                    call.path,
                    wait,
                    outcome.error,
                    extra={"action": "call_repeated", "attempt": attempt, "wait": wait},
                )
                retrying.sleep(wait)
                continue
            raise _final_error(call, outcome, doubt)
        raise AssertionError  # count() has no end

    def effect(self, model: type[_M], call: Call) -> _M:
        """Make a call that changes something, and return its result.

        Raises:
            OutcomeUnknown: no clear answer came, or a success that cannot be read.
            ClientError: as for `send`.
        """
        answer = self.send(call)
        try:
            return model_of(model, answer)
        except UnexpectedAnswer as exc:
            raise outcome_unknown(call, exc) from exc

    def _once(self, call: Call, deadline: float, *, first: bool) -> Answer | Trouble:
        read = READ_SECONDS + call.patience
        if not first:
            read = min(read, max(LEAST_READ_SECONDS, deadline - self._retrying.clock()))
        timeout = httpx.Timeout(read, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        headers = {
            name.encode(): value.encode() if isinstance(value, str) else value
            for name, value in call.headers.items()
        }
        if call.body is not None:
            headers[b"Content-Type"] = b"application/json"
        try:
            with self._http.stream(
                call.method,
                f"{self._root}/{call.path}" + (f"?{urlencode(call.query)}" if call.query else ""),
                content=call.body,
                headers=headers,
                timeout=timeout,
            ) as response:
                answer = self._read(response, deadline + read)
        except _NEVER_CAN as exc:
            return _trouble(UnexpectedAnswer(f"the request cannot be sent: {_what(exc)}", status=0), exc)
        except _NEVER_LEFT as exc:
            return _trouble(NotReached(f"{self._root} was not reached: {_what(exc)}"), exc, passes=True)
        except httpx.HTTPError as exc:
            error = NotReached(f"the connection to {self._root} broke: {_what(exc)}")
            return _trouble(error, exc, passes=True, unclear=True)
        if answer.ok or (answer.status in call.also_fine and answer.is_document):
            return answer
        return trouble_in(answer)

    def _read(self, response: httpx.Response, deadline: float) -> Answer:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise httpx.ReadError(f"the answer has over {MAX_ANSWER_BYTES} bytes")
            if self._retrying.clock() > deadline:
                raise httpx.ReadTimeout("the answer takes too long")
        wait = retry_after(response.headers, now=datetime.now(tz=UTC))
        return Answer(response.status_code, response.headers, bytes(body), wait)


def _final_error(call: Call, trouble: Trouble, doubt: Trouble | None) -> ClientError:
    """The error of a call that is not retried: only a problem from the service itself resolves a doubt."""
    definite = isinstance(trouble.error, ProblemError) and not (trouble.passes or trouble.unclear)
    if call.effect and doubt is not None and not definite:
        return outcome_unknown(call, doubt.error, then=trouble.error)
    return trouble.error


def outcome_unknown(call: Call, why: ClientError, *, then: ClientError | None = None) -> OutcomeUnknown:
    """The error of a call with an effect that got no clear answer.

    Args:
        call: the call.
        why: the error that leaves its outcome unknown.
        then: the error of the last retry.
    """
    again = (
        f"repeating the call{f' with the key {call.key}' if call.key else ''} is safe at any time, and finds out"
        if call.repeatable
        else "check its effect before repeating it"
    )
    last = f", then {then}" if then is not None and str(then) != str(why) else ""
    error = OutcomeUnknown(f"it is not known whether this had its effect: {why}{last}; {again}", key=call.key)
    error.__cause__ = why
    return error


def _trouble(error: ClientError, cause: Exception, *, passes: bool = False, unclear: bool = False) -> Trouble:
    error.__cause__ = cause
    return Trouble(error, passes=passes, unclear=unclear)


def _what(error: Exception) -> str:
    return str(error) or type(error).__name__
