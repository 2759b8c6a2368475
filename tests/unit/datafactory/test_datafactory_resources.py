"""Calls about factories and their resources."""

from typing import Any
from uuid import UUID

import pytest

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.resources import Factories, path_below
from adf_trigger.datafactory.v1 import create_or_update_data_factory
from adf_trigger.errors import (
    InvalidRequest,
    PreconditionFailed,
    Refused,
    ScopeNotFound,
    Unavailable,
    UnknownOutcome,
)
from tests.unit.datafactory.service import ENDPOINT, FACTORY, Service, answer

VERSION = "api-version=2018-06-01"
PIPELINE = {
    "id": f"{FACTORY}/pipelines/p",
    "name": "p",
    "type": "Microsoft.DataFactory/factories/pipelines",
    "properties": {"activities": [], "parameters": {"day": {"type": "String"}}},
    "etag": "1500504f-0000-0200-0000-5cbe090f0000",
}


def sent(service: Service) -> tuple[str | None, str | None]:
    """Method and URL of the last call."""
    return service.calls[-1].method, service.calls[-1].url


def test_a_pipeline_is_read(client: DataFactoryClient, service: Service) -> None:
    """It has its declared parameters, its ETag and the ids of the reply."""
    service.answers(answer(200, PIPELINE, x_ms_correlation_request_id="correlation-1"))
    pipeline = client.get_pipeline("p")
    assert [each.name for each in pipeline.declaration.parameters] == ["day"]
    assert (pipeline.etag, pipeline.reply.correlation_id) == (PIPELINE["etag"], "correlation-1")
    assert sent(service) == ("GET", f"{ENDPOINT}{FACTORY}/pipelines/p?{VERSION}")


@pytest.mark.parametrize(
    ("collection", "segment"),
    [("pipelines", "pipelines"), ("datasets", "datasets"), ("linked_services", "linkedservices")],
)
def test_each_kind_is_created_read_listed_and_deleted(
    client: DataFactoryClient, service: Service, collection: str, segment: str
) -> None:
    """All kinds have the same operations, each below its own segment of the path."""
    resources = getattr(client, collection)
    service.answers(answer(200, {"name": "x", "properties": {"type": "T"}, "etag": "1"}))
    assert resources.create_or_update("x", {"type": "T"}).etag == "1"
    assert sent(service) == ("PUT", f"{ENDPOINT}{FACTORY}/{segment}/x?{VERSION}")
    assert service.body == {"properties": {"type": "T"}}
    assert "If-Match" not in service.calls[-1].headers
    assert resources.get("x").properties == {"type": "T"}
    service.answers(answer(200, {"value": [{"name": "x"}, {"name": "y"}]}))
    assert [each.name for each in resources.list()] == ["x", "y"]
    assert sent(service) == ("GET", f"{ENDPOINT}{FACTORY}/{segment}?{VERSION}")
    service.answers(answer(200), answer(204))
    assert resources.delete("x") is True
    assert resources.delete("x") is False
    assert sent(service) == ("DELETE", f"{ENDPOINT}{FACTORY}/{segment}/x?{VERSION}")


def test_the_factory_is_created_read_and_deleted(client: DataFactoryClient, service: Service) -> None:
    """A factory's own PUT has location and tags at the top."""
    service.answers(
        answer(
            200,
            {
                "name": "my-factory",
                "location": "East US",
                "eTag": '"1"',
                "properties": {"provisioningState": "Succeeded"},
            },
        )
    )
    factory = client.create_or_update_factory(location="East US", tags={"team": "data"})
    assert (factory.etag, factory.provisioning_state) == ('"1"', "Succeeded")
    assert sent(service) == ("PUT", f"{ENDPOINT}{FACTORY}?{VERSION}")
    assert service.body == {"location": "East US", "tags": {"team": "data"}}
    assert client.get_factory().location == "East US"
    service.answers(answer(204))
    assert client.delete_factory() is False


def test_factories_are_listed_by_subscription_and_by_group(api: ManagementApi, service: Service) -> None:
    """Both lists are below the provider."""
    service.answers(answer(200, {"value": [{"name": "a"}]}))
    subscription = UUID(FACTORY.subscription_id)
    assert [each.name for each in Factories(api).list(subscription)] == ["a"]
    below = "providers/Microsoft.DataFactory/factories"
    assert sent(service) == ("GET", f"{ENDPOINT}/subscriptions/{subscription}/{below}?{VERSION}")
    list(Factories(api).list(subscription, "my group"))
    assert sent(service)[1] == (
        f"{ENDPOINT}/subscriptions/{subscription}/resourceGroups/my%20group/{below}?{VERSION}"
    )


