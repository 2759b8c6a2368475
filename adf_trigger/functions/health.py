"""The health functions: ok or not, the details, and an operator's acknowledgement of a new ledger."""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus

import azure.functions as func

from adf_trigger import __version__
from adf_trigger.clock import Clock
from adf_trigger.errors import SettingsError
from adf_trigger.functions.answers import answered, json_response
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import principal_of
from adf_trigger.functions.services import Services
from adf_trigger.service.health.health import Health, HealthStatus


def health_functions(use_cases: UseCases, clock: Clock) -> func.Blueprint:
    """The functions of the health over the use cases."""
    blueprint = func.Blueprint()
    begun = clock().isoformat()

    @blueprint.function_name("health")
    @blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the host passes it by name
        """Whether the service is healthy, and since when: public."""
        try:
            services = use_cases()
        except SettingsError:
            return _response({"status": HealthStatus.UNAVAILABLE, "since": begun}, HealthStatus.UNAVAILABLE)
        answer = await services.health.answer()
        return _response(_in_short(answer), answer.status)

    @blueprint.function_name("health_details")
    @blueprint.route("health/details", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def health_details(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """The troubles in words, and all other details of the health."""
        answer = Health(HealthStatus.STARTING)
        with suppress(SettingsError):  # reported below
            answer = await use_cases().health.answer()

        def work(services: Services, _parameters: dict[str, str]) -> func.HttpResponse:
            return _response(_in_words(answer, services.settings.warnings), answer.status)

        return await answered(use_cases, req, context, (), work)

    @blueprint.function_name("acknowledge_ledger")
    @blueprint.route("health/acknowledge", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def acknowledge_ledger(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Acknowledge that the ledger is new."""

        def work(services: Services, _parameters: dict[str, str]) -> func.HttpResponse:
            by = principal_of(req, authenticated=services.settings.authentication_enabled)
            return json_response({"ledger": services.ledger_identity.acknowledge(by)})

        return await answered(use_cases, req, context, (), work)

    return blueprint


def _in_short(answer: Health) -> dict[str, object]:
    return {"status": answer.status, "since": None if answer.since is None else answer.since.isoformat()}


def _in_words(answer: Health, warnings: Sequence[str]) -> dict[str, object]:
    return {
        **_in_short(answer),
        "version": __version__,
        "troubles": [{"since": each.since.isoformat(), "what": each.what} for each in answer.troubles],
        "warnings": list(warnings),
        **answer.details,
    }


def _response(document: dict[str, object], status: HealthStatus) -> func.HttpResponse:
    ok = status is HealthStatus.OK
    return json_response(document, HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE)
