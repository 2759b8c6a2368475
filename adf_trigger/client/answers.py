"""What an HTTP answer means: the service's own words, and the platform's, which are few.

Seen on the genuine Functions host: no key and a wrong one are 401 without a body; a full queue of requests is 429
without Retry-After and body; a function that failed, or whose worker has died, is 500 without a body; a host whose
host.json is wrong is 503 "Function host is not running."; a wrong method or path is 404 without a body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from adf_trigger.client.errors import (
    AmbiguousRun,
    AtCapacity,
    ClientError,
    Conflict,
    NotAuthorised,
    NotTaken,
    ProblemError,
    RequestRefused,
    RunNotFound,
    UnexpectedAnswer,
)
from adf_trigger.contracts import Problem

HOST_NOT_RUNNING = "Function host is not running."
_SHOWN_CHARS = 200
_TURNED_AWAY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_SERVER_ERRORS = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: its status.
        headers: its headers; names compare without case.
        body: its bytes.
        retry_after: seconds that it asks to wait; None where it does not say.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def text(self) -> str:
        """The body on one line, cut short: for people."""
        return " ".join(self.body.decode(errors="replace").split())[:_SHOWN_CHARS]

    @property
    def is_document(self) -> bool:
        """Whether it is a JSON object that is no problem."""
        found = _object(self.body)
        return found is not None and _problem(found) is None

    def document(self) -> dict[str, Any]:
        """The JSON object that it is.

        Raises:
            UnexpectedAnswer: it is none.
        """
        found = _object(self.body)
        if found is None:
            raise UnexpectedAnswer(
                f"{self.status} came with something else than a JSON object; is the URL right? {self.text}".strip(),
                status=self.status,
            )
        return found


@dataclass(frozen=True, slots=True)
class Trouble:
    """A call that did not get what it asked for.

    Attributes:
        error: what to raise if this is the last word.
        passes: whether the same call may work soon.
        unclear: whether the call may have had its effect all the same.
        retry_after: seconds that the service asks to wait; None where it does not say.
    """

    error: ClientError
    passes: bool = False
    unclear: bool = False
    retry_after: float | None = None


def trouble_in(answer: Answer) -> Trouble:
    """What an answer means that is not what was asked for."""
    document = _object(answer.body)
    problem = None if document is None else _problem(document)
    if problem is not None and document is not None:
        return _spoken(answer, problem, document)
    return _silent(answer)


def _spoken(answer: Answer, problem: Problem, document: dict[str, Any]) -> Trouble:
    kind: type[ProblemError]
    match answer.status:
        case HTTPStatus.SERVICE_UNAVAILABLE:
            error = NotTaken(problem, document, retry_after=answer.retry_after)
            return Trouble(error, passes=True, retry_after=answer.retry_after)
        case HTTPStatus.NOT_FOUND:
            refused = problem.type.endswith(("/pipeline-not-found", "/factory-not-found"))
            kind = RequestRefused if refused else RunNotFound
        case HTTPStatus.CONFLICT:
            kind = _conflict(problem)
        case _:
            kind = RequestRefused
    return Trouble(kind(problem, document, retry_after=answer.retry_after))


def _conflict(problem: Problem) -> type[Conflict]:
    if problem.choices:
        return AmbiguousRun
    return AtCapacity if problem.type.endswith("/at-capacity") else Conflict


def _silent(answer: Answer) -> Trouble:
    """What an answer means that has no word of the service's."""
    status, says = answer.status, f' "{answer.text}"' if answer.text else " without a word"

    def told(sentence: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(sentence, status=status)

    if status in _DENIED:
        key = "the key is missing, or does not open this call"
        closed = (
            " (or the app is stopped, or its network closed to you)" if status == HTTPStatus.FORBIDDEN else ""
        )
        return Trouble(NotAuthorised(f"{status}{says}: {key}{closed}; ADF_TRIGGER_KEY holds it"))
    if status in _TURNED_AWAY:
        called = status == HTTPStatus.SERVICE_UNAVAILABLE and HOST_NOT_RUNNING not in answer.text
        error = told(f"{status}{says}: the Functions host takes no call just now")
        return Trouble(error, passes=True, unclear=called, retry_after=answer.retry_after)
    if status == HTTPStatus.NOT_FOUND:
        return Trouble(
            told(f"404{says}: there is no such call here; is the URL right, and the app as new as this?")
        )
    if status >= _SERVER_ERRORS or status == HTTPStatus.REQUEST_TIMEOUT:
        error = told(f"{status}{says}: the app failed, or its worker died, while it had the call")
        return Trouble(error, passes=True, unclear=True, retry_after=answer.retry_after)
    if location := answer.headers.get("location"):
        return Trouble(
            told(f"{status}: leads to {location[:_SHOWN_CHARS]}, and is not followed; is the URL right?")
        )
    return Trouble(told(f"{status}{says}: refused before the app saw it"))


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _problem(document: dict[str, Any]) -> Problem | None:
    if not {"type", "title", "status"} <= document.keys():
        return None
    try:
        return Problem.model_validate(document, extra="ignore")
    except ValidationError as exc:
        # A member that a newer service shapes otherwise does not make its answer the platform's.
        unread = {str(fault["loc"][0]) for fault in exc.errors(include_url=False, include_input=False)}
    if unread & {"type", "title", "status"}:
        return None
    return Problem.model_validate(
        {name: value for name, value in document.items() if name not in unread}, extra="ignore"
    )
