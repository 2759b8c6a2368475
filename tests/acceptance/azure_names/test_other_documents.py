"""The other documents: the post, the article on the REST connector, the version 1 page; by curl, as they print it."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient

from tests.acceptance.azure_names.blocks import POST, REST, V1, steps_of
from tests.acceptance.azure_names.curl import ARM, LOGIN, Curl, sign_in
from tests.integration.emulator.copying.harness import Answer, Asked, RestService, rest_service
from tests.support.quickstarts import fits


def test_the_post_that_starts_a_pipeline(curl: Curl, shell: Any) -> None:
    """Its token request is refused for what the post has lost; mended, its createRun with a null body runs."""
    secret, tenant = shell.variables["CLIENT_SECRET"], shell.variables["TENANT_ID"]
    printed = f"resource={shell.variables['CLIENT_ID']}&client_secret={secret}&grant_type=client_credentials"
    url = f"{LOGIN}/{tenant}/oauth2/token"
    status, _, refused = curl.ask("POST", url, body=printed, Content_Type="application/x-www-form-urlencoded")
    assert (status, refused["error_codes"]) == (400, [900144])
    assert "client_id" in refused["error_description"]
    curl.done.add("token")
    curl.token = sign_in(curl, shell, f"{ARM}/")
    curl.done.discard("sign in")
    curl.factory = shell.endpoints.factory_id
    pause = {"activities": [{"name": "W", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}}]}
    curl.send("", "PUT", "/pipelines/posted", {"properties": pause})
    fits(curl.send("run", "POST", "/pipelines/posted/createRun"), {"runId": "guid"})
    assert curl.done - {""} == steps_of(POST)


def pages(asked: Asked) -> Answer:
    """A service with three pages, as the article's example prints them, for authenticated callers."""
    if "authorization" not in asked.headers:
        return Answer({}, 401)
    if asked.method == "POST":
        return Answer({"data": [{"sent": asked.body.decode()}]})
    after = 1 + int(asked.path.partition("after=")[2] or 0)
    paging = {"next": f"http://{asked.headers['host']}/me/albums?limit=25&after={after}"} if after < 3 else {}
    return Answer({"data": [{"id": str(after), "name": f"album{after}"}], "paging": paging})


@pytest.fixture
def service() -> Iterator[RestService]:
    """The reader's REST service."""
    with rest_service(pages) as running:
        yield running


def linked_services(shell: Any, url: str) -> dict[str, dict[str, Any]]:
    """The article's three, each with its placeholders filled in."""
    via = {"connectVia": {"referenceName": "Own", "type": "IntegrationRuntimeReference"}}
    secure: Callable[[str], dict[str, str]] = lambda value: {"type": "SecureString", "value": value}  # noqa: E731
    typed = {
        "basic": {
            "authenticationType": "Basic",
            "url": url,
            "userName": "ada",
            "password": secure("pw"),
        },
        "service principal": {
            "url": url,
            "authenticationType": "AadServicePrincipal",
            "servicePrincipalId": shell.variables["CLIENT_ID"],
            "servicePrincipalKey": secure(shell.variables["CLIENT_SECRET"]),
            "tenant": "contoso.onmicrosoft.com",
            "aadResourceId": "https://management.core.windows.net",
        },
        "managed identity": {
            "url": url,
            "authenticationType": "ManagedServiceIdentity",
            "aadResourceId": "https://management.core.windows.net",
        },
    }
    return {step: {"type": "RestService", "typeProperties": given, **via} for step, given in typed.items()}


SOURCES: dict[str, dict[str, Any]] = {
    "get": {
        "additionalHeaders": {"x-user-defined": "helloworld"},
        "paginationRules": {"AbsoluteUrl": "$.paging.next"},
        "httpRequestTimeout": "00:01:00",
    },
    "post": {
        "requestMethod": "Post",
        "requestBody": "<body for POST REST request>",
        "httpRequestTimeout": "00:01:00",
    },
}


