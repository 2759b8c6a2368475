"""The HTTP functions of one run: start it, see it, wait for its result."""

from dataclasses import replace
from functools import partial
from http import HTTPStatus

import azure.functions as func

from adf_trigger.clock import IdSource
from adf_trigger.errors import InvalidRequest, LedgerError, TryLater
from adf_trigger.functions.answers import Parameters, Run, answered_in_steps, query_faults
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import id_of
from adf_trigger.functions.outcomes import ERROR, ON_FAILURE, Patience, fails_by_status, present, result
from adf_trigger.functions.services import Services
from adf_trigger.functions.starting import Started, start
from adf_trigger.service.reading.query import Opened, by_of
from adf_trigger.service.starting.submit import Submitted


def http_functions(use_cases: UseCases, new_id: IdSource) -> func.Blueprint:
    """The HTTP functions over the use cases."""
    blueprint = func.Blueprint()

    @blueprint.function_name("start_run")
    @blueprint.route("pipelines/{pipeline}/runs", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def start_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Start a run of a pipeline."""
        patience = Patience(req)

        async def work(services: Services, parameters: Parameters, run: Run) -> func.HttpResponse:
            started = await run(partial(start, services, parameters, req, new_id))
            if isinstance(started, func.HttpResponse):
                return started
            return await _taken(services, req, started, patience, run)

        return await answered_in_steps(use_cases, req, context, None, work)

    @blueprint.function_name("get_run")
    @blueprint.route("runs/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def get_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """One run, by requestId or runId, or a rejected message by its id."""
        patience = Patience(req)

        async def work(services: Services, parameters: Parameters, run: Run) -> func.HttpResponse:
            opened = await _opened(services, req, parameters, run, patience)
            return present(services, opened.view, HTTPStatus.OK, patience)

        return await answered_in_steps(use_cases, req, context, ["factory", "by"], work)

    @blueprint.function_name("get_run_result")
    @blueprint.route("runs/{id}/result", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def get_run_result(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """How a run has ended: 202 until it has, for clients that poll by status."""
        patience = Patience(req)

        async def work(services: Services, parameters: Parameters, run: Run) -> func.HttpResponse:
            by_status, faults = fails_by_status(parameters)
            faults += query_faults(parameters, ["factory", "by", ON_FAILURE])
            if faults:
                raise InvalidRequest(faults)
            opened = await _opened(services, req, parameters, run, patience)
            record = opened.record
            if opened.view.ended:
                asked = by_status or (record is not None and record.failure_is_error)
                return result(services, req, opened.view, patience, by_status=asked)
            here = _result_of(services, opened, by_status)
            return present(services, opened.view, HTTPStatus.ACCEPTED, patience, here)

        return await answered_in_steps(use_cases, req, context, None, work)

    return blueprint


async def _taken(
    services: Services, req: func.HttpRequest, started: Started, patience: Patience, run: Run
) -> func.HttpResponse:
    """Answer a request that was accepted, once its run has ended or its caller's wait is over.

    Immediately if the caller has to send it again for its run to be started: waiting would not help.
    """
    record = started.submitted.record
    if patience.waits and started.submitted.again_after is None:
        ended = await services.waiter.end_of(record, patience.left)
        record = (await run(partial(_as_it_is_now, services, started))).record if ended is None else ended
    view = services.views.view(record)
    by_status = started.by_status or record.failure_is_error
    if view.ended and (by_status or patience.waits):
        return result(services, req, view, patience, by_status=by_status)
    if started.submitted.replayed and not (by_status or patience.waits):
        return present(services, view, HTTPStatus.OK, patience)
    asks = _asks(started.by_status and not record.failure_is_error)
    location = services.views.result_link(record, **asks)
    return present(services, view, HTTPStatus.ACCEPTED, patience, location)


def _as_it_is_now(services: Services, started: Started) -> Submitted:
    submitted = started.submitted
    record = submitted.record
    try:
        opened = services.query.open(record.request_id, factory=record.factory, by="requestId")
    except (TryLater, LedgerError):
        return submitted  # its caller's wait is over: answer with the last known state
    return replace(submitted, record=opened.record or record)


async def _opened(
    services: Services, req: func.HttpRequest, parameters: Parameters, run: Run, patience: Patience
) -> Opened:
    """A run, once it has ended or its caller's wait is over."""
    by = by_of(parameters.get("by"))
    opening = partial(services.query.open, id_of(req), factory=parameters.get("factory"), by=by)
    opened = await run(opening)
    if not patience.waits or opened.record is None or opened.view.ended:
        return opened
    ended = await services.waiter.end_of(opened.record, patience.left)
    if ended is not None:
        return Opened(services.views.view(ended), ended)
    try:
        return await run(opening)
    except (TryLater, LedgerError):
        return opened  # its wait is over: answer with the last known state


def _result_of(
    services: Services,
    opened: Opened,
    by_status: bool,  # noqa: FBT001 - as it was asked
) -> str | None:
    """The link to the result of an active run, or of a message in the queue."""
    if opened.record is None:
        return opened.view.links.result
    return services.views.result_link(opened.record, **_asks(by_status))


def _asks(by_status: bool) -> dict[str, str]:  # noqa: FBT001 - its one argument
    return {ON_FAILURE: ERROR} if by_status else {}
