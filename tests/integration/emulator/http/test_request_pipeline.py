"""The part of Azure Resource Manager in every request."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adf_trigger.emulator.common.clouds import CLOUDS, Cloud
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.hosting.app import FactoryConfig
from adf_trigger.emulator.identity.tokens import TokenAuthority

FACTORIES = "Microsoft.DataFactory/factories"
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def error(reply: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error."""
    body = reply.json()["error"]
    return reply.status_code, body["code"], body["message"]


def test_every_reply_has_the_services_headers(served: Any) -> None:
    """Request ids, routing id, transport security and caching headers are on successes and errors alike."""
    path = served.create_factory()
    for reply in (served.client.get(path), served.client.get(f"{path}/pipelines/none")):
        headers = reply.headers
        assert re.fullmatch(GUID, headers["x-ms-request-id"])
        assert headers["x-ms-correlation-request-id"] == headers["x-ms-request-id"]
        assert re.fullmatch(rf"EASTUS:\d{{8}}T\d{{6}}Z:{GUID}", headers["x-ms-routing-request-id"])
        assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert headers["x-content-type-options"] == "nosniff"
        assert (headers["cache-control"], headers["pragma"], headers["expires"]) == (
            "no-cache",
            "no-cache",
            "-1",
        )
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert "date" in headers


def test_the_client_request_id_is_returned_on_request(served: Any) -> None:
    """x-ms-return-client-request-id requests the echo; without it there is none."""
    path, own = served.create_factory(), {"x-ms-client-request-id": "mine"}
    asked = served.client.get(path, headers={**own, "x-ms-return-client-request-id": "true"})
    assert asked.headers["x-ms-client-request-id"] == "mine"
    assert "x-ms-client-request-id" not in served.client.get(path, headers=own).headers


def test_buckets_count_by_kind_of_operation(served: Any) -> None:
    """Reads, writes and deletes each draw on a bucket of their own, and a header gives the remainder."""
    path = served.create_factory()
    first = int(served.client.get(path).headers["x-ms-ratelimit-remaining-subscription-reads"])
    assert first == 249
    write = served.client.put(f"{path}/pipelines/p", json={"properties": {"activities": []}})
    assert int(write.headers["x-ms-ratelimit-remaining-subscription-writes"]) <= 199
    gone = served.client.delete(f"{path}/pipelines/p")
    assert gone.headers["x-ms-ratelimit-remaining-subscription-deletes"] == "199"


def test_an_empty_bucket_is_a_429_only_when_throttling_is_on(serve: Any, token_authority: Any) -> None:
    """Throttling answers in the service's words with Retry-After; switched off, nothing is throttled."""
    now = datetime.now(tz=UTC)
    options = Options(throttling=True)
    served = serve(FactoryConfig(tokens=token_authority, options=options, clock=lambda: now))
    path = f"{served.create_factory()}/pipelines/p"
    replies = [served.client.delete(path) for _ in range(201)]
    assert [reply.status_code for reply in replies] == [204] * 200 + [429]
    assert replies[199].headers["x-ms-ratelimit-remaining-subscription-deletes"] == "0"
    _, code, message = error(replies[-1])
    assert code == "SubscriptionRequestsThrottled"
    assert message.startswith("Number of 'delete' requests for subscription '12345678-")
    assert replies[-1].headers["retry-after"] == "1"
    served.control("POST", "throttling", json={"enabled": False})
    assert served.client.delete(path).status_code == 204


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (None, "MissingApiVersionParameter"),
        ("2018-06-01x", "InvalidApiVersionParameter"),
        ("2031-01-01", "InvalidApiVersionParameter"),
        ("2015-10-01", "NoRegisteredProviderFound"),
    ],
)
def test_the_api_version_is_checked(served: Any, version: str | None, code: str) -> None:
    """A missing, unknown or unsupported api-version is rejected as ARM does, before the token is checked."""
    path = served.create_factory()
    query = {} if version is None else {"api-version": version}
    reply = httpx.get(f"{served.url}{path}", params=query)
    assert error(reply)[:2] == (400, code)


def test_paths_match_in_any_case_and_keep_the_first(served: Any) -> None:
    """A path in another case finds the resource, whose id keeps the case of its creation."""
    path = served.create_factory("CamelFactory")
    served.put(f"{path}/pipelines/MyPipeline", {"activities": []})
    found = served.client.get(f"{path}/PIPELINES/mypipeline".replace("resourceGroups", "resourcegroups"))
    assert found.status_code == 200
    assert found.json()["id"] == f"{path}/pipelines/MyPipeline"
    again = served.put(f"{path.upper()}/pipelines/MYPIPELINE", {"activities": [], "description": "changed"})
    assert again["name"] == "MyPipeline"


