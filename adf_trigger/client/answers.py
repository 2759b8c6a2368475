"""Classifies HTTP answers: those of the service, and the platform's own, which say little.

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
        retry_after: seconds from Retry-After; None where it has none.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def text(self) -> str:
        """The body on one line, shortened, for people."""
        return " ".join(self.body.decode(errors="replace").split())[:_SHOWN_CHARS]

    @property
    def is_document(self) -> bool:
        """Whether the body is a JSON object and not a problem document."""
        found = _object(self.body)
        return found is not None and _problem(found) is None

    def document(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            UnexpectedAnswer: it is not one.
        """
        found = _object(self.body)
        if found is None:
            raise UnexpectedAnswer(
                f"{self.status} came without a JSON object; is the URL right? {self.text}".strip(),
                status=self.status,
            )
        return found


@dataclass(frozen=True, slots=True)
class Trouble:
    """A call that failed.

    Attributes:
        error: to raise if the call is not repeated.
        passes: whether the same call may work soon.
        unclear: whether the call may have had its effect nevertheless.
        retry_after: seconds from Retry-After; None where the answer has none.
    """

    error: ClientError
    passes: bool = False
    unclear: bool = False
    retry_after: float | None = None


def trouble_in(answer: Answer) -> Trouble:
    """The trouble that an unsuccessful answer reports."""
    document = _object(answer.body)
    problem = None if document is None else _problem(document)
    if problem is not None and document is not None:
        return _of_problem(answer, problem, document)
    return _of_platform(answer)


def _of_problem(answer: Answer, problem: Problem, document: dict[str, Any]) -> Trouble:
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


def _of_platform(answer: Answer) -> Trouble:
    """The trouble that an answer reports which is not the service's own."""
    status, body = answer.status, f' "{answer.text}"' if answer.text else " without a body"

    def unexpected(sentence: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(sentence, status=status)

    if status in _DENIED:
        key = "the key is missing, or does not authorise this call"
        closed = (
            " (or the app is stopped, or its network access is restricted)"
            if status == HTTPStatus.FORBIDDEN
            else ""
        )
        return Trouble(NotAuthorised(f"{status}{body}: {key}{closed}; ADF_TRIGGER_KEY holds it"))
    if status in _TURNED_AWAY:
        called = status == HTTPStatus.SERVICE_UNAVAILABLE and HOST_NOT_RUNNING not in answer.text
        error = unexpected(f"{status}{body}: the Functions host accepts no calls at present")
        return Trouble(error, passes=True, unclear=called, retry_after=answer.retry_after)
    if status == HTTPStatus.NOT_FOUND:
        return Trouble(
            unexpected(
                f"404{body}: there is no such route; is the URL right, and the app at least as new as this client?"
            )
        )
    if status >= _SERVER_ERRORS or status == HTTPStatus.REQUEST_TIMEOUT:
        error = unexpected(f"{status}{body}: the app failed, or its worker died, during the call")
        return Trouble(error, passes=True, unclear=True, retry_after=answer.retry_after)
    if location := answer.headers.get("location"):
        return Trouble(
            unexpected(
                f"{status}: redirects to {location[:_SHOWN_CHARS]}, which is not followed; is the URL right?"
            )
        )
    return Trouble(unexpected(f"{status}{body}: refused before it reached the app"))


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
        # A problem is still the service's if a newer version has changed the shape of another member.
        unread = {str(fault["loc"][0]) for fault in exc.errors(include_url=False, include_input=False)}
    if unread & {"type", "title", "status"}:
        return None
    return Problem.model_validate(
        {name: value for name, value in document.items() if name not in unread}, extra="ignore"
    )