def test_the_article_on_the_rest_connector(
    curl: Curl, shell: Any, group: str, service: RestService, container: ContainerClient
) -> None:
    """Each linked service of the article signs in, its dataset is read by both its sources, with its pagination."""
    curl.factory = f"{group}/providers/Microsoft.DataFactory/factories/rest-{uuid4().hex[:8]}"
    curl.send("", "PUT", "", {"location": "East US", "identity": {"type": "SystemAssigned"}})
    curl.send("", "PUT", "/integrationruntimes/Own", {"properties": {"type": "Managed"}})
    storage = {"connectionString": shell.endpoints.storage_connection_string}
    curl.send(
        "",
        "PUT",
        "/linkedservices/Storage",
        {"properties": {"type": "AzureBlobStorage", "typeProperties": storage}},
    )
    for step, properties in linked_services(shell, service.url).items():
        document = {"name": "RESTLinkedService", "properties": properties}
        shown = curl.send(step, "PUT", "/linkedservices/RESTLinkedService", document)["properties"]
        assert shown["connectVia"] == properties["connectVia"]
        assert "**********" in json.dumps(shown) or step == "managed identity"
        reference = {"referenceName": "RESTLinkedService", "type": "LinkedServiceReference"}
        dataset = {"relativeUrl": "me/albums"}
        table = {
            "type": "RestResource",
            "typeProperties": dataset,
            "schema": [],
            "linkedServiceName": reference,
        }
        curl.send("dataset", "PUT", "/datasets/RESTDataset", {"name": "RESTDataset", "properties": table})
        for source in ("get", "post"):
            curl.publish(source, "datasets", "Out", json_dataset(f"{step} {source}"))
            run = run_copy(curl, {"type": "RestSource", **SOURCES[source]})
            assert run["status"] == "Succeeded", run["message"]
            lines = container.download_blob(f"{step} {source}/out.json").readall().decode().splitlines()
            assert len(lines) == (3 if source == "get" else 1)
    kinds = {asked.headers["authorization"].split()[0] for asked in service.asked}
    assert kinds == {"Basic", "Bearer"}
    gets = [asked for asked in service.asked if asked.method == "GET"]
    assert {asked.headers["x-user-defined"] for asked in gets} == {"helloworld"}
    assert curl.done - {"", "monitor", "sign in"} == steps_of(REST)


def json_dataset(folder: str) -> dict[str, Any]:
    """Where a copy goes."""
    location = {
        "type": "AzureBlobStorageLocation",
        "container": "adftutorial",
        "folderPath": folder,
        "fileName": "out.json",
    }
    linked = {"referenceName": "Storage", "type": "LinkedServiceReference"}
    return {"type": "Json", "linkedServiceName": linked, "typeProperties": {"location": location}}


def run_copy(curl: Curl, source: dict[str, Any]) -> Any:
    """Publish the article's activity with a sink, and run it to its end."""
    activity = {
        "name": "CopyFromREST",
        "type": "Copy",
        "inputs": [{"referenceName": "RESTDataset", "type": "DatasetReference"}],
        "outputs": [{"referenceName": "Out", "type": "DatasetReference"}],
        "typeProperties": {
            "source": source,
            "sink": {"type": "JsonSink", "storeSettings": {"type": "AzureBlobStorageWriteSettings"}},
        },
    }
    curl.send("", "PUT", "/pipelines/rest", {"properties": {"activities": [activity]}})
    return curl.monitor(curl.send("", "POST", "/pipelines/rest/createRun")["runId"])


def test_the_version_1_page(curl: Curl, group: str) -> None:
    """Its sample: 201 with the printed headers, Location under Azure's own name, and the printed body."""
    path = f"{group.replace('resourceGroups', 'resourcegroups')}/providers/Microsoft.DataFactory/datafactories/test"
    url = f"{ARM}{path}?api-version=2015-10-01"
    body = {"name": "RestDataFactory", "location": "West US", "tags": {}}
    headers = {"Authorization": f"Bearer {curl.token}", "Content_Type": "application/json"}
    status, fields, reply = curl.ask(
        "PUT", url, body=json.dumps(body), **headers, x_ms_client_request_id=str(uuid4())
    )
    assert status == 201
    assert fields["location"] == url
    for name in (
        *(
            "pragma",
            "x-ms-request-id",
            "x-ms-ratelimit-remaining-subscription-writes",
            "cache-control",
            "date",
        ),
        *("x-ms-correlation-request-id", "x-ms-routing-request-id", "strict-transport-security"),
    ):
        assert name in fields
    printed = {
        "name": "=test",
        "id": f"={path}",
        "type": "=Microsoft.DataFactory/datafactories",
        "location": "=westus",
        "tags": {},
        "properties": {
            "dataFactoryId": "guid",
            "hCatalogDescription": None,
            "provisioningState": "=Succeeded",
            "error": None,
            "errorMessage": None,
        },
    }
    fits(reply, printed)
    assert list(reply) == list(printed)
    assert {"create"} == steps_of(V1)
