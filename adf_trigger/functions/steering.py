"""The HTTP functions that change what becomes of a run: decode, call a use case, encode.

Each is a function of its own, so that a function key opens it alone.
"""

from collections.abc import Callable
from http import HTTPStatus

import azure.functions as func

from adf_trigger.contracts import RunView
from adf_trigger.functions.answers import Parameters, answered, run_response, unreadable
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import id_of, principal_of
from adf_trigger.functions.services import Services
from adf_trigger.messages.decoding import body_of
from adf_trigger.orders import CancelRequest
from adf_trigger.service.cancel import CancelOrder
from adf_trigger.service.query import by_of
from adf_trigger.service.steering import Which

WHICH = ("factory", "by")
"""Query parameters that say which run an id means, where it may mean several."""

Work = Callable[[Services, Which, bytes], RunView]


def steering_functions(use_cases: UseCases) -> func.Blueprint:
    """The functions over the use cases."""
    blueprint = func.Blueprint()

    @blueprint.function_name("cancel_run")
    @blueprint.route("runs/{id}/cancel", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def cancel_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Cancel a run, or a request that is not started yet."""

        def work(services: Services, which: Which, body: bytes) -> RunView:
            asked = body_of(CancelRequest, body)
            order = CancelOrder(recursive=asked.recursive, by=_caller(services, req), note=asked.note)
            return services.steering.cancel(which, order)

        return await _steered(use_cases, req, context, work)

    return blueprint


async def _steered(
    use_cases: UseCases, req: func.HttpRequest, context: func.Context, work: Work
) -> func.HttpResponse:
    """The run as it is after the work: 200 where nothing is left to do, else 202."""

    def read(services: Services, parameters: Parameters) -> func.HttpResponse:
        body = req.get_body()
        unread = unreadable(req, body, services.settings.max_body_bytes)
        if unread is not None:
            return unread
        by = by_of(parameters.get("by"))
        view = work(services, Which(id_of(req), parameters.get("factory"), by), body)
        return run_response(services, view, HTTPStatus.OK if view.ended else HTTPStatus.ACCEPTED)

    return await answered(use_cases, req, context, WHICH, read)


def _caller(services: Services, req: func.HttpRequest) -> str | None:
    return principal_of(req, authenticated=services.settings.authentication_enabled)
