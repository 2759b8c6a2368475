"""Every failure is raised as its class of the error tree."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.datafactory import failures
from adf_trigger.datafactory.calls import Effect, Reply
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.failures import error_of, garbled
from adf_trigger.errors import (
    BadRequest,
    DataFactoryError,
    FactoryUnusable,
    Forbidden,
    PipelineQueueFull,
    PreconditionFailed,
    QuotaExceeded,
    Refused,
    ResourceNotFound,
    RunNotFound,
    ScopeLocked,
    ScopeNotFound,
    SubscriptionUnusable,
    Throttled,
    Unauthorized,
    Unavailable,
    UnknownOutcome,
)
from tests.unit.datafactory.effects import CHANGES, EVERY, START, WITH_EFFECT, call_of
from tests.unit.datafactory.service import (
    FACTORY,
    NOW,
    TOKEN,
    Service,
    Tokens,
    answer,
    management_api,
    served,
)

pytestmark = pytest.mark.untraced

# (status, code, message, target) as Data Factory and the Resource Manager send them, and the error raised for each.
KNOWN: list[tuple[int, str, str | None, str | None, type[DataFactoryError]]] = [
    (
        404,
        "NotFound",
        "The document could not be retrieved because it does not exist.",
        "/x",
        ResourceNotFound,
    ),
    (404, "EntityNotFound", "The document could not be retrieved.", "/x", ResourceNotFound),
    (
        400,
        "ReferencedPipelineRunNotFound",
        "Referenced pipeline run id x does not exist.",
        "p",
        RunNotFound,
    ),
    (400, "ReferencedPipelineRunNotValid", "Referenced pipeline run id {} is not valid.", "p", BadRequest),
    (400, "BadRequest", "Missing parameter definition for 'a','b'", "Pipeline/p", BadRequest),
    (400, "BadRequest", None, None, BadRequest),
    (400, "BadRequest", "null", None, BadRequest),
    (409, "DataFactoryNameInUse", "The specified resource name 'x' is already in use.", "x", Refused),
    (404, "ResourceNotFound", "The Resource 'x' was not found.", None, ScopeNotFound),
    (404, "ResourceGroupNotFound", "Resource group 'x' could not be found.", None, ScopeNotFound),
    (404, "SubscriptionNotFound", "The subscription 'x' could not be found.", None, ScopeNotFound),
    (404, "InvalidSubscriptionId", "The provided subscription identifier is malformed.", None, ScopeNotFound),
    (404, "InvalidResourceType", "The resource type could not be found.", None, ScopeNotFound),
    (501, "NotImplemented", "To validate is not implemented.", "x", Refused),
    (404, "InvalidResourceNamespace", "The resource namespace is invalid.", None, ScopeNotFound),
    (409, "ResourceGroupBeingDeleted", "The resource group is in deprovisioning state.", None, ScopeNotFound),
    (409, "ScopeLocked", "The scope 'x' cannot perform write operation.", None, ScopeLocked),
    (409, "ReadOnlyDisabledSubscription", "The subscription is disabled.", None, SubscriptionUnusable),
    (403, "ReadOnlyDisabledSubscription", "The subscription is disabled.", None, SubscriptionUnusable),
    (403, "DisabledSubscription", "The subscription is disabled.", None, SubscriptionUnusable),
    (400, "MissingApiVersionParameter", "The api-version is required.", None, SubscriptionUnusable),
    (400, "InvalidApiVersionParameter", "The api-version 'x' is invalid.", None, SubscriptionUnusable),
    (400, "NoRegisteredProviderFound", "No registered provider found.", None, SubscriptionUnusable),
    (409, "MissingSubscriptionRegistration", "It is not registered.", None, SubscriptionUnusable),
    (409, "SubscriptionNotRegistered", "It is not registered.", None, SubscriptionUnusable),
    (
        400,
        "BadRequest",
        "Api version '2018-06-01' is not available for your subscription. Please contact support.",
        None,
        SubscriptionUnusable,
    ),
    (409, "QuotaExceeded", "The quota is used up.", None, QuotaExceeded),
    (400, "ResourceQuotaExceeded", "The quota is used up.", None, QuotaExceeded),
    (
        400,
        "BadRequest",
        "Pipeline execution throttled. A maximum of 100 runs will be queued for execution.",
        "Pipeline/p",
        PipelineQueueFull,
    ),
    (400, "BadRequest", "Reached maximum number of concurrent runs per pipeline", "p", PipelineQueueFull),
    (401, "AuthenticationFailed", "The 'Authorization' header is missing.", None, Unauthorized),
    (401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier.", None, Unauthorized),
    (401, "InvalidAuthenticationToken", "The access token is invalid.", None, Unauthorized),
    (
        401,
        "InvalidAuthenticationTokenTenant",
        "The access token is from the wrong issuer.",
        None,
        Unauthorized,
    ),
    (403, "LinkedAuthorizationFailed", "The client 'x' has no permission.", None, Forbidden),
    (403, "AuthorizationFailed", "The client 'x' does not have authorization.", None, Forbidden),
    (412, "PreconditionFailed", "The ETag has moved on.", None, PreconditionFailed),
    (429, "SubscriptionRequestsThrottled", "Number of 'read' requests exceeded.", None, Throttled),
    (429, "TooManyRequests", "Too many.", None, Throttled),
    (500, "InternalServerError", "Internal error has occurred.", None, UnknownOutcome),
    (503, "ServiceUnavailable", "Try later.", None, UnknownOutcome),
]


@pytest.mark.parametrize("length", [5_900, 50_000])
def test_a_long_error_keeps_both_ends(client: DataFactoryClient, service: Service, length: int) -> None:
    """A cause may be at either end of it; a text within the limit is kept whole."""
    said = f"The pipeline is refused: {'x' * length} Cause: no such dataset"
    service.answers(answer(400, {"error": {"code": "BadRequest", "message": said}}))
    with pytest.raises(BadRequest) as caught:
        START(client)
    text = str(caught.value)
    assert "The pipeline is refused: x" in text
    assert text.endswith("x Cause: no such dataset")
    assert (said in text) is (length < 8_000)


@pytest.mark.parametrize(("status", "code", "message", "target", "kind"), KNOWN)
def test_each_known_error_has_its_class(
    client: DataFactoryClient,
    service: Service,
    status: int,
    code: str,
    message: str | None,
    target: str | None,
    kind: type[DataFactoryError],
) -> None:
    """The class says whether the call had its effect, and the error keeps code, text, target and ids."""
    error = {"code": code, "message": message}
    if target is not None:
        error |= {"target": target, "details": None}
    service.answers(
        answer(status, {"error": error}, x_ms_request_id="r-1", x_ms_correlation_request_id="c-1")
    )
    with pytest.raises(DataFactoryError) as caught:
        CHANGES["put"](client)
    assert type(caught.value) is kind
    found = caught.value
    assert (found.status, found.code, found.target) == (status, code, target)
    assert (found.request_id, found.correlation_id) == ("r-1", "c-1")
    assert found.client_request_id == service.calls[-1].headers["x-ms-client-request-id"]
    assert ("no message" if message in {None, "null"} else message or "") in str(found)


def test_every_code_of_the_map_is_tested_here() -> None:
    """The map and the list above have the same codes."""
    tried = {code for status, code, *_ in KNOWN if status < 500}
    assert set(failures._BY_CODE) | set(failures._UNUSABLE_BY_CODE) | {"PreconditionFailed"} == tried


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>not found</html>", ScopeNotFound),
        ("", ScopeNotFound),
        ({"error": {"code": "Whatever", "message": "no such thing"}}, ScopeNotFound),
        ({"error": {"code": "Whatever", "message": "no such thing", "target": f"{FACTORY}"}}, ScopeNotFound),
        ({"error": {"code": "NotFound", "message": "x", "target": f"{FACTORY}/"}}, ScopeNotFound),
        ({"error": {"code": "ResourceNotFound", "message": "x", "target": "/x"}}, ScopeNotFound),
        (
            {"error": {"code": "Whatever", "message": "x", "target": f"{FACTORY}/pipelines/p"}},
            ResourceNotFound,
        ),
        ({"error": {"code": "NotFound", "message": "x"}}, ResourceNotFound),
    ],
)
@pytest.mark.parametrize("name", EVERY)
def test_only_data_factory_itself_reports_a_missing_run(
    client: DataFactoryClient, service: Service, name: str, body: Any, kind: type[DataFactoryError]
) -> None:
    """404 of another sender, or of the factory as a whole, says nothing about its runs."""
    service.answers(answer(404, body))
    with pytest.raises(Refused) as caught:
        EVERY[name](client)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "status", [status.value for status in HTTPStatus if status >= 400] + [418, 499, 520, 599]
)
@pytest.mark.parametrize("name", EVERY)
def test_every_status_has_its_class(
    client: DataFactoryClient, service: Service, name: str, status: int
) -> None:
    """4xx is definite but for 408 and 499 (and 409 where nothing is changed); all else is an unclear outcome."""
    service.answers(answer(status, {"error": {"code": "Whatever", "message": "no"}}))
    with pytest.raises(DataFactoryError) as caught:
        EVERY[name](client)
    unclear = status >= 500 or status in {408, 499} or (status == 409 and name in {"start", "read"})
    expected = Refused if not unclear else Unavailable if name == "read" else UnknownOutcome
    assert isinstance(caught.value, expected)
    assert caught.value.status == status


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("status", [205, 301, 302, 307, 308])
def test_a_redirect_is_no_reply_and_is_not_followed(
    client: DataFactoryClient, service: Service, name: str, status: int
) -> None:
    """The API never redirects; the target of a redirect does not get the token."""
    service.answers(answer(status, None, location="https://login.example.com/"))
    with pytest.raises(Unavailable if name == "read" else UnknownOutcome):
        EVERY[name](client)
    assert {(call.url or "").partition("?")[0][:28] for call in service.calls} == {
        "https://management.azure.com"
    }


@pytest.mark.parametrize("code", [None, "Conflict", "RunExists"])
def test_a_conflict_of_a_create_run_may_be_its_own_earlier_call(
    client: DataFactoryClient, service: Service, code: str | None
) -> None:
    """409 on createRun is no rejection where the Resource Manager has no such code."""
    service.answers(answer(409, {"error": {"code": code, "message": "exists"}}))
    with pytest.raises(UnknownOutcome):
        START(client)


@pytest.mark.parametrize(
    ("status", "code"),
    [(status, code) for status, code, _, _, kind in KNOWN if issubclass(kind, FactoryUnusable)],
)
@pytest.mark.parametrize("name", EVERY)
def test_an_error_of_the_factory_says_nothing_against_the_request(
    client: DataFactoryClient, service: Service, name: str, status: int, code: str
) -> None:
    """After a lock, a missing role or scope createRun has not happened, and the same request may succeed later."""
    texts = [message for _, each, message, _, _ in KNOWN if each == code]
    service.answers(answer(status, {"error": {"code": code, "message": texts[-1]}}))
    with pytest.raises(FactoryUnusable if code != "BadRequest" else Refused):
        EVERY[name](client)


@pytest.mark.parametrize("name", WITH_EFFECT)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_a_call_with_an_effect_is_sent_once(
    client: DataFactoryClient, service: Service, name: str, status: int
) -> None:
    """Even a Retry-After does not make the client repeat it."""
    service.answers(answer(status, None, retry_after="0"))
    with pytest.raises(DataFactoryError):
        WITH_EFFECT[name](client)
    assert len(service.calls) == 1


BODIES: list[tuple[Any, str | None, str, str | None]] = [
    ({"error": {"code": "A", "message": "m", "target": "t", "details": None}}, "A", "m", "t"),
    ({"error": {"code": "A", "message": "m"}}, "A", "m", None),
    ({"code": "A", "message": "m"}, "A", "m", None),
    ({"Code": "A", "Message": "m"}, "A", "m", None),
    ({"Message": "m"}, None, "m", None),
    ({"error": "invalid_request", "error_description": "m"}, "invalid_request", "m", None),
    ({"error": {"code": "A", "message": None}}, "A", "no message", None),
    ({"error": None}, None, "no message", None),
    ({"error": {"code": 7, "message": ["x"], "target": {}}}, None, "no message", None),
    ([], None, "no message", None),
    (
        {"error": {"code": "A", "message": "m", "details": [{"code": "B", "message": "d"}, 7]}},
        "A",
        "m; d",
        None,
    ),
    (
        {"error": {"code": "A", "message": "m", "details": [{"error": {"code": "B", "message": "d"}}]}},
        "A",
        "m; d",
        None,
    ),
    ("<html><title>502</title></html>", None, "a body that is not JSON (text/html)", None),
    ("", None, "no body", None),
    ("[" * 100_000, None, "a body that is not JSON (text/html)", None),
]


@pytest.mark.parametrize(("body", "code", "message", "target"), BODIES)
def test_each_shape_of_an_error_body_is_read(
    body: Any, code: str | None, message: str, target: str | None
) -> None:
    """Data Factory's shape, the Resource Manager's, flat ones, a proxy's page, and none at all."""
    text = body if isinstance(body, str) else json.dumps(body)
    reply = Reply(400, {"content-type": "text/html; charset=utf-8"}, text.encode())
    error = error_of(call_of(Effect.NONE), reply, now=NOW, secret=TOKEN)
    kind = Unavailable if code is None else BadRequest
    assert (type(error), error.code, error.target) == (kind, code, target)
    assert str(error) == f"Some_Operation: HTTP 400 {code or 'Bad Request'}: {message}"


