"""The version 1 API (datafactories, 2015-10-01) as documented."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

V1 = {"api-version": "2015-10-01"}
PATH = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/adf/providers"
    "/Microsoft.DataFactory/datafactories/test"
)
BODY = {"name": "RestDataFactory", "location": "West US", "tags": {}}


def put(served: Any, body: Any = None, **headers: str) -> httpx.Response:
    """PUT as the document's sample."""
    own = {"x-ms-client-request-id": str(uuid4()), **headers}
    reply: httpx.Response = served.client.put(PATH, params=V1, json=body or BODY, headers=own)
    return reply


def test_the_documented_sample(served: Any) -> None:
    """Creation answers Created with Location and the documented headers and body."""
    reply = put(served)
    assert reply.status_code == 201
    body = reply.json()
    assert body["properties"].pop("dataFactoryId")
    assert body == {
        "name": "test",
        "id": PATH,
        "type": "Microsoft.DataFactory/datafactories",
        "location": "westus",
        "tags": {},
        "properties": {
            "hCatalogDescription": None,
            "provisioningState": "Succeeded",
            "error": None,
            "errorMessage": None,
        },
    }
    assert reply.headers["location"] == f"{served.url}{PATH}?api-version=2015-10-01"
    documented = (
        "x-ms-request-id",
        "x-ms-ratelimit-remaining-subscription-writes",
        "x-ms-correlation-request-id",
        "x-ms-routing-request-id",
        "date",
    )
    assert all(name in reply.headers for name in documented)


def test_an_update_is_ok_and_keeps_the_id(served: Any) -> None:
    """A second PUT answers 200 with the same dataFactoryId and the new tags."""
    first = put(served).json()
    second = put(served, {**BODY, "tags": {"a": "b"}})
    assert second.status_code == 200
    assert second.json()["properties"] == first["properties"]
    assert second.json()["tags"] == {"a": "b"}


def test_get_and_delete(served: Any) -> None:
    """A factory is read as it was put; after a delete it is gone, and a second delete says so."""
    body = put(served).json()
    assert served.client.get(PATH.upper(), params=V1).json() == body
    assert served.client.delete(PATH, params=V1).status_code == 200
    assert served.client.delete(PATH, params=V1).status_code == 204
    assert served.client.get(PATH, params=V1).status_code == 404


def test_the_etag_is_returned_for_if_match(served: Any) -> None:
    """PUT and GET answer with ETag; If-Match with it updates, and with an earlier one is 412, for DELETE, too."""
    first = put(served).headers["etag"]
    assert served.client.get(PATH, params=V1).headers["etag"] == first
    assert served.client.get(PATH, params=V1, headers={"If-None-Match": first}).status_code == 304
    second = put(served, **{"If-Match": first})
    assert second.status_code == 200
    assert put(served, **{"If-Match": first}).status_code == 412
    assert served.client.delete(PATH, params=V1, headers={"If-Match": first}).status_code == 412
    fresh = {"If-Match": second.headers["etag"]}
    assert served.client.delete(PATH, params=V1, headers=fresh).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"name": None}, 400, "BadRequest"),
        ({"name": ""}, 400, "BadRequest"),
        ({"name": 1}, 400, "BadRequest"),
        ({"location": "Atlantis"}, 400, "LocationNotAvailableForResourceType"),
        ({"location": None}, 400, "LocationRequired"),
        ({"tags": ["a"]}, 400, "InvalidRequestContent"),
        ({"tags": {"a": {}}}, 400, "InvalidRequestContent"),
        ({"tags": {"a": "x" * 257}}, 400, "InvalidRequestContent"),
        ({"properties": "x"}, 400, "BadRequest"),
        ({"location": "North Europe"}, 409, "InvalidResourceLocation"),
    ],
)
def test_the_body_is_checked(served: Any, changes: dict[str, Any], status: int, code: str) -> None:
    """Each element is checked against the page's table, and a rejected PUT changes nothing."""
    first = put(served).headers["etag"]
    body = {name: value for name, value in (BODY | changes).items() if value is not None}
    reply = put(served, body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert served.client.get(PATH, params=V1).headers["etag"] == first


def test_validation_is_not_implemented(served: Any) -> None:
    """With validate the reply is 501, as the page documents, and nothing is created."""
    for method, path, query in (("POST", f"{PATH}/validate", {}), ("PUT", PATH, {"validate": "true"})):
        reply = served.client.request(
            method, path, params=V1 | query, json=BODY, headers={"x-ms-client-request-id": str(uuid4())}
        )
        assert (reply.status_code, reply.json()["error"]["code"]) == (501, "NotImplemented")
    assert served.client.get(PATH, params=V1).status_code == 404


def test_malformed_json_is_reported(served: Any) -> None:
    """A body that is no JSON gets an error message, in version 1 as in version 2."""
    headers = {"x-ms-client-request-id": str(uuid4())}
    reply = served.client.put(PATH, params=V1, content=b'{"name"', headers=headers)
    assert reply.status_code == 400
    assert "could not be deserialized" in reply.json()["error"]["message"]


def test_the_documented_errors(served: Any) -> None:
    """Bad bodies and a missing client request id are 400, a failed If-Match is 412."""
    assert put(served, {"name": "x"}).status_code == 400
    assert served.client.put(PATH, params=V1, json=BODY).status_code == 400
    assert put(served, **{"If-Match": "*"}).status_code == 412


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_switched_off_it_answers_like_todays_service(serve: Any, method: str) -> None:
    """With v1 off every call is 404 InvalidResourceType."""
    served = serve(v1=False)
    reply = served.client.request(method, PATH, params=V1, headers={"x-ms-client-request-id": str(uuid4())})
    assert reply.status_code == 404
    assert reply.json()["error"] == {
        "code": "InvalidResourceType",
        "message": "The resource type could not be found in the namespace 'Microsoft.DataFactory' for api version "
        "'2015-10-01'.",
    }


def test_versions_do_not_mix(served: Any) -> None:
    """The version 2 api-version does not open version 1, nor the other way round."""
    assert served.client.get(PATH).json()["error"]["code"] == "NoRegisteredProviderFound"
    path = served.create_factory()
    assert served.client.get(path, params=V1).json()["error"]["code"] == "NoRegisteredProviderFound"
