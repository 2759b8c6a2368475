"""The HTTP functions that change what becomes of a run: decode, call a use case, encode.

Each is a function of its own, so that a function key opens it alone.
"""

from collections.abc import Callable
from http import HTTPStatus

import azure.functions as func

from adf_trigger.contracts import RunView
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.functions.answers import Parameters, answered, run_response, unreadable
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import KEY_HEADER, id_of, idempotency_key, principal_of
from adf_trigger.functions.services import Services
from adf_trigger.messages.decoding import body_of
from adf_trigger.orders import CancelRequest, ReplayRequest, RerunRequest, ResolveRequest
from adf_trigger.service.cancel import CancelOrder
from adf_trigger.service.query import by_of
from adf_trigger.service.rejected_requests import ReplayOrder
from adf_trigger.service.rerun import RerunOrder
from adf_trigger.service.resolve import ResolveOrder
from adf_trigger.service.steering import Which

WHICH = ("factory", "by")
"""Query parameters that say which run an id means, where it may mean several."""

Work = Callable[[Services, Which, bytes], func.HttpResponse]


def steering_functions(use_cases: UseCases) -> func.Blueprint:
    """The functions over the use cases."""
    blueprint = func.Blueprint()

    @blueprint.function_name("cancel_run")
    @blueprint.route("runs/{id}/cancel", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def cancel_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Cancel a run, or a request that is not started yet."""

        def work(services: Services, which: Which, body: bytes) -> func.HttpResponse:
            asked = body_of(CancelRequest, body)
            order = CancelOrder(recursive=asked.recursive, by=_caller(services, req), note=asked.note)
            return _shown(services, services.steering.cancel(which, order))

        return await _steered(use_cases, req, context, work)

    @blueprint.function_name("rerun_run")
    @blueprint.route("runs/{id}/rerun", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def rerun_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Rerun a run that has ended, with its parameters."""

        def work(services: Services, which: Which, body: bytes) -> func.HttpResponse:
            order = _rerun_order(services, req, body)
            view, repeated = services.steering.rerun(which, order)
            if repeated:
                return run_response(services, view, HTTPStatus.OK)
            # As for any start: who follows by status has its end there.
            return run_response(services, view, HTTPStatus.ACCEPTED, location=view.links.result)

        return await _steered(use_cases, req, context, work)

    @blueprint.function_name("resolve_run")
    @blueprint.route("runs/{id}/resolve", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def resolve_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Decide about a run whose fate is unknown, or discard a rejected message."""

        def work(services: Services, which: Which, body: bytes) -> func.HttpResponse:
            asked = body_of(ResolveRequest, body)
            order = ResolveOrder(
                decision=asked.as_,
                run_id=asked.run_id,
                force=asked.force,
                by=_caller(services, req),
                note=asked.note,
            )
            return _shown(services, services.steering.resolve(which, order))

        return await _steered(use_cases, req, context, work)

    @blueprint.function_name("replay_run")
    @blueprint.route("runs/{id}/replay", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def replay_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Send a rejected message again, under its key."""

        def work(services: Services, which: Which, body: bytes) -> func.HttpResponse:
            asked = body_of(ReplayRequest, body)
            order = ReplayOrder(
                force=asked.force, values=asked.parameters, by=_caller(services, req), note=asked.note
            )
            return _shown(services, services.steering.replay(which, order))

        return await _steered(use_cases, req, context, work)

    return blueprint


async def _steered(
    use_cases: UseCases, req: func.HttpRequest, context: func.Context, work: Work
) -> func.HttpResponse:
    """What the work answers, given the run that is meant and the body of the call."""

    def read(services: Services, parameters: Parameters) -> func.HttpResponse:
        body = req.get_body()
        unread = unreadable(req, body, services.settings.max_body_bytes)
        if unread is not None:
            return unread
        by = by_of(parameters.get("by"))
        return work(services, Which(id_of(req), parameters.get("factory"), by), body)

    return await answered(use_cases, req, context, WHICH, read)


def _shown(services: Services, view: RunView) -> func.HttpResponse:
    """The run as it is now: 200 where nothing is left to do, else 202."""
    return run_response(services, view, HTTPStatus.OK if view.ended else HTTPStatus.ACCEPTED)


def _rerun_order(services: Services, req: func.HttpRequest, body: bytes) -> RerunOrder:
    """What is asked for by header and body; every fault of both together."""
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
    if faults:
        raise InvalidRequest(faults)
    return RerunOrder(
        mode=asked.mode, activity=asked.activity, key=key, by=_caller(services, req), note=asked.note
    )


def _caller(services: Services, req: func.HttpRequest) -> str | None:
    return principal_of(req, authenticated=services.settings.authentication_enabled)
