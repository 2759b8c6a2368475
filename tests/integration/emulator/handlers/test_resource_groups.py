"""The small Resource Manager around the factories: groups, their resources, and the paths above them."""

from typing import Any

import httpx
import pytest

from adf_trigger.emulator.identity.tokens import TokenAuthority
from tests.integration.emulator.calls import NOTHING, SUBSCRIPTION, activity, create_run, run_id_of

HERE = f"/subscriptions/{SUBSCRIPTION}"
V = {"api-version": "2021-04-01"}
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"


def error(reply: httpx.Response) -> tuple[int, str]:
    """Status and code."""
    return reply.status_code, reply.json()["error"]["code"]


def call(served: Any, method: str, path: str, **more: Any) -> httpx.Response:
    """A call below the subscription, with Resource Manager's own api-version."""
    reply: httpx.Response = served.client.request(
        method, f"{HERE}{path}", params=V | more.pop("query", {}), **more
    )
    return reply


def make(served: Any, name: str = "adf-quickstart", **body: Any) -> httpx.Response:
    """PUT a group."""
    return call(served, "PUT", f"/resourceGroups/{name}", json={"location": "East US", **body})


def follow(served: Any, link: str) -> httpx.Response:
    """GET a link unchanged."""
    return httpx.get(link, headers={"Authorization": served.client.headers["Authorization"]})


def test_a_group_is_created_read_and_changed(served: Any) -> None:
    """PUT answers 201 and then 200, HEAD 204, GET and PATCH the group; the name keeps its first spelling."""
    assert call(served, "HEAD", "/resourceGroups/adf-quickstart").status_code == 404
    made = make(served, tags={"a": "b"})
    assert (made.status_code, made.json()) == (
        201,
        {
            "id": f"{HERE}/resourceGroups/adf-quickstart",
            "name": "adf-quickstart",
            "type": "Microsoft.Resources/resourceGroups",
            "location": "eastus",
            "tags": {"a": "b"},
            "properties": {"provisioningState": "Succeeded"},
        },
    )
    assert make(served, "ADF-Quickstart", tags={"a": "b"}).status_code == 200
    assert call(served, "HEAD", "/resourcegroups/ADF-QuickStart").status_code == 204
    patched = call(served, "PATCH", "/resourceGroups/adf-quickstart", json={"tags": {"c": "d"}})
    assert patched.json()["tags"] == {"c": "d"}
    assert call(served, "GET", "/resourceGroups/adf-quickstart").json() == patched.json()
    names = [group["name"] for group in call(served, "GET", "/resourceGroups").json()["value"]]
    assert names == sorted(["adf-quickstart", "rg-test", "rg-two", "rg-other"])


def test_a_deleted_group_removes_its_factories(served: Any) -> None:
    """DELETE answers 202 with a Location under the requested host, which then answers 200; its resources are gone."""
    make(served)
    factory = f"{HERE}/resourceGroups/adf-quickstart/providers/Microsoft.DataFactory/factories/gone-soon"
    body = {"location": "East US"}
    served.client.put(factory, json=body).raise_for_status()
    served.put(f"{factory}/pipelines/p", NOTHING)
    v1 = {"api-version": "2015-10-01"}
    old = factory.replace("/factories/", "/datafactories/")
    headers = {"x-ms-client-request-id": "1"}
    served.client.put(old, params=v1, json={"name": "x", **body}, headers=headers).raise_for_status()
    inside = call(served, "GET", "/resourceGroups/adf-quickstart/resources").json()["value"]
    assert [resource["type"].rpartition("/")[2] for resource in inside] == ["datafactories", "factories"]

    deleted = call(served, "DELETE", "/resourceGroups/adf-quickstart")
    assert (deleted.status_code, deleted.content) == (202, b"")
    assert deleted.headers["location"].startswith(f"{served.url}{HERE}/operationresults/")
    assert follow(served, deleted.headers["location"]).status_code == 200
    assert error(call(served, "GET", "/resourceGroups/adf-quickstart")) == (404, "ResourceGroupNotFound")
    assert error(served.client.get(factory)) == (404, "ResourceGroupNotFound")
    assert error(call(served, "DELETE", "/resourceGroups/adf-quickstart")) == (404, "ResourceGroupNotFound")
    assert error(call(served, "GET", "/operationresults/nonsense")) == (404, "NotFound")
    make(served)
    assert error(served.client.get(factory)) == (404, "ResourceNotFound")
    assert served.client.get(old, params=v1).status_code == 404


