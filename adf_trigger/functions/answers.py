"""How HTTP functions answer: use cases run on our own threads, and errors become problems."""

import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from http import HTTPStatus
from math import ceil
from typing import Protocol, TypeVar

import azure.functions as func

from adf_trigger.contracts import RunView
from adf_trigger.errors import AdfTriggerError, Fault, InvalidRequest
from adf_trigger.functions.composition import UseCases, enter
from adf_trigger.functions.decoding import (
    body_was_dropped,
    key_header,
    parameters_of,
    path_of,
    unknown_parameters,
)
from adf_trigger.functions.problems import CROSS_SITE, LENGTH_REQUIRED, TOO_LARGE, problem, problem_of
from adf_trigger.functions.same_origin import fault_of_origin
from adf_trigger.functions.services import Services
from adf_trigger.messages.limits import shorten, shorten_middle
from adf_trigger.service.reading.query import by_of
from adf_trigger.service.threads.tick_threads import each_thread

logger = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD"})
MAX_LOGGED = 2_000
"""Maximum characters of a path or of an error in the log."""

Parameters = dict[str, str]
"""Parameters of a query."""


Answer = TypeVar("Answer")


class Run(Protocol):
    """Runs a blocking call on the workers."""

    def __call__(self, work: Callable[[], Answer], /) -> Awaitable[Answer]:
        """Run a call; returns its result or raises its error; raises TryLater if it was not begun."""


async def answered(
    use_cases: UseCases,
    req: func.HttpRequest,
    context: func.Context,
    known: Collection[str] | None,
    work: Callable[[Services, Parameters], func.HttpResponse],
) -> func.HttpResponse:
    """Answer a request, with a problem if the work raises an error.

    Args:
        use_cases: returns the use cases.
        req: the request.
        context: of the invocation.
        known: the query parameters of this call; None if the work checks them, together with other faults.
        work: builds the answer from the use cases and the query parameters; it may block.
    """

    async def at_once(services: Services, parameters: Parameters, run: Run) -> func.HttpResponse:
        return await run(partial(work, services, parameters))

    return await answered_in_steps(use_cases, req, context, known, at_once)


async def answered_in_steps(
    use_cases: UseCases,
    req: func.HttpRequest,
    context: func.Context,
    known: Collection[str] | None,
    work: Callable[[Services, Parameters, Run], Awaitable[func.HttpResponse]],
) -> func.HttpResponse:
    """Answer a request by asynchronous work, which gets a runner for its blocking steps."""
    try:
        services = use_cases()
        if (why := _fault_of_origin(services, req)) is not None:
            logger.warning(
                "Refused %s %s: %s",
                req.method,
                shorten(path_of(req), MAX_LOGGED),
                why,
                extra={"action": "cross_site_refused"},
            )
            return problem(CROSS_SITE, why, instance=path_of(req))
        parameters = parameters_of(req)
        if known is not None and (faults := query_faults(parameters, known)):
            raise InvalidRequest(faults)

        def run(step: Callable[[], Answer]) -> Awaitable[Answer]:
            return services.workers.run(partial(_as_part_of, context, step))

        return await work(services, parameters, run)
    except AdfTriggerError as exc:
        logger.info(
            "Answered %s %s with a problem: %s",
            req.method,
            shorten(path_of(req), MAX_LOGGED),
            shorten_middle(str(exc), MAX_LOGGED),
            extra={"action": "problem_answered", "error": type(exc).__name__},
        )
        return problem_of(exc, instance=path_of(req))


def _fault_of_origin(services: Services, req: func.HttpRequest) -> str | None:
    """Why a call with an effect may be cross-site; None if it is not, or if there are no sign-in cookies."""
    settings = services.settings
    if req.method in SAFE_METHODS or not settings.authentication_enabled:
        return None
    return fault_of_origin(req, [each for each in (settings.host_name, settings.public_base_url) if each])


def query_faults(parameters: Parameters, known: Collection[str]) -> list[Fault]:
    """The faults of a query: unknown parameters, and an invalid `by`."""
    faults = unknown_parameters(parameters, known)
    try:
        by_of(parameters.get("by") if "by" in known else None)
    except InvalidRequest as exc:
        faults += exc.faults
    return faults


def _as_part_of(context: func.Context, step: Callable[[], Answer]) -> Answer:
    """Run a step as part of an invocation, on one of our threads."""
    enter(context)
    with each_thread(partial(enter, context)):
        return step()


def json_response(document: object, status: HTTPStatus = HTTPStatus.OK) -> func.HttpResponse:
    """A response with a JSON body."""
    return func.HttpResponse(json.dumps(document), status_code=status, mimetype="application/json")


def unreadable(req: func.HttpRequest, body: bytes, most: int) -> func.HttpResponse | None:
    """The problem of a body that the platform has dropped, or that is longer than `most` bytes; else None."""
    if body_was_dropped(req, body):
        detail = "the platform does not forward chunked bodies; send it with a Content-Length"
        return problem(LENGTH_REQUIRED, detail, instance=path_of(req))
    if len(body) > most:
        limit = f"at most {most} bytes are allowed, this has {len(body)}"
        return problem(TOO_LARGE, limit, instance=path_of(req))
    return None


def run_response(
    services: Services,
    view: RunView,
    status: HTTPStatus,
    *,
    location: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    """A response that shows a run, with Location and Retry-After.

    Args:
        services: has the poll period.
        view: the run.
        status: its status.
        location: path of the run or its result; by default the run itself.
        headers: further headers.
    """
    named = {"Location": location or view.links.self, **key_header(view.request_id), **(headers or {})}
    if not view.ended:
        named["Retry-After"] = str(max(1, ceil(services.refresher.period.total_seconds())))
    return func.HttpResponse(
        view.model_dump_json(), status_code=status, headers=named, mimetype="application/json"
    )
