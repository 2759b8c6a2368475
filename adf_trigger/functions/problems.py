"""Errors as RFC 9457 problems, each with a documented type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from azure.functions import HttpResponse

from adf_trigger.contracts import Problem, ProblemFault, RunCandidate, RunChoice, RunView
from adf_trigger.errors import (
    AdfTriggerError,
    AmbiguousRun,
    AtCapacity,
    BadRequest,
    DataFactoryFailed,
    FactoryNotFound,
    Fault,
    InvalidRequest,
    LedgerError,
    NotFound,
    Refused,
    RequestConflict,
    ResourceNotFound,
    RunNotFound,
    SettingsError,
    TooLong,
    TryLater,
    WrongState,
)
from adf_trigger.messages.limits import shorten_middle
from adf_trigger.settings.faults import name_of

PROBLEM_ROOT = "https://adf-trigger.dev/problems/"
SETTINGS_WAIT = 60
MAX_FAULTS = 100
MAX_MESSAGE = 1_000
MAX_DETAIL = 4_000
MAX_POINTER = 300
LEDGER_WAIT = 5
"""Retry-After in seconds when the storage did not answer."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A problem type of this service."""

    slug: str
    status: HTTPStatus
    title: str

    @property
    def uri(self) -> str:
        """Its `type`."""
        return PROBLEM_ROOT + self.slug


INVALID_REQUEST = ProblemType("invalid-request", HTTPStatus.BAD_REQUEST, "The request has faults")
LENGTH_REQUIRED = ProblemType("length-required", HTTPStatus.LENGTH_REQUIRED, "The body has no length")
TOO_LARGE = ProblemType("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large")
REFUSED = ProblemType("refused", HTTPStatus.BAD_REQUEST, "Data Factory refused the request")
CROSS_SITE = ProblemType("cross-site", HTTPStatus.FORBIDDEN, "The call may be another site's")
PIPELINE_NOT_FOUND = ProblemType("pipeline-not-found", HTTPStatus.NOT_FOUND, "There is no such pipeline")
FACTORY_NOT_FOUND = ProblemType(
    "factory-not-found", HTTPStatus.NOT_FOUND, "There is no factory of that alias"
)
RUN_NOT_FOUND = ProblemType("run-not-found", HTTPStatus.NOT_FOUND, "There is no such run")
AMBIGUOUS = ProblemType("ambiguous-run", HTTPStatus.CONFLICT, "The id matches several runs")
RUN_FAILED = ProblemType("run-failed", HTTPStatus.FAILED_DEPENDENCY, "The run did not succeed")
KEY_REUSED = ProblemType(
    "key-reused", HTTPStatus.UNPROCESSABLE_ENTITY, "The idempotency key names another request"
)
WRONG_STATE = ProblemType("wrong-state", HTTPStatus.CONFLICT, "The run's state does not allow the operation")
AT_CAPACITY = ProblemType(
    "at-capacity", HTTPStatus.CONFLICT, "The pipeline's limit of concurrent runs is reached"
)
DENIED = ProblemType(
    "data-factory-denied", HTTPStatus.BAD_GATEWAY, "Data Factory does not allow this service to do that"
)
FAILED = ProblemType("data-factory-failed", HTTPStatus.BAD_GATEWAY, "Data Factory could not be read")
SETTINGS_FAULTY = ProblemType(
    "settings-faulty", HTTPStatus.SERVICE_UNAVAILABLE, "The settings of this service are faulty"
)
TRY_LATER = ProblemType(
    "try-later", HTTPStatus.SERVICE_UNAVAILABLE, "The request cannot be accepted right now"
)

PROBLEM_TYPES = (
    INVALID_REQUEST,
    LENGTH_REQUIRED,
    TOO_LARGE,
    REFUSED,
    CROSS_SITE,
    PIPELINE_NOT_FOUND,
    FACTORY_NOT_FOUND,
    RUN_NOT_FOUND,
    AMBIGUOUS,
    KEY_REUSED,
    WRONG_STATE,
    AT_CAPACITY,
    RUN_FAILED,
    DENIED,
    FAILED,
    SETTINGS_FAULTY,
    TRY_LATER,
)


