"""Calls of the service over httpx: each is made again while that is safe and of use, and ends in an answer or an error.

httpx, since it has a time-out of its own for each part of a call, errors that tell whether a request has left, and a
transport that tests put a small server into.
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
        path: below the API's root, every byte of it as it goes over the wire.
        query: parameters of the query.
        body: JSON that goes with it; None for no body.
        headers: beside the key and the content's type.
        key: the idempotency key it goes under; None where it has none.
        effect: whether it changes something.
        repeatable: whether it is safe to make it again when it is not known what became of it.
        patience: seconds for which the service may hold the answer back.
        also_fine: statuses that are an answer, too, where they come with a document that is no problem.
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
        settings: where the service is, and what opens it.
        retrying: how calls are repeated.
        http: what carries the requests; a real network unless told otherwise.

    Raises:
        SettingsError: there is no URL, or it can be none; or the key can be none.
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
        except (ValueError, OSError) as exc:  # what the environment says of proxies and certificates
            raise SettingsError([f"HTTPS_PROXY, SSL_CERT_FILE or their like: {exc}"]) from exc

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, call: Call, *, within: float | None = None) -> Answer:
        """Make a call, again where that is safe and of use.

        Args:
            call: what to ask for.
            within: seconds that it may take with its repeats; the transport's own unless told.

        Raises:
            ClientError: it did not get what it asked for; see `adf_trigger.client.errors`.
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
                    "%s %s is tried again in %.1f s: %s",
                    call.method,
                    call.path,
                    wait,
                    outcome.error,
                    extra={"action": "call_repeated", "attempt": attempt, "wait": wait},
                )
                retrying.sleep(wait)
                continue
            raise _last_word(call, outcome, doubt)
        raise AssertionError  # count() has no end

    def effect(self, model: type[_M], call: Call) -> _M:
        """Make a call that changes something, and give what it made.

        Raises:
            OutcomeUnknown: no clear answer came; one that says it is done but cannot be read is none.
            ClientError: as `send` does.
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
            return _trouble(UnexpectedAnswer(f"this cannot be asked for: {_what(exc)}", status=0), exc)
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


def _last_word(call: Call, trouble: Trouble, doubt: Trouble | None) -> ClientError:
    """The error of a call that is not made again: only a word of the service's own ends a doubt."""
    definite = isinstance(trouble.error, ProblemError) and not (trouble.passes or trouble.unclear)
    if call.effect and doubt is not None and not definite:
        return outcome_unknown(call, doubt.error, then=trouble.error)
    return trouble.error


def outcome_unknown(call: Call, why: ClientError, *, then: ClientError | None = None) -> OutcomeUnknown:
    """The error of a call with an effect that got no clear answer.

    Args:
        call: what was asked for.
        why: what leaves it unclear.
        then: what the last repeat met.
    """
    again = (
        f"the same call{f' under the key {call.key}' if call.key else ''} is safe at any time, and tells"
        if call.repeatable
        else "look at what became of it before it is made again"
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
