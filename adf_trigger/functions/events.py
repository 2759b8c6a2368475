"""The HTTP function that receives events: Event Grid's webhooks and CloudEvents, with the handshakes of both."""

import asyncio
import re
from functools import partial
from http import HTTPStatus

import azure.functions as func

from adf_trigger.clock import Clock
from adf_trigger.errors import Fault, InvalidRequest, TryLater
from adf_trigger.functions.answers import Parameters, Run, answered_in_steps, json_response, unreadable
from adf_trigger.functions.composition import UseCases, enter
from adf_trigger.functions.event_bodies import MAX_EVENTS_BYTES, events_in, validation_code
from adf_trigger.functions.services import Services
from adf_trigger.service.intake.event_intake import LATER, EventOutcomes
from adf_trigger.service.threads.tick_threads import each_thread

ANSWER_SECONDS = 20.0
"""Event Grid waits 30 seconds for an answer, and then delivers again."""

ORIGIN = "WebHook-Request-Origin"
RATE = "WebHook-Request-Rate"
_ORIGIN = re.compile(r"[\x21-\x7e]{1,255}")
_RATE = re.compile(r"[0-9]{1,9}|\*")


def event_functions(use_cases: UseCases, clock: Clock) -> func.Blueprint:
    """The function over the use cases."""
    blueprint = func.Blueprint()

    @blueprint.function_name("take_events")
    @blueprint.route("events", methods=["POST", "OPTIONS"], auth_level=func.AuthLevel.FUNCTION)
    async def take_events(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Start the runs that the declared triggers start on each event."""

        async def work(services: Services, _parameters: Parameters, run: Run) -> func.HttpResponse:
            if req.method.upper() == "OPTIONS":
                return _handshake(req)
            body = req.get_body()
            if (unread := unreadable(req, body, MAX_EVENTS_BYTES)) is not None:
                return unread

            def take() -> EventOutcomes | str:
                messages = events_in(body, req.headers, clock)
                if (code := validation_code(messages)) is not None:
                    return code
                with each_thread(partial(enter, context)):
                    return services.event_intake.take(messages)

            try:
                taken = await asyncio.wait_for(run(take), ANSWER_SECONDS)
            except TimeoutError as exc:  # work under way continues; a repeated delivery finds it done
                raise TryLater("not all events could be processed in time", retry_after=LATER) from exc
            return json_response({"validationResponse": taken}) if isinstance(taken, str) else _answer(taken)

        return await answered_in_steps(use_cases, req, context, (), work)

    return blueprint


def _answer(taken: EventOutcomes) -> func.HttpResponse:
    """200 only if every event was processed: Event Grid regards a batch as delivered as a whole, or not at all."""
    if taken.later is not None:
        wait = taken.later.retry_after if isinstance(taken.later, TryLater) else LATER
        raise TryLater(str(taken.later), retry_after=wait) from taken.later
    counts = {
        name: getattr(taken, name) for name in ("events", "claimed", "repeated", "rejected", "unwanted")
    }
    return json_response(counts)


def _handshake(req: func.HttpRequest) -> func.HttpResponse:
    """Answer the validation request of a webhook (CloudEvents, HTTP 1.1 Web Hooks, section 4).

    A caller with the function's key is allowed what it asks for. The URL of a callback is never called.

    Raises:
        InvalidRequest: it names no origin.
    """
    origin = req.headers.get(ORIGIN) or ""
    if _ORIGIN.fullmatch(origin) is None:
        raise InvalidRequest([Fault(ORIGIN, "must name the origin that will send events, in ASCII")])
    rate = req.headers.get(RATE) or "*"
    return func.HttpResponse(
        status_code=HTTPStatus.OK,
        headers={
            "WebHook-Allowed-Origin": origin,
            "WebHook-Allowed-Rate": rate if _RATE.fullmatch(rate) else "*",
            "Allow": "POST",
        },
    )
