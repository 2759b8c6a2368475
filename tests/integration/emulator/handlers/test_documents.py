"""Factories and the documents in them: create, get, list, delete, conditions, static checks."""

import re
from typing import Any

import httpx
import pytest

from adf_trigger.emulator.common.options import Options

NOTHING: dict[str, Any] = {"activities": []}
ETAG = re.compile(r"[0-9a-f]{8}-0000-0[0-9a-f]00-0000-[0-9a-f]{8}0000")


@pytest.fixture
def path(served: Any) -> str:
    """Path of an empty factory."""
    factory: str = served.create_factory()
    return factory


def error_of(reply: httpx.Response) -> tuple[str, str, str | None]:
    """Code, message and target of a rejection by Data Factory."""
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert error["details"] is None
    return error["code"], error["message"], error["target"]


def put(served: Any, path: str, properties: Any) -> httpx.Response:
    """PUT a document."""
    reply: httpx.Response = served.client.put(path, json={"properties": properties})
    return reply


def wait(name: str, **more: Any) -> dict[str, Any]:
    """A Wait activity."""
    return {"name": name, "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}, **more}


class TestFactories:
    """The factory itself."""

    def test_a_name_is_unique_worldwide(self, served: Any, path: str) -> None:
        """The name of an existing factory, in any case, is rejected as in use."""
        elsewhere = path.replace("rg-test", "rg-other").replace("adf-test", "ADF-Test")
        reply = served.client.put(elsewhere, json={"location": "East US"})
        assert reply.status_code == 409
        assert reply.json()["error"]["code"] == "DataFactoryNameInUse"
        assert reply.json()["error"]["message"] == (
            "The specified resource name 'ADF-Test' is already in use. Resource names must be globally unique."
        )

    @pytest.mark.parametrize("name", ["ab", "a" * 64, "a_b", "-ab", "ab-", "a--b", "ab%20c"])
    def test_an_invalid_name_is_rejected(self, served: Any, name: str) -> None:
        """Factory names are 3 to 63 letters, digits and single hyphens inside."""
        served.create_factory()
        reply = served.client.put(served.create_factory().replace("adf-test", name), json={"location": "x"})
        assert error_of(reply)[0] == "BadRequest"

    def test_a_location_is_required_and_cannot_change(self, served: Any, path: str) -> None:
        """ARM rejects a missing location; another location is a conflict, another spelling is not."""
        missing = served.client.put(path.replace("adf-test", "adf-new"), json={})
        assert (missing.status_code, missing.json()["error"]["code"]) == (400, "LocationRequired")
        moved = served.client.put(path, json={"location": "West Europe"})
        assert (moved.status_code, moved.json()["error"]["code"]) == (409, "InvalidResourceLocation")
        assert served.client.put(path, json={"location": "eastus"}).json()["location"] == "East US"

    def test_an_update_keeps_identity_and_creation(self, served: Any) -> None:
        """PUT again and PATCH change tags and etag, not createTime nor the identity's ids."""
        path = served.create_factory("adf-identity", identity={"type": "SystemAssigned"})
        before = served.client.get(path).json()
        again = served.client.put(
            path, json={"location": "East US", "identity": {"type": "SystemAssigned"}, "tags": {"a": "b"}}
        ).json()
        patched = served.client.patch(path, json={"tags": {"c": "d"}}).json()
        assert again["identity"] == patched["identity"] == before["identity"]
        assert again["properties"]["createTime"] == before["properties"]["createTime"]
        assert (again["tags"], patched["tags"]) == ({"a": "b"}, {"c": "d"})
        assert len({before["eTag"], again["eTag"], patched["eTag"]}) == 3

    @pytest.mark.parametrize("said", [{}, {"identity": None}])
    def test_an_update_without_an_identity_keeps_it(
        self, served: Any, path: str, said: dict[str, None]
    ) -> None:
        """PUT and PATCH without identity keep it; only the type None removes it."""
        identity = {"type": "SystemAssigned"}
        body = {"location": "East US"}
        given = served.client.put(path, json=body | {"identity": identity}).json()["identity"]
        assert served.client.put(path, json=body | said).json()["identity"] == given
        assert served.client.patch(path, json=said).json()["identity"] == given
        gone = served.client.put(path, json=body | {"identity": {"type": "None"}}).json()
        assert "identity" not in gone

    def test_an_unknown_location_is_rejected(self, served: Any, path: str) -> None:
        """Atlantis is no region; an update with another region than the factory's is rejected."""
        for location, status, code in (
            ("Atlantis", 400, "LocationNotAvailableForResourceType"),
            ("West US", 409, "InvalidResourceLocation"),
        ):
            reply = served.client.put(path, json={"location": location})
            assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)

    def test_lists_of_a_subscription_and_of_a_group(self, served: Any, path: str) -> None:
        """A group lists its own factories, a subscription those of all its groups."""
        other = path.replace("rg-test", "rg-two").replace("adf-test", "adf-two")
        served.client.put(other, json={"location": "East US"})
        group = served.client.get(path.rpartition("/")[0]).json()["value"]
        subscription = path.partition("/resourceGroups")[0]
        everywhere = served.client.get(f"{subscription}/providers/Microsoft.DataFactory/factories").json()
        assert [factory["name"] for factory in group] == ["adf-test"]
        assert [factory["name"] for factory in everywhere["value"]] == ["adf-test", "adf-two"]

    def test_delete_removes_everything_in_the_factory(self, served: Any, path: str) -> None:
        """A factory created again after its deletion is empty; a second delete is 204."""
        put(served, f"{path}/pipelines/p", NOTHING)
        run_id = served.client.post(f"{path}/pipelines/p/createRun").json()["runId"]
        assert served.client.delete(path).status_code == 200
        assert served.client.delete(path).status_code == 204
        served.create_factory()
        assert served.client.get(f"{path}/pipelines").json() == {"value": []}
        assert served.client.get(f"{path}/pipelineruns/{run_id}").status_code == 404

    def test_global_parameters_are_seen_by_expressions(self, served: Any) -> None:
        """Global parameters in the factory's properties and in the sub-resource both reach a run."""
        path = served.create_factory(
            "adf-globals", properties={"globalParameters": {"one": {"type": "Int", "value": 1}}}
        )
        served.put(f"{path}/globalParameters/default", {"two": {"type": "String", "value": "zwei"}})
        served.put(
            f"{path}/pipelines/p",
            {
                "activities": [],
                "parameters": {
                    "p": {
                        "type": "String",
                        "defaultValue": "@{pipeline().globalParameters.one}-"
                        "@{pipeline().globalParameters.two}",
                    }
                },
            },
        )
        run_id = served.client.post(f"{path}/pipelines/p/createRun").json()["runId"]
        assert served.client.get(f"{path}/pipelineruns/{run_id}").json()["parameters"] == {"p": "1-zwei"}