def test_if_match_guards_a_replacement(client: DataFactoryClient, service: Service) -> None:
    """A changed version is a definite error with a class of its own."""
    service.answers(answer(412, {"error": {"code": "PreconditionFailed", "message": "moved on"}}))
    with pytest.raises(PreconditionFailed):
        client.pipelines.create_or_update("p", {}, if_match='"1"')
    assert service.calls[-1].headers["If-Match"] == '"1"'
    with pytest.raises(PreconditionFailed):
        client.create_or_update_factory(location="x", if_match="*")
    assert service.calls[-1].headers["If-Match"] == "*"


def test_if_none_match_finds_an_unchanged_resource(
    client: DataFactoryClient, api: ManagementApi, service: Service
) -> None:
    """304 returns no resource, but is no error either."""
    service.answers(answer(304))
    assert client.pipelines.get_if_changed("p", "etag-1") is None
    assert service.calls[-1].headers["If-None-Match"] == "etag-1"
    assert Factories(api).get_if_changed(FACTORY, '"1"') is None
    service.answers(answer(200, PIPELINE))
    changed = client.pipelines.get_if_changed("p", "etag-1")
    assert changed is not None
    assert changed.etag == PIPELINE["etag"]


def test_a_304_without_a_condition_is_no_reply(client: DataFactoryClient, service: Service) -> None:
    """A plain GET that gets 304 knows nothing about the resource."""
    service.answers(answer(304))
    with pytest.raises(Unavailable):
        client.get_pipeline("p")


@pytest.mark.parametrize("etag", ["a\r\nX-Evil: 1", "é", "\x00"])
def test_an_invalid_etag_is_rejected_before_it_is_sent(
    client: DataFactoryClient, service: Service, etag: str
) -> None:
    """It can neither break the call nor add a header to it."""
    with pytest.raises(InvalidRequest):
        client.pipelines.create_or_update("p", {}, if_match=etag)
    with pytest.raises(InvalidRequest):
        client.pipelines.get_if_changed("p", etag)
    assert service.calls == []


def test_a_list_follows_its_next_links(client: DataFactoryClient, service: Service) -> None:
    """The link is followed unchanged, with one call for each requested page."""
    link = f"{ENDPOINT}{FACTORY}/pipelines?{VERSION}&$skiptoken=a%2Bb+c"
    service.answers(
        answer(200, {"value": [{"name": "a"}], "nextLink": link}),
        answer(200, {"value": [{"name": "b"}], "nextLink": None}),
    )
    pipelines = client.list_pipelines()
    assert next(pipelines).name == "a"
    assert len(service.calls) == 1
    assert [each.name for each in pipelines] == ["b"]
    assert service.calls[-1].url == link


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.com/x",
        "https://management.azure.com.evil.example.com/x",
        "https://management.azure.com@evil.example.com/x",
        "http://management.azure.com/x",
        "https://management.azure.com:8443/x",
        "https://management.azure.com:port/x",
        "https://[management.azure.com/x",
        "/relative",
        "//management.azure.com",
        7,
    ],
)
def test_a_next_link_to_another_host_is_not_followed(
    client: DataFactoryClient, service: Service, link: Any
) -> None:
    """The bearer token goes to our own endpoint alone."""
    service.answers(answer(200, {"value": [], "nextLink": link}))
    with pytest.raises(Unavailable):
        list(client.list_pipelines())
    assert {call.url for call in service.calls} == {f"{ENDPOINT}{FACTORY}/pipelines?{VERSION}"}


@pytest.mark.parametrize(
    "origin",
    ["https://management.azure.com:443", "HTTPS://Management.Azure.com", "https://me@management.azure.com"],
)
def test_a_next_link_may_spell_our_endpoint_differently(
    client: DataFactoryClient, service: Service, origin: str
) -> None:
    """The Resource Manager sometimes writes its default port."""
    service.answers(
        answer(200, {"value": [{"name": "a"}], "nextLink": f"{origin}/next?{VERSION}"}),
        answer(200, {"value": [{"name": "b"}]}),
    )
    assert [each.name for each in client.list_pipelines()] == ["a", "b"]
    assert service.calls[-1].url == f"{ENDPOINT}/next?{VERSION}"


