"""The functions that only read: lists of runs, their activities, pipelines."""

import azure.functions as func

from adf_trigger.functions.answers import Parameters, answered, json_response
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import id_of, pipeline_name
from adf_trigger.functions.query_parameters import (
    MAX_RUNS,
    RUNS_PARAMETERS,
    USUAL_RUNS,
    QueryReader,
    question_of,
)
from adf_trigger.functions.services import Services

MAX_CONTINUATION = 1_000
MAX_FACTORY = 1_000


def reading_functions(use_cases: UseCases) -> func.Blueprint:
    """The functions over the use cases; each is one of its own, so that a function key opens it alone."""
    blueprint = func.Blueprint()

    @blueprint.function_name("list_runs")
    @blueprint.route("runs", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def list_runs(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Runs, newest first, rejected and unknown ones included."""

        def work(services: Services, parameters: Parameters) -> func.HttpResponse:
            query = QueryReader(req, parameters, RUNS_PARAMETERS, several=["status"])
            question = question_of(query)
            limit = query.number("limit", usual=USUAL_RUNS, at_most=MAX_RUNS)
            factory = query.text("factory", at_most=MAX_FACTORY)
            continuation = query.text("continuation", at_most=MAX_CONTINUATION)
            query.settle()
            page = services.runs.page(question, factory=factory, continuation=continuation, limit=limit)
            return json_response(page.model_dump(mode="json"))

        return await answered(use_cases, req, context, None, work)

    @blueprint.function_name("list_activities")
    @blueprint.route("runs/{id}/activities", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def list_activities(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """The activity runs of a run, as Data Factory reports them now."""

        def work(services: Services, parameters: Parameters) -> func.HttpResponse:
            query = QueryReader(req, parameters, ["factory", "by", "child"])
            factory, by, child = query.text("factory", at_most=MAX_FACTORY), query.by(), query.guid("child")
            query.settle()
            found = services.activities.show(id_of(req), factory=factory, by=by, child=child)
            return json_response(found.model_dump(mode="json"))

        return await answered(use_cases, req, context, None, work)

    @blueprint.function_name("list_pipelines")
    @blueprint.route("pipelines", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def list_pipelines(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """The pipelines that can be started, with what they declare."""

        def work(services: Services, parameters: Parameters) -> func.HttpResponse:
            query = QueryReader(req, parameters, ["factory"])
            factory = query.text("factory", at_most=MAX_FACTORY)
            query.settle()
            return json_response(services.pipelines.list(factory).model_dump(mode="json"))

        return await answered(use_cases, req, context, None, work)

    @blueprint.function_name("get_pipeline")
    @blueprint.route("pipelines/{pipeline}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def get_pipeline(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """One pipeline, with what it declares."""

        def work(services: Services, parameters: Parameters) -> func.HttpResponse:
            query = QueryReader(req, parameters, ["factory"])
            factory = query.text("factory", at_most=MAX_FACTORY)
            name = query.checked(pipeline_name, req.route_params["pipeline"]) or ""
            query.settle()
            return json_response(services.pipelines.one(name, factory).model_dump(mode="json"))

        return await answered(use_cases, req, context, None, work)

    return blueprint