def problem(
    kind: ProblemType,
    detail: str,
    *,
    instance: str | None = None,
    retry_after: float | None = None,
    run: RunView | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A response that describes a problem.

    Args:
        kind: its type.
        detail: a sentence about this occurrence.
        instance: path of the request.
        retry_after: seconds after which the same request may succeed.
        run: the run that it is about.
        headers: further headers of the response.
    """
    return _response(_described(kind, detail, run=run), instance, retry_after, headers)


def _described(
    kind: ProblemType,
    detail: str,
    *,
    faults: Sequence[Fault] = (),
    choices: Sequence[RunChoice] | None = None,
    candidates: Sequence[RunCandidate] | None = None,
    run: RunView | None = None,
    in_the_way: Sequence[RunChoice] | None = None,
) -> Problem:
    return Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=shorten_middle(detail, MAX_DETAIL),
        errors=_listed(faults),
        choices=None if choices is None else list(choices),
        candidates=None if candidates is None else list(candidates),
        run=run,
        in_the_way=None if in_the_way is None else list(in_the_way),
    )


def _response(
    body: Problem, instance: str | None, retry_after: float | None, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    again = {} if retry_after is None else {"Retry-After": str(max(1, round(retry_after)))}
    return HttpResponse(
        body.model_copy(update={"instance": instance}).model_dump_json(exclude_none=True),
        status_code=body.status,
        headers={**(headers or {}), **again},
        mimetype="application/problem+json",
    )


def _listed(faults: Sequence[Fault]) -> list[ProblemFault]:
    """The faults, cut to the limits of a response."""
    listed = [
        ProblemFault(
            pointer=shorten_middle(fault.pointer, MAX_POINTER),
            message=shorten_middle(fault.message, MAX_MESSAGE),
        )
        for fault in faults[:MAX_FAULTS]
    ]
    if len(faults) > MAX_FAULTS:
        listed.append(ProblemFault(pointer="", message=f"and {len(faults) - MAX_FAULTS} more faults"))
    return listed


def problem_of(error: AdfTriggerError, *, instance: str | None = None) -> HttpResponse:
    """The response for an error that a use case raised."""
    body, retry_after = described_by(error)
    return _response(body, instance, retry_after)


def described_by(error: AdfTriggerError) -> tuple[Problem, float | None]:
    """The problem of an error, and the seconds after which the same request may succeed, or None."""
    if isinstance(error, InvalidRequest):
        count = len(error.faults)
        detail = f"{count} fault{'' if count == 1 else 's'} found; see errors"
        return _described(INVALID_REQUEST, detail, faults=error.faults), None
    if isinstance(error, SettingsError):
        found = (*error.faults, *error.warnings)
        faults = [Fault(name_of(fault), fault.partition(": ")[2] or fault) for fault in found]
        detail = "no request is accepted until they are corrected; see errors"
        return _described(SETTINGS_FAULTY, detail, faults=faults), SETTINGS_WAIT
    if isinstance(error, AmbiguousRun):
        return _described(AMBIGUOUS, str(error), choices=error.choices), None
    if isinstance(error, AtCapacity):
        return _described(AT_CAPACITY, str(error), in_the_way=error.runs), None
    if isinstance(error, WrongState):
        return _described(WRONG_STATE, str(error), candidates=error.candidates), None
    wait: float | None = None
    if isinstance(error, TryLater):
        wait = error.retry_after
    elif isinstance(error, LedgerError):
        wait = LEDGER_WAIT
    return _described(_kind_of(error), str(error)), wait


_KINDS: Sequence[tuple[type[AdfTriggerError], ProblemType]] = (
    (TooLong, TOO_LARGE),
    (RequestConflict, KEY_REUSED),
    (FactoryNotFound, FACTORY_NOT_FOUND),
    (NotFound, RUN_NOT_FOUND),
    (RunNotFound, REFUSED),
    (ResourceNotFound, PIPELINE_NOT_FOUND),
    (BadRequest, REFUSED),
    (Refused, DENIED),
    (DataFactoryFailed, FAILED),
)
"""Error types in order: the first that an error is an instance of decides."""


def _kind_of(error: AdfTriggerError) -> ProblemType:
    return next((kind for errors, kind in _KINDS if isinstance(error, errors)), TRY_LATER)
