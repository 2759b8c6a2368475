"""The HTTP functions by which an operator holds a factory, a pipeline or a key, and releases it.

Each is a function of its own, so that a function key opens it alone.
"""

from collections.abc import Callable

import azure.functions as func
from pydantic import JsonValue

from adf_trigger.functions.answers import Parameters, answered, unreadable
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import principal_of
from adf_trigger.functions.services import Services
from adf_trigger.messages.decoding import body_of
from adf_trigger.orders import HoldList, HoldRequest, HoldView, ReleaseRequest
from adf_trigger.request_ids import from_path
from adf_trigger.service.admission.keys import canonical
from adf_trigger.service.holds.hold import Hold, Scope
from adf_trigger.service.steering.holding import HoldOrder, HoldsNow


def holding_functions(use_cases: UseCases) -> func.Blueprint:
    """The functions over the use cases."""
    blueprint = func.Blueprint()

    @blueprint.function_name("hold_factory")
    @blueprint.route("factories/{alias}/hold", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def hold_factory(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Hold a factory, a pipeline or a key: its requests are accepted, but not started."""

        def work(services: Services, alias: str, body: bytes) -> HoldsNow:
            asked = body_of(HoldRequest, body)
            scope = _scope(asked.pipeline, asked.key)
            by = _caller(services, req)
            order = HoldOrder(scope=scope, reason=asked.reason, until=asked.until, by=by)
            return services.holder.hold(alias, order)

        return await _done(use_cases, req, context, work)

    @blueprint.function_name("release_factory")
    @blueprint.route("factories/{alias}/release", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def release_factory(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Release a hold: its requests are started."""

        def work(services: Services, alias: str, body: bytes) -> HoldsNow:
            asked = body_of(ReleaseRequest, body)
            scope = _scope(asked.pipeline, asked.key)
            return services.holder.release(alias, scope, by=_caller(services, req))

        return await _done(use_cases, req, context, work)

    return blueprint


async def _done(
    use_cases: UseCases,
    req: func.HttpRequest,
    context: func.Context,
    work: Callable[[Services, str, bytes], HoldsNow],
) -> func.HttpResponse:
    """Answer with the holds after the work, which gets the alias of the path and the body."""

    def answer(services: Services, _: Parameters) -> func.HttpResponse:
        body = req.get_body()
        unread = unreadable(req, body, services.settings.max_body_bytes)
        if unread is not None:
            return unread
        held = _shown(work(services, from_path(req.route_params["alias"]), body))
        return func.HttpResponse(held.model_dump_json(), mimetype="application/json")

    return await answered(use_cases, req, context, (), answer)


def _scope(pipeline: str | None, key: JsonValue) -> Scope:
    return Scope(pipeline=pipeline, key=None if key is None else canonical(key))


def hold_view(hold: Hold) -> HoldView:
    """A hold as callers see it."""
    return HoldView(
        pipeline=hold.scope.pipeline,
        admission_key=hold.scope.key,
        reason=hold.reason,
        since=hold.since,
        until=hold.until,
        by=hold.by,
    )


def _shown(now: HoldsNow) -> HoldList:
    holds = [hold_view(each) for each in now.holds]
    return HoldList(factory=now.factory, holds=holds, warnings=list(now.warnings))


def _caller(services: Services, req: func.HttpRequest) -> str | None:
    return principal_of(req, authenticated=services.settings.authentication_enabled)