def test_a_long_message_is_truncated() -> None:
    """An error is read by people and kept in the ledger."""
    body = json.dumps({"error": {"code": "c" * 9_000, "message": "m" * 9_000, "target": "t" * 9_000}})
    error = error_of(call_of(Effect.NONE), Reply(400, {}, body.encode()), now=NOW, secret=TOKEN)
    assert len(str(error)) < 10_100
    assert len(error.target or "") == 2_000


@settings(max_examples=300)
@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "code", "message", "target", "details", "Message"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "content-type",
                "retry-after",
                "x-ms-request-id",
                "x-ms-ratelimit-remaining-subscription-reads",
            ]
        ),
        st.text(max_size=30),
    ),
    effect=st.sampled_from(Effect),
)
def test_every_reply_is_an_error_of_the_tree(
    status: int, body: bytes, headers: dict[str, str], effect: Effect
) -> None:
    """Any content of a reply becomes one error of the right half of the tree."""
    error = error_of(call_of(effect), Reply(status, headers, body), now=NOW, secret=TOKEN)
    definite = isinstance(error, Refused)
    assert definite or isinstance(error, Unavailable if effect is Effect.NONE else UnknownOutcome)
    assert definite <= (400 <= status < 500)
    assert error.status == status
    assert error.retry_after is None or 0 <= error.retry_after <= 86_400