def test_an_unknown_type_and_a_wrong_method_are_rejected(served: Any) -> None:
    """An unsupported type is 404 InvalidResourceType; a known path with another method is 405 with Allow."""
    path = served.create_factory()
    assert error(served.client.get(f"{path}/nonsense"))[:2] == (404, "InvalidResourceType")
    wrong = served.client.patch(f"{path}/pipelines/p")
    assert error(wrong)[:2] == (405, "MethodNotAllowed")
    assert wrong.headers["allow"]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"{", "BadRequest", "Expecting property name"),
        (b"\xff{}", "BadRequest", "can't decode byte 0xff"),
        (b'{"properties": NaN}', "BadRequest", "JSON has no NaN."),
        (b'{"properties": 1e999}', "BadRequest", "The number 1e999 is out of range."),
        (b'{"properties": {"a": "\\ud800"}}', "BadRequest", "surrogates not allowed"),
        (b"[" * 200_000, "BadRequest", "nested too deeply"),
        (
            b'{"properties": {"a": 1, "a": 2}}',
            "BadRequest",
            "The document creation or update failed because there were duplicate properties in the json payload.",
        ),
    ],
)
def test_a_body_that_is_no_json_is_rejected(served: Any, content: bytes, code: str, message: str) -> None:
    """Malformed JSON is rejected by ARM with the reason; a duplicate property is rejected by Data Factory."""
    path = served.create_factory()
    reply = served.client.put(f"{path}/pipelines/p", content=content)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    assert message in reply.json()["error"]["message"]


def test_a_body_over_four_megabytes_is_rejected(served: Any) -> None:
    """ARM accepts at most 4 MB, with or without Content-Length."""
    path = served.create_factory()
    large = iter([b" " * 1_000_000] * 5)
    assert served.client.put(f"{path}/pipelines/p", content=large).status_code == 413


def test_a_missing_factory_is_arms_not_found(served: Any) -> None:
    """Any call on or below a missing factory is ARM's ResourceNotFound, without target."""
    path = served.create_factory().replace("adf-test", "adf-none")
    for below in ("", "/pipelines", "/pipelines/p", "/pipelineruns/x"):
        reply = served.client.get(f"{path}{below}")
        assert error(reply)[:2] == (404, "ResourceNotFound")
        assert error(reply)[2] == (
            f"The Resource '{FACTORIES}/adf-none' under resource group 'rg-test' was not found. For more details "
            "please go to https://aka.ms/ARMResourceNotFoundFix"
        )
        assert set(reply.json()["error"]) == {"code", "message"}


def test_subscriptions_and_groups_can_be_limited_to_a_list(serve: Any, token_authority: Any) -> None:
    """With a list configured, ARM rejects other subscriptions and groups; names are compared without case."""
    groups = {"12345678-1234-1234-1234-123456789ABC": ["RG-Test"]}
    served = serve(FactoryConfig(tokens=token_authority, resource_groups=groups))
    path = served.create_factory()
    elsewhere = served.client.get(path.replace("rg-test", "rg-none"))
    assert error(elsewhere) == (404, "ResourceGroupNotFound", "Resource group 'rg-none' could not be found.")
    nowhere = served.client.get(path.replace("123456789abc", "000000000000"))
    assert error(nowhere)[:2] == (404, "SubscriptionNotFound")