class TestConditions:
    """If-Match and If-None-Match."""

    def test_if_match_guards_an_update(self, served: Any, path: str) -> None:
        """The present etag and `*` pass, another etag is 412, and so is any on a document that is not there."""
        target = f"{path}/pipelines/p"
        etag = served.put(target, NOTHING)["etag"]
        body = {"properties": NOTHING}
        assert ETAG.fullmatch(etag)
        stale = served.client.put(
            target, json=body, headers={"If-Match": "00000000-0000-0100-0000-000000000000"}
        )
        assert (stale.status_code, stale.json()["error"]["code"]) == (412, "PreconditionFailed")
        fresh = served.client.put(target, json=body, headers={"If-Match": f'"{etag}"'})
        assert fresh.json()["etag"] != etag
        assert served.client.put(target, json=body, headers={"If-Match": "*"}).status_code == 200
        absent = served.client.put(f"{path}/pipelines/q", json=body, headers={"If-Match": "*"})
        assert absent.status_code == 412

    def test_if_match_guards_a_factory_with_its_quoted_etag(self, served: Any, path: str) -> None:
        """A factory's eTag has quotes inside; as it stands it passes, after a change it does not."""
        etag = served.client.get(path).json()["eTag"]
        body = {"location": "East US"}
        assert served.client.put(path, json=body, headers={"If-Match": etag}).status_code == 200
        assert served.client.put(path, json=body, headers={"If-Match": etag}).status_code == 412

    def test_if_none_match_omits_the_body(self, served: Any, path: str) -> None:
        """The present etag gives 304 without a body, another one the document."""
        etag = served.put(f"{path}/pipelines/p", NOTHING)["etag"]
        same = served.client.get(f"{path}/pipelines/p", headers={"If-None-Match": etag})
        assert (same.status_code, same.content) == (304, b"")
        assert served.client.get(f"{path}/pipelines/p", headers={"If-None-Match": "x"}).status_code == 200