@settings(max_examples=100)
@given(body=st.binary(max_size=300), status=st.sampled_from([200, 201, 202, 204, 304]))
def test_an_unreadable_success_is_an_error_of_the_tree(body: bytes, status: int) -> None:
    """Whatever bytes a success holds, the caller gets an error of the tree alone."""
    with served(Service(lambda _: (status, {}, body))):
        client = DataFactoryClient(FACTORY, management_api(Tokens([TOKEN])))
        for name, act in EVERY.items():
            try:
                act(client)
            except DataFactoryError as error:
                assert isinstance(error, Unavailable if name == "read" else UnknownOutcome)  # noqa: PT017  # some succeed


def test_a_throttled_call_has_the_time_to_wait(client: DataFactoryClient, service: Service) -> None:
    """The caller decides how to use the time."""
    service.answers(answer(429, {"error": {"code": "TooManyRequests", "message": "x"}}, retry_after="33"))
    with pytest.raises(Throttled) as caught:
        START(client)
    assert caught.value.retry_after == 33


def test_a_garbled_reply_keeps_the_ids() -> None:
    """The service's support asks for them."""
    reply = Reply(200, {"x-ms-request-id": "r-1", "x-ms-correlation-request-id": "c-1"}, b"{")
    error = garbled(call_of(Effect.START), reply, "its body is not JSON")
    assert (error.request_id, error.correlation_id, error.status) == ("r-1", "c-1", 200)


def test_no_error_repeats_the_token(client: DataFactoryClient, service: Service) -> None:
    """A proxy that echoes the request in its error page does not bring the token into logs and records."""
    error = {"code": f"C-{TOKEN}", "message": f"Authorization: Bearer {TOKEN}", "target": TOKEN}
    service.answers(answer(400, {"error": error}))
    with pytest.raises(BadRequest) as caught:
        START(client)
    texts = [
        str(caught.value),
        repr(caught.value),
        caught.value.message,
        *map(str, vars(caught.value).values()),
    ]
    assert not [text for text in texts if TOKEN in text]
    assert "***" in str(caught.value)
