"""The solution template "Copy from REST or HTTP using OAuth", whole: its pipeline, a token endpoint, an API, a lake."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.common.clock import new_id, utcnow
from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.engine.engine import Engine
from adf_trigger.emulator.engine.new_run import new_run
from tests.integration.emulator.copying.harness import Answer, Asked, RestService, Storage, rest_service
from tests.support.engine_factory import (
    FACTORY_ID,
    MemoryDefinitions,
    MemoryLog,
    activity,
    expression,
    no_token,
)

SECRET = "the-secret-token"
SECURE: dict[str, Any] = {"policy": {"secureInput": True, "secureOutput": True}}


def api(asked: Asked) -> Answer:
    """A login that gives a token for the right secret, and items for the right token."""
    if asked.path == "/oauth2/token":
        form = parse_qs(asked.body.decode())
        known = form.get("client_secret") == ["client-secret"]
        return Answer({"access_token": SECRET}) if known else Answer({"error": "invalid_client"}, 401)
    if asked.headers.get("authorization") != f"Bearer {SECRET}":
        return Answer({"message": "no"}, 401)
    last = asked.path.endswith("page=2")
    return Answer({"items": [asked.path], "next": None if last else "/api/items?page=2"})


def pipeline(token_url: str, client_secret: str) -> dict[str, Any]:
    """The template's pipeline: the Web activity fetches the token, Copy sends it as Authorization."""
    login = activity(
        "GetBearerToken",
        "WebActivity",
        {
            "url": token_url,
            "method": "POST",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "body": f"grant_type=client_credentials&client_id=app&client_secret={client_secret}",
        },
        **SECURE,
    )
    copy = activity(
        "CopyFromREST",
        "Copy",
        {
            "source": {
                "type": "RestSource",
                "httpRequestTimeout": "00:01:40",
                "requestInterval": "00:00:00.010",
                "requestMethod": "GET",
                "additionalHeaders": {
                    "Authorization": expression(
                        "@concat('Bearer ', activity('GetBearerToken').output.access_token)"
                    )
                },
                "paginationRules": {"AbsoluteUrl": "$.next"},
            },
            "sink": {
                "type": "JsonSink",
                "storeSettings": {"type": "AzureBlobFSWriteSettings"},
                "formatSettings": {"type": "JsonWriteSettings", "filePattern": "setOfObjects"},
            },
            "enableStaging": False,
        },
        after={"GetBearerToken": "Succeeded"},
        inputs=[{"referenceName": "SourceREST", "type": "DatasetReference"}],
        outputs=[
            {
                "referenceName": "DestinationLake",
                "type": "DatasetReference",
                "parameters": {
                    "Container": expression("@pipeline().parameters.SinkContainer"),
                    "Directory": expression("@pipeline().parameters.SinkDirectory"),
                },
            }
        ],
        **SECURE,
    )
    parameters = {name: {"type": "string"} for name in ("SinkContainer", "SinkDirectory")}
    return {"activities": [login, copy], "parameters": parameters}


def factory(storage: Storage, service: RestService, client_secret: str) -> MemoryDefinitions:
    """The template's resources: REST, Anonymous, and Data Lake Storage Gen2 by account key."""
    secrets = storage.secrets()
    definitions = MemoryDefinitions()
    definitions.linked_services = {
        "rest": {
            "type": "RestService",
            "typeProperties": {"url": service.url, "authenticationType": "Anonymous"},
        },
        "lake": {
            "type": "AzureBlobFS",
            "typeProperties": {
                "url": secrets["endpoint"],
                "accountKey": {"type": "SecureString", "value": secrets["key"]},
            },
        },
    }
    definitions.datasets = {
        "sourcerest": {
            "type": "RestResource",
            "linkedServiceName": {"referenceName": "rest", "type": "LinkedServiceReference"},
            "typeProperties": {"relativeUrl": "/api/items"},
        },
        "destinationlake": {
            "type": "Json",
            "linkedServiceName": {"referenceName": "lake", "type": "LinkedServiceReference"},
            "parameters": {name: {"type": "string"} for name in ("Container", "Directory")},
            "typeProperties": {
                "location": {
                    "type": "AzureBlobFSLocation",
                    "fileSystem": expression("@dataset().Container"),
                    "folderPath": expression("@dataset().Directory"),
                }
            },
        },
    }
    definitions.pipelines["template"] = pipeline(f"{service.url}/oauth2/token", client_secret)
    return definitions


def play(definitions: MemoryDefinitions, container: str) -> tuple[PipelineRun, MemoryLog]:
    """Run the template to its end."""

    async def story() -> tuple[PipelineRun, MemoryLog]:
        log = MemoryLog()
        run = new_run(
            definitions,
            factory_id=FACTORY_ID,
            run_id=str(new_id()),
            pipeline_name="template",
            definition=definitions.pipelines["template"],
            parameters={"SinkContainer": container, "SinkDirectory": "rest/today"},
            invoked_by={"name": "Manual", "invokedByType": "Manual"},
            now=utcnow(),
        )
        log.save_run(run)
        engine = Engine(log, lambda _: definitions, registry=activity_types(), token=no_token)
        try:
            engine.submit(run)
            async with asyncio.timeout(60):
                await log.ended[run.run_id].wait()
        finally:
            await engine.close()
        return log.runs[run.run_id], log

    return asyncio.run(story())


def test_the_template_copies_with_the_token_that_it_fetched(storage: Storage) -> None:
    """The responses of all pages land in SinkContainer/SinkDirectory; the token shows nowhere in the runs."""
    with rest_service(api) as service:
        run, log = play(factory(storage, service, "client-secret"), storage.container.container_name)

    assert (run.status, run.message) == ("Succeeded", "")
    (name,) = storage.names()
    assert name.startswith("rest/today/data_")
    assert name.endswith(".json")
    pages = [json.loads(line) for line in storage.get(name).splitlines()]
    assert [page["items"] for page in pages] == [["/api/items"], ["/api/items?page=2"]]
    assert service.asked[1].headers["accept"] == "application/json"
    rows = log.activities(FACTORY_ID, run.run_id)
    assert [row.status for row in rows] == ["Succeeded", "Succeeded"]
    assert SECRET not in repr((rows, run))
    assert "client-secret" not in repr([(row.input, row.output, row.error) for row in rows])


def test_the_template_fails_with_its_login(storage: Storage) -> None:
    """Without a token nothing is copied."""
    with rest_service(api) as service:
        run, _ = play(factory(storage, service, "wrong"), storage.container.container_name)
    assert run.status == "Failed"
    assert run.message is not None
    assert run.message.startswith("Operation on target GetBearerToken failed: ")
    assert service.paths == ["/oauth2/token"]
    assert storage.names() == []