class TestLists:
    """List pages."""

    def test_pages_are_linked_by_next_link(self, served: Any, path: str) -> None:
        """Following nextLink gives every document once, and the last page has none."""
        served.control("PATCH", "options", json={"page_size": 3})
        for number in range(8):
            served.put(f"{path}/pipelines/p{number}", NOTHING)
        names, link, pages = [], f"{served.url}{path}/pipelines?api-version=2018-06-01", 0
        while link:
            page = httpx.get(link, headers=served.client.headers).json()
            names += [document["name"] for document in page["value"]]
            link, pages = page.get("nextLink"), pages + 1
        assert names == [f"p{number}" for number in range(8)]
        assert pages == 3

    def test_a_foreign_skip_token_is_rejected(self, served: Any, path: str) -> None:
        """An invalid skip token is a 400, not a crash."""
        reply = served.client.get(f"{path}/pipelines", params=served.version | {"$skiptoken": "é!"})
        assert reply.status_code == 400


class TestStaticChecks:
    """Static checks of a PUT."""

    def test_a_missing_reference(self, served: Any, path: str) -> None:
        """A dataset without its linked service, a pipeline without its dataset or child, are rejected by name."""
        dataset = {
            "type": "Binary",
            "linkedServiceName": {"referenceName": "nowhere", "type": "LinkedServiceReference"},
        }
        assert error_of(put(served, f"{path}/datasets/d", dataset)) == (
            "BadRequest",
            "The document creation or update failed because of invalid reference 'nowhere'.",
            f"{path}/datasets/d",
        )
        child = {
            "name": "call",
            "type": "ExecutePipeline",
            "typeProperties": {"pipeline": {"referenceName": "child", "type": "PipelineReference"}},
        }
        inside = {
            "name": "if",
            "type": "IfCondition",
            "typeProperties": {
                "expression": {"value": "@true", "type": "Expression"},
                "ifTrueActivities": [child],
            },
        }
        message = "The document creation or update failed because of invalid reference 'child'."
        assert error_of(put(served, f"{path}/pipelines/p", {"activities": [inside]}))[1] == message

    def test_a_document_in_use_stays(self, served: Any, path: str) -> None:
        """A document that another one refers to cannot be deleted, and the error names the other."""
        served.put(f"{path}/linkedservices/store", {"type": "AzureBlobStorage", "typeProperties": {}})
        reference = {"referenceName": "STORE", "type": "LinkedServiceReference"}
        served.put(f"{path}/datasets/d", {"type": "Binary", "linkedServiceName": reference})
        reply = served.client.delete(f"{path}/linkedservices/store")
        assert error_of(reply) == (
            "BadRequest",
            "The document cannot be deleted since it is referenced by d.",
            f"{path}/linkedservices/store",
        )
        assert served.client.delete(f"{path}/datasets/d").status_code == 200
        assert served.client.delete(f"{path}/linkedservices/store").status_code == 200
        assert served.client.delete(f"{path}/linkedservices/store").status_code == 204

    def test_undeclared_parameters(self, served: Any, path: str) -> None:
        """Expressions with undeclared parameters are rejected, all of them in one error."""
        activity = wait("w", description="@{pipeline().parameters.a}@{pipeline().parameters['b']}")
        definition = {"activities": [activity], "parameters": {"A2": {"type": "String"}}}
        assert error_of(put(served, f"{path}/pipelines/p", definition)) == (
            "BadRequest",
            "Missing parameter definition for 'a','b'",
            "Pipeline/p",
        )
        definition["parameters"] = {"A": {"type": "string"}, "B": {"type": "string"}}
        assert put(served, f"{path}/pipelines/p", definition).status_code == 200

    @pytest.mark.parametrize(
        "name", ["a" * 261, "a<b", "a.b", "a:b", "-a", "a%25b", "a#b".replace("#", "%23"), "%20a"]
    )
    def test_a_bad_document_name(self, served: Any, path: str, name: str) -> None:
        """Names of documents contain no forbidden character and start with an allowed one."""
        assert error_of(put(served, f"{path}/pipelines/{name}", NOTHING))[0] == "BadRequest"

    def test_a_name_with_a_space_is_good(self, served: Any, path: str) -> None:
        """Spaces are legal and arrive percent-encoded."""
        served.put(f"{path}/pipelines/My%20Pipeline", NOTHING)
        assert served.client.get(f"{path}/pipelines/My%20Pipeline").json()["name"] == "My Pipeline"

    @pytest.mark.parametrize(
        "properties",
        [
            {"activities": {}},
            {"activities": ["x"]},
            {"activities": [{"type": "Wait"}]},
            {"activities": [{"name": "w"}]},
            {"activities": [wait("a" * 56)]},
            {"activities": [wait("a.b")]},
            {"activities": [wait("a"), wait("A")]},
            {"activities": [], "parameters": []},
            {"activities": [], "parameters": {"p": {"type": "Date"}}},
            {"activities": [], "parameters": {"p": {"type": "Int"}, "P": {"type": "Int"}}},
            {"activities": [], "variables": {"v": {"type": "Object"}}},
        ],
    )
    def test_an_invalid_pipeline_is_rejected(self, served: Any, path: str, properties: Any) -> None:
        """Activities need names and types, names are unique, declarations have known types."""
        assert error_of(put(served, f"{path}/pipelines/p", properties))[2] == "Pipeline/p"
        assert served.client.get(f"{path}/pipelines/p").status_code == 404

    @pytest.mark.parametrize("body", [None, [], "x", {}, {"properties": None}, {"properties": []}])
    def test_a_body_without_properties(self, served: Any, path: str, body: Any) -> None:
        """A PUT needs an object with properties."""
        assert error_of(served.client.put(f"{path}/pipelines/p", json=body))[0] == "BadRequest"

    @pytest.mark.parametrize("kind", ["linkedservices", "datasets", "triggers", "credentials"])
    def test_a_document_without_a_type(self, served: Any, path: str, kind: str) -> None:
        """Linked services, datasets, triggers and credentials have a type."""
        message = "Required property 'type' not found in JSON."
        assert message in error_of(put(served, f"{path}/{kind}/x", {"typeProperties": {}}))[1]


