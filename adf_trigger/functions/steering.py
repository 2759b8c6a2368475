"""The HTTP functions that act on a run: decode, call a use case, encode.

Each is a function of its own, so that a function key opens it alone.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import azure.functions as func

from adf_trigger.contracts import RunView
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.functions.answers import Parameters, answered, query_faults, run_response, unreadable
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import KEY_HEADER, TRACE_HEADER, id_of, idempotency_key, principal_of
from adf_trigger.functions.services import Services
from adf_trigger.messages.decoding import body_of
from adf_trigger.messages.traces import traceparent_of
from adf_trigger.orders import CancelRequest, ReplayRequest, RerunRequest, ResolveRequest
from adf_trigger.service.reading.query import by_of
from adf_trigger.service.steering.cancel import CancelOrder
from adf_trigger.service.steering.rejected import ReplayOrder
from adf_trigger.service.steering.rerun import RerunOrder
from adf_trigger.service.steering.resolve import ResolveOrder
from adf_trigger.service.steering.steerer import RunSelector

WHICH = ("factory", "by")
"""Query parameters that choose a run if an id matches several."""

Order = TypeVar("Order")


def steering_functions(use_cases: UseCases) -> func.Blueprint:
    """The functions over the use cases."""
    blueprint = func.Blueprint()

    @blueprint.function_name("cancel_run")
    @blueprint.route("runs/{id}/cancel", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def cancel_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Cancel a run, or a request that is not started yet."""

        def work(services: Services, selector: RunSelector, order: CancelOrder) -> func.HttpResponse:
            return _shown(services, services.steering.cancel(selector, order))

        return await _steered(use_cases, req, context, _cancel_order, work)

    @blueprint.function_name("rerun_run")
    @blueprint.route("runs/{id}/rerun", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def rerun_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Rerun a run that has ended, with its parameters."""

        def work(services: Services, selector: RunSelector, order: RerunOrder) -> func.HttpResponse:
            view, repeated = services.steering.rerun(selector, order)
            if repeated:
                return run_response(services, view, HTTPStatus.OK)
            # As for any start: clients that poll by status find the result there.
            return run_response(services, view, HTTPStatus.ACCEPTED, location=view.links.result)

        return await _steered(use_cases, req, context, _rerun_order, work)

    @blueprint.function_name("resolve_run")
    @blueprint.route("runs/{id}/resolve", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def resolve_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Decide about a run whose outcome is unknown, or discard a rejected message."""

        def work(services: Services, selector: RunSelector, order: ResolveOrder) -> func.HttpResponse:
            return _shown(services, services.steering.resolve(selector, order))

        return await _steered(use_cases, req, context, _resolve_order, work)

    @blueprint.function_name("replay_run")
    @blueprint.route("runs/{id}/replay", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def replay_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Send a rejected message again, under its key."""

        def work(services: Services, selector: RunSelector, order: ReplayOrder) -> func.HttpResponse:
            return _shown(services, services.steering.replay(selector, order))

        return await _steered(use_cases, req, context, _replay_order, work)

    return blueprint


async def _steered(
    use_cases: UseCases,
    req: func.HttpRequest,
    context: func.Context,
    read: Callable[[Services, func.HttpRequest, bytes], Order],
    work: Callable[[Services, RunSelector, Order], func.HttpResponse],
) -> func.HttpResponse:
    """Answer with the response of the work, which gets the id of the run and the order.

    Args:
        use_cases: returns the use cases.
        req: the request.
        context: of the invocation.
        read: decodes the order from headers and body; raises InvalidRequest with all their faults.
        work: builds the response.
    """

    def steer(services: Services, parameters: Parameters) -> func.HttpResponse:
        body = req.get_body()
        unread = unreadable(req, body, services.settings.max_body_bytes)
        if unread is not None:
            return unread
        faults = query_faults(parameters, WHICH)
        try:
            order = read(services, req, body)
        except InvalidRequest as exc:
            faults = [*faults, *exc.faults, *_factory_faults(services, parameters.get("factory"))]
            raise InvalidRequest(faults) from None
        if faults:
            raise InvalidRequest([*faults, *_factory_faults(services, parameters.get("factory"))])
        selector = RunSelector(id_of(req), parameters.get("factory"), by_of(parameters.get("by")))
        return work(services, selector, order)

    return await answered(use_cases, req, context, None, steer)


def _factory_faults(services: Services, named: str | None) -> list[Fault]:
    """The faults of the factory that a query names, to be reported with other faults."""
    try:
        services.query.searched(named)
    except InvalidRequest as exc:
        return list(exc.faults)
    return []


def _shown(services: Services, view: RunView) -> func.HttpResponse:
    """The run in its present state: 200 if nothing is left to do, else 202."""
    return run_response(services, view, HTTPStatus.OK if view.ended else HTTPStatus.ACCEPTED)


def _cancel_order(services: Services, req: func.HttpRequest, body: bytes) -> CancelOrder:
    asked = body_of(CancelRequest, body)
    return CancelOrder(recursive=asked.recursive, by=_caller(services, req), note=asked.note)


def _resolve_order(services: Services, req: func.HttpRequest, body: bytes) -> ResolveOrder:
    asked = body_of(ResolveRequest, body)
    order = ResolveOrder(
        decision=asked.as_,
        run_id=asked.run_id,
        force=asked.force,
        by=_caller(services, req),
        note=asked.note,
    )
    if faults := order.faults():
        raise InvalidRequest(faults)
    return order


def _replay_order(services: Services, req: func.HttpRequest, body: bytes) -> ReplayOrder:
    asked = body_of(ReplayRequest, body)
    return ReplayOrder(force=asked.force, values=asked.parameters, by=_caller(services, req), note=asked.note)


def _rerun_order(services: Services, req: func.HttpRequest, body: bytes) -> RerunOrder:
    """Decode the order from header and body; raises with the faults of both."""
    faults: list[Fault] = []
    key, asked = None, RerunRequest()
    try:
        key = idempotency_key(req.headers.get(KEY_HEADER))
    except InvalidRequest as exc:
        faults += exc.faults
    try:
        asked = body_of(RerunRequest, body)
    except InvalidRequest as exc:
        faults += exc.faults
    order = RerunOrder(
        mode=asked.mode,
        activity=asked.activity,
        key=key,
        by=_caller(services, req),
        note=asked.note,
        traceparent=traceparent_of(req.headers.get(TRACE_HEADER)),
    )
    faults += order.faults()
    if faults:
        raise InvalidRequest(faults)
    return order


def _caller(services: Services, req: func.HttpRequest) -> str | None:
    return principal_of(req, authenticated=services.settings.authentication_enabled)