class TestTokens:
    """The Authorization header."""

    def answer(self, served: Any, header: str | None, path: str = "") -> httpx.Response:
        headers = {} if header is None else {"Authorization": header}
        target = served.create_factory() + path
        return httpx.get(f"{served.url}{target}", params=served.version, headers=headers)

    @pytest.mark.parametrize("header", [None, ""])
    def test_a_missing_one_is_401_with_a_challenge(self, served: Any, header: str | None) -> None:
        """Without the header ARM answers so and names the authority that issues tokens."""
        reply = self.answer(served, header)
        assert error(reply) == (
            401,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        )
        challenge = reply.headers["www-authenticate"]
        assert challenge == f'Bearer authorization_uri="https://login.windows.net/{served.tokens.tenant_id}"'

    @pytest.mark.parametrize("header", ["Basic dTpw", "Bearer"])
    def test_another_scheme_is_rejected(self, served: Any, header: str) -> None:
        """A header without a bearer token is invalid."""
        assert error(self.answer(served, header))[:2] == (401, "AuthenticationFailedInvalidHeader")

    def test_garbage_is_rejected(self, served: Any) -> None:
        """A malformed token is invalid."""
        assert error(self.answer(served, "Bearer abc.def.ghi")) == (
            401,
            "InvalidAuthenticationToken",
            "The access token is invalid.",
        )

    def test_another_signature_is_rejected(self, served: Any) -> None:
        """A token that another key signed is invalid."""
        head, claims, signature = served.token("Contributor").split(".")
        forged = f"{head}.{claims}.{signature[::-1]}"
        assert error(self.answer(served, f"Bearer {forged}"))[:2] == (401, "InvalidAuthenticationToken")

    def test_an_expired_one_is_rejected_with_both_times(self, served: Any) -> None:
        """An expired token has an error of its own, with its expiry and the present time."""
        token = served.token("Contributor", lifetime=timedelta(seconds=-5))
        reply = self.answer(served, f"Bearer {token}")
        status, code, message = error(reply)
        assert (status, code) == (401, "ExpiredAuthenticationToken")
        time = r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M"
        assert re.fullmatch(
            rf"The access token expiry UTC time '{time}' is earlier than current UTC time '{time}'\.", message
        )
        assert 'error="invalid_token"' in reply.headers["www-authenticate"]

    def test_another_audience_is_rejected(self, served: Any) -> None:
        """A token for storage is no token for ARM."""
        token = served.token("Contributor", audience="https://storage.azure.com")
        status, code, message = error(self.answer(served, f"Bearer {token}"))
        assert (status, code) == (401, "InvalidAuthenticationToken")
        assert "wrong audience or resource 'https://storage.azure.com'" in message

    @pytest.mark.parametrize("here", CLOUDS.values(), ids=lambda cloud: cloud.name)
    def test_another_clouds_token_is_rejected(self, serve: Any, here: Cloud) -> None:
        """A token that is valid but for its audience is rejected where the audience is another cloud's."""
        tokens = TokenAuthority("72f988bf-86f1-41af-91ab-2d7cd011db47", audiences=here.arm_audiences)
        served = serve(FactoryConfig(tokens=tokens, cloud=here))
        served.tokens = tokens
        for cloud in CLOUDS.values():
            for audience in cloud.arm_audiences:
                token = served.token("Contributor", audience=audience)
                reply = httpx.get(
                    f"{served.url}/subscriptions",
                    params={"api-version": "2022-12-01"},
                    headers={"Authorization": f"Bearer {token}"},
                )
                if cloud is here:
                    assert reply.status_code == 200
                else:
                    status, code, message = error(reply)
                    assert (status, code) == (401, "InvalidAuthenticationToken")
                    assert f"wrong audience or resource '{audience}'" in message

    def test_another_tenant_is_rejected(self, served: Any) -> None:
        """A token of another tenant has an error code of its own."""
        token = served.token("Contributor", tenant_id="00000000-1111-2222-3333-444444444444")
        status, code, _ = error(self.answer(served, f"Bearer {token}"))
        assert (status, code) == (401, "InvalidAuthenticationTokenTenant")


class TestRoles:
    """The operations that a role allows."""

    @pytest.mark.parametrize(
        ("role", "method", "below", "allowed"),
        [
            ("Reader", "GET", "/pipelines/p", True),
            ("Reader", "POST", "/pipelines/p/createRun", False),
            ("Reader", "POST", "/queryPipelineRuns", False),
            ("Contributor", "PUT", "/pipelines/q", True),
            ("Data Factory Contributor", "DELETE", "/pipelines/p", True),
            ("ADF Trigger", "GET", "", True),
            ("ADF Trigger", "GET", "/pipelines/p", True),
            ("ADF Trigger", "POST", "/pipelines/p/createRun", True),
            ("ADF Trigger", "POST", "/queryPipelineRuns", True),
            ("ADF Trigger", "PUT", "/pipelines/q", False),
            ("ADF Trigger", "DELETE", "/pipelines/p", False),
            ("ADF Trigger", "GET", "/linkedservices", False),
        ],
    )
    def test_each_operation_needs_its_action(
        self, served: Any, role: str, method: str, below: str, *, allowed: bool
    ) -> None:
        """Every operation is allowed to the roles that have its RBAC action, and to no others."""
        path = served.create_factory()
        served.put(f"{path}/pipelines/p", {"activities": []})
        reply = httpx.request(
            method,
            f"{served.url}{path}{below}",
            params=served.version,
            headers={"Authorization": f"Bearer {served.token(role)}"},
            json={"properties": {"activities": []}} if method == "PUT" else None,
        )
        assert (reply.status_code == 200) is allowed, reply.text
        if not allowed:
            assert reply.json()["error"]["code"] == "AuthorizationFailed"

    def test_the_error_names_the_client_the_action_and_the_scope(self, served: Any) -> None:
        """A 403 names the client, the action and the scope."""
        path = served.create_factory()
        served.put(f"{path}/pipelines/p", {"activities": []})
        reply = httpx.post(
            f"{served.url}{path}/pipelines/p/createRun",
            params=served.version,
            headers={"Authorization": f"Bearer {served.token()}"},
        )
        status, code, message = error(reply)
        assert (status, code) == (403, "AuthorizationFailed")
        assert re.match(rf"The client '{GUID}' with object id '{GUID}' does not have authorization", message)
        assert (
            f"perform action 'Microsoft.DataFactory/factories/pipelines/createrun/action' over scope "
            f"'{path}/pipelines/p' or the scope is invalid" in message
        )