def test_a_recreated_factory_has_no_runs_of_the_former(served: Any) -> None:
    """Runs that are in progress, queued or waiting for a child when their factory is deleted never reappear."""
    path = served.create_factory()
    wait = activity("W", "Wait", waitTimeInSeconds=300)
    served.put(f"{path}/pipelines/child", {"activities": [wait]})
    child: dict[str, Any] = {
        "pipeline": {"referenceName": "child", "type": "PipelineReference"},
        "waitOnCompletion": True,
    }
    served.put(
        f"{path}/pipelines/p", {"activities": [activity("E", "ExecutePipeline", **child)], "concurrency": 1}
    )
    for _ in range(3):
        run_id_of(create_run(served, path))
    served.until(lambda: served.control("GET", "runs")["byStatus"] == {"InProgress": 2, "Queued": 2})
    assert served.client.delete(path).status_code == 200
    served.create_factory()
    served.put(f"{path}/pipelines/p", NOTHING)
    fresh = run_id_of(create_run(served, path))
    served.wait_for(path, fresh)
    assert [run["runId"] for run in served.control("GET", "runs")["runs"]] == [fresh]


def test_another_groups_factories_stay(served: Any) -> None:
    """A group whose name begins alike is another one."""
    make(served, "rg")
    path = served.create_factory()
    assert call(served, "DELETE", "/resourceGroups/rg").status_code == 202
    assert served.client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "refusal"),
    [
        ("g", {"location": "Atlantis"}, (400, "LocationNotAvailableForResourceGroup")),
        ("g", {"location": ""}, (400, "LocationRequired")),
        ("g", [], (400, "InvalidRequestContent")),
        ("g", {"location": "eastus", "tags": {"a": 1}}, (400, "InvalidRequestContent")),
        ("g", {"location": "eastus", "tags": []}, (400, "InvalidRequestContent")),
        (
            "g",
            {"location": "eastus", "tags": {str(n): "" for n in range(51)}},
            (400, "InvalidRequestContent"),
        ),
        ("g", {"location": "eastus", "managedBy": 1}, (400, "InvalidRequestContent")),
        ("g.", {"location": "eastus"}, (400, "InvalidResourceGroup")),
        ("x" * 91, {"location": "eastus"}, (400, "InvalidResourceGroup")),
        ("rg-test", {"location": "westus"}, (409, "InvalidResourceGroupLocation")),
    ],
)
def test_an_invalid_group_is_rejected(served: Any, name: str, body: Any, refusal: tuple[int, str]) -> None:
    """Names, locations and tags are checked, and nothing is created."""
    before = call(served, "GET", "/resourceGroups").json()
    assert error(call(served, "PUT", f"/resourceGroups/{name}", json=body)) == refusal
    assert call(served, "GET", "/resourceGroups").json() == before


def test_lists_are_paged_and_filtered(served: Any) -> None:
    """nextLink leads through all groups, a filter by tag or type finds its own, other filters are rejected."""
    make(served, "tagged", tags={"Team": "a"})
    query: dict[str, Any] = {"$top": "1"}
    reply = call(served, "GET", "/resourceGroups", query=query).json()
    names = [group["name"] for group in reply["value"]]
    while "nextLink" in reply:
        reply = follow(served, reply["nextLink"]).json()
        names += [group["name"] for group in reply["value"]]
    assert names == ["rg-other", "rg-test", "rg-two", "tagged"]
    query = {"$filter": "tagName eq 'team' and tagValue eq 'a'"}
    (found,) = call(served, "GET", "/resourceGroups", query=query).json()["value"]
    assert found["name"] == "tagged"
    served.create_factory()
    for text, count in (
        ("resourceType eq 'Microsoft.DataFactory/factories'", 1),
        ("resourceType eq 'Microsoft.DataFactory/factories' and name eq 'nobody'", 0),
        ("location eq 'East US'", 1),
    ):
        resources = call(served, "GET", "/resources", query={"$filter": text}).json()["value"]
        assert len(resources) == count
    for text in ("name ne 'x'", "colour eq 'red'"):
        reply = call(served, "GET", "/resources", query={"$filter": text})
        assert error(reply) == (400, "InvalidFilterInQueryString")