def test_a_link_is_followed_below_the_base_path_of_an_endpoint() -> None:
    """An endpoint behind a proxy may have a path of its own."""
    assert path_below("https://proxy/arm", "https://proxy/arm/next?x=1") == "/next?x=1"
    assert path_below("https://proxy/arm", "https://proxy/army/next") is None


def test_a_next_link_to_itself_ends_with_an_error(client: DataFactoryClient, service: Service) -> None:
    """It would loop forever."""
    link = f"{ENDPOINT}{FACTORY}/pipelines?{VERSION}&page=2"
    service.answers(answer(200, {"value": [], "nextLink": link}))
    with pytest.raises(Unavailable):
        list(client.list_pipelines())


def test_a_name_in_use_is_a_definite_conflict(client: DataFactoryClient, service: Service) -> None:
    """409 on a PUT is definite, and has the reason."""
    error = {"code": "DataFactoryNameInUse", "message": "The specified resource name is already in use."}
    service.answers(answer(409, {"error": error}))
    with pytest.raises(Refused) as caught:
        client.create_or_update_factory(location="x")
    assert (caught.value.status, caught.value.code) == (409, "DataFactoryNameInUse")
    assert "already in use" in str(caught.value)


def test_a_put_whose_reply_is_lost_is_an_unknown_outcome(client: DataFactoryClient, service: Service) -> None:
    """It may have been stored; it is not sent again."""
    service.answers(answer(200, "{"))
    with pytest.raises(UnknownOutcome):
        client.pipelines.create_or_update("p", {})
    assert len(service.calls) == 1


def test_a_factory_of_the_first_version_is_created_as_its_document_says(
    api: ManagementApi, service: Service
) -> None:
    """Path, operation id and body are sent, the documented response headers are returned."""
    operation = UUID("029a8839-027e-43c5-8854-af4388dcd232")
    properties = {"dataFactoryId": "39d4e663", "hCatalogDescription": None, "provisioningState": "Succeeded"}
    service.answers(
        answer(
            201,
            {"name": "my-factory", "location": "westus", "tags": {}, "properties": properties},
            x_ms_request_id="request-1",
            x_ms_correlation_request_id="correlation-1",
            x_ms_routing_request_id="WESTUS:20141203T212810Z:correlation-1",
            x_ms_ratelimit_remaining_subscription_writes="11999",
            date="Wed, 03 Dec 2014 21:28:09 GMT",
            location=f"{ENDPOINT}/x",
        )
    )
    factory = create_or_update_data_factory(
        api, FACTORY, location="West US", tags={}, client_request_id=operation
    )
    assert service.calls[-1].method == "PUT"
    assert service.calls[-1].url == (
        f"{ENDPOINT}/subscriptions/{FACTORY.subscription_id}/resourcegroups/my-group"
        "/providers/Microsoft.DataFactory/datafactories/my-factory?api-version=2015-10-01"
    )
    assert service.body == {"name": "my-factory", "location": "West US", "tags": {}}
    assert service.calls[-1].headers["x-ms-client-request-id"] == str(operation)
    assert factory.properties == properties
    reply = factory.reply
    assert (reply.request_id, reply.correlation_id) == ("request-1", "correlation-1")
    assert (reply.remaining_writes, reply.location) == (11999, f"{ENDPOINT}/x")
    assert reply.routing_request_id == "WESTUS:20141203T212810Z:correlation-1"
    assert reply.date == "Wed, 03 Dec 2014 21:28:09 GMT"


def test_a_factory_of_the_first_version_may_be_created_later(api: ManagementApi, service: Service) -> None:
    """202 needs no body to be a success."""
    service.answers(answer(202, None, location=f"{ENDPOINT}/x"))
    factory = create_or_update_data_factory(api, FACTORY, location="West US", if_match="1")
    assert (factory.name, factory.properties, factory.reply.location) == ("my-factory", {}, f"{ENDPOINT}/x")
    assert service.calls[-1].headers["If-Match"] == "1"


def test_the_first_version_is_switched_off(api: ManagementApi, service: Service) -> None:
    """The Resource Manager's present reply says that there is no such type."""
    error = {"code": "InvalidResourceType", "message": "The resource type could not be found."}
    service.answers(answer(404, {"error": error}))
    with pytest.raises(ScopeNotFound) as caught:
        create_or_update_data_factory(api, FACTORY, location="West US")
    assert caught.value.code == "InvalidResourceType"