class TestLimits:
    """The documented limits, which only a strict emulator keeps."""

    OVER = (
        {"activities": [wait(f"w{number}") for number in range(81)]},
        {"activities": [], "parameters": {f"p{number}": {"type": "Int"} for number in range(51)}},
        {"activities": [], "description": "x" * 205_000},
        {
            "activities": [
                {
                    "name": "loop",
                    "type": "ForEach",
                    "typeProperties": {
                        "items": {"value": "@createArray(1)", "type": "Expression"},
                        "batchCount": 51,
                        "activities": [],
                    },
                }
            ]
        },
    )

    def test_a_strict_emulator_keeps_them(self, serve: Any) -> None:
        """Activities, parameters, size and batchCount over the limit are rejected."""
        served = serve(strict=True)
        path = served.create_factory()
        for properties in self.OVER:
            assert error_of(put(served, f"{path}/pipelines/p", properties))[2] == "Pipeline/p"

    def test_the_default_emulator_does_not(self, served: Any, path: str) -> None:
        """The default emulator accepts documents over these limits."""
        assert Options().strict is False
        for properties in self.OVER:
            assert put(served, f"{path}/pipelines/p", properties).status_code == 200


def test_a_missing_document_is_not_found_by_its_full_id(served: Any, path: str) -> None:
    """GET of a missing pipeline is the service's 404, with target and null details."""
    reply = served.client.get(f"{path}/pipelines/none")
    assert reply.status_code == 404
    assert reply.json() == {
        "error": {
            "code": "NotFound",
            "message": "The document could not be retrieved because it does not exist.",
            "target": f"{path}/pipelines/none",
            "details": None,
        }
    }