def test_paths_above_resources_are_served(served: Any) -> None:
    """Tenants, subscriptions, regions and providers are listed; the cloud's endpoints even without a token."""
    tenant = served.client.get("/tenants", params=V).json()["value"]
    assert [each["tenantId"] for each in tenant] == [TENANT]
    found = served.client.get("/subscriptions", params={"api-version": "2022-12-01"}).json()["value"]
    assert SUBSCRIPTION in [each["subscriptionId"] for each in found]
    assert call(served, "GET", "").json()["state"] == "Enabled"
    assert "eastus" in [each["name"] for each in call(served, "GET", "/locations").json()["value"]]
    provider = call(served, "POST", "/providers/microsoft.datafactory/register").json()
    assert provider["registrationState"] == "Registered"
    types = {each["resourceType"]: each["apiVersions"] for each in provider["resourceTypes"]}
    assert (types["factories"][0], types["dataFactories"][0]) == ("2018-06-01", "2015-10-01")
    assert served.client.get("/providers/Microsoft.DataFactory", params=V).json()["resourceTypes"]
    query = {"api-version": "2022-09-01"}
    endpoints = httpx.get(f"{served.url}/metadata/endpoints", params=query).json()
    assert endpoints["resourceManager"] == f"{served.url}/"
    query = {"api-version": "2019-05-01"}
    assert len(httpx.get(f"{served.url}/metadata/endpoints", params=query).json()) == 1


def test_a_caller_without_a_role_sees_no_subscription(served: Any) -> None:
    """The list is empty for a caller without a role, and every other call is rejected."""
    headers = {"Authorization": f"Bearer {served.token()}"}
    reply = httpx.get(f"{served.url}/subscriptions", params=V, headers=headers)
    assert reply.json()["value"] == []
    reply = httpx.put(f"{served.url}{HERE}/resourceGroups/g", params=V, headers=headers, json={})
    assert error(reply) == (403, "AuthorizationFailed")


def test_a_404_names_its_resource_provider(served: Any) -> None:
    """A 404 names Data Factory only on paths of Data Factory."""
    for path, code in (
        ("/nonsense", "MissingSubscription"),
        (f"{HERE}/nonsense", "InvalidResourceType"),
        (
            f"{HERE}/resourceGroups/rg-test/providers/Microsoft.Storage/storageAccounts/x",
            "InvalidResourceNamespace",
        ),
        (f"{HERE}/providers/Microsoft.Storage", "InvalidResourceNamespace"),
    ):
        reply = served.client.get(path, params=V)
        assert error(reply) == (404, code)
        assert "DataFactory" not in reply.text
    assert error(served.client.get("/subscriptions/nobody", params=V)) == (404, "SubscriptionNotFound")


def test_any_group_is_a_switch(served: Any) -> None:
    """With any_group on, a factory can be created in any group, which exists afterwards."""
    path = "/subscriptions/some/resourceGroups/where/providers/Microsoft.DataFactory/factories/anywhere"
    body = {"location": "East US"}
    assert error(served.client.put(path, json=body)) == (404, "SubscriptionNotFound")
    served.control("PATCH", "options", json={"any_group": True})
    assert served.client.put(path, json=body).status_code == 200
    served.control("PATCH", "options", json={"any_group": False})
    assert served.client.get(path).status_code == 200


def test_a_reset_brings_back_the_first_groups(served: Any) -> None:
    """Groups of the start exist again after a reset, and those created since are gone."""
    make(served)
    call(served, "DELETE", "/resourceGroups/rg-test").raise_for_status()
    served.control("POST", "reset", json={})
    names = [group["name"] for group in call(served, "GET", "/resourceGroups").json()["value"]]
    assert names == ["rg-other", "rg-test", "rg-two"]


def test_the_challenge_names_where_tokens_come_from(served: Any, token_authority: TokenAuthority) -> None:
    """Asked by the cloud's own name, Resource Manager names the cloud's own authority."""
    reply = httpx.get(f"{served.url}{HERE}", params=V, headers={"Host": "management.azure.com"})
    expected = f'Bearer authorization_uri="https://login.windows.net/{token_authority.tenant_id}"'
    assert reply.headers["www-authenticate"] == expected


@pytest.mark.parametrize("top", ["x", "0", "-1", "1.5", "1001", "9" * 5000, "", "٣"])
def test_an_invalid_page_size_is_rejected(served: Any, top: str) -> None:
    """$top is a whole number from 1 to 1,000."""
    reply = call(served, "GET", "/resourceGroups", query={"$top": top})
    assert error(reply) == (400, "InvalidTopInQueryString")
