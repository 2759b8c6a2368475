"""The client on an emulated factory with injected faults, signed in with the real azure-identity."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr

from adf_trigger.azure.clouds import PUBLIC
from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import CredentialSettings, TokenProvider
from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.clock import utcnow
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi, RetryPolicy
from adf_trigger.datafactory.models import FieldFilter, RunFilter, TimeWindow, items_of
from adf_trigger.datafactory.resources import Factories
from adf_trigger.datafactory.transport import Transport
from adf_trigger.datafactory.v1 import create_or_update_data_factory
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.emulator.hosting.emulated import Emulated
from adf_trigger.errors import (
    CredentialError,
    Forbidden,
    ResourceNotFound,
    ScopeNotFound,
    Throttled,
    Unauthorized,
    Unavailable,
    UnknownOutcome,
)
from tests.integration.datafactory.target import IDENTITY_HEADER, SECRET, ended, service_principal

FACTORY = FactoryId.parse(FACTORY_ID)
PIPELINE = "On emulator"
SCOPE = PUBLIC.token_scope

Control = Callable[..., Any]
Signer = Callable[..., DataFactoryClient]


@pytest.fixture
def control(azure: Emulated) -> Iterator[Control]:
    """Calls the emulator's control API; the emulator is reset after the test."""
    with httpx.Client(base_url=azure.control_url, timeout=60, trust_env=False) as http:

        def call(path: str, *, method: str = "POST", **body: Any) -> Any:
            reply = http.request(method, path, json=body)
            assert reply.is_success, reply.text
            return reply.json() if reply.content else None

        yield call
        call("/reset", keep="resources")


@pytest.fixture
def signed_in(azure: Emulated) -> Iterator[Signer]:
    """Makes clients of the factory for an identity, over plain http."""
    with ExitStack() as opened:

        def make(credential: CredentialSettings | None = None) -> DataFactoryClient:
            tokens = TokenProvider.of(credential or service_principal(azure), SCOPE)
            opened.callback(tokens.close)
            transport = opened.enter_context(Transport(azure.management_url))
            policy = RetryPolicy(attempts=3, wait_initial=0.01, wait_max=0.01, wait_jitter=0)
            return DataFactoryClient(FACTORY, ManagementApi(transport, tokens, retries=policy))

        yield make


@pytest.fixture
def client(signed_in: Signer) -> DataFactoryClient:
    """The owner's client, with a pipeline that can be run."""
    found = signed_in()
    wait = {"name": "Wait1", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}}
    found.pipelines.create_or_update(PIPELINE, {"activities": [wait]})
    return found


def exists(client: DataFactoryClient, run_id: UUID) -> bool:
    """Whether the factory has the run."""
    try:
        client.get_run(run_id)
    except ResourceNotFound:
        return False
    return True


@pytest.mark.parametrize(
    ("fault", "when", "started"),
    [
        ("reset", "before", False),
        ("reset", "after", True),
        ("drop", "before", False),
        ("drop", "after", True),
        ("truncate", "after", True),
    ],
)
def test_a_broken_create_run_may_or_may_not_have_started(
    client: DataFactoryClient, control: Control, fault: str, when: str, *, started: bool
) -> None:
    """The error is the same whether the run started or not; only a read of the chosen id shows which."""
    control("/faults", rules=[{"operation": "CreateRun", "fault": fault, "when": when, "count": 1}])
    chosen = uuid4()
    with pytest.raises(UnknownOutcome):
        client.create_run(PIPELINE, {}, client_request_id=chosen)
    assert exists(client, chosen) is started


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_unclear_answer_to_create_run_is_an_unknown_outcome(
    client: DataFactoryClient, control: Control, status: int, when: str
) -> None:
    """One call reached the factory, whatever it answered, and it was not sent again."""
    rule = {"operation": "CreateRun", "fault": "status", "status": status, "when": when, "code": "Fault"}
    control("/faults", rules=[rule | {"retry_after": 0}])
    control("/requests", method="DELETE")
    chosen = uuid4()
    with pytest.raises(UnknownOutcome) as caught:
        client.create_run(PIPELINE, {}, client_request_id=chosen)
    assert (caught.value.status, caught.value.code) == (status, "Fault")
    assert control("/requests", method="GET")["counts"]["CreateRun"] == 1
    assert exists(client, chosen) is (when == "after")


def test_a_throttled_create_run_started_nothing(client: DataFactoryClient, control: Control) -> None:
    """The error gives the time to wait, and no run was started."""
    rule = {"operation": "CreateRun", "fault": "status", "status": 429, "retry_after": 17, "count": 1}
    control("/faults", rules=[rule])
    chosen = uuid4()
    with pytest.raises(Throttled) as caught:
        client.create_run(PIPELINE, {}, client_request_id=chosen)
    assert caught.value.retry_after == 17
    assert not exists(client, chosen)


def test_the_same_id_again_is_the_same_run_where_ids_are_honoured(client: DataFactoryClient) -> None:
    """A repeated createRun with the same id returns the same run, as recorded calls suggest."""
    chosen = uuid4()
    first = client.create_run(PIPELINE, {}, client_request_id=chosen)
    assert client.create_run(PIPELINE, {}, client_request_id=chosen).run_id == first.run_id == chosen


def test_the_same_id_again_is_an_unknown_outcome_where_repeats_are_rejected(
    client: DataFactoryClient, control: Control
) -> None:
    """The conflict may be with the caller's own earlier call, so it is no rejection."""
    control("/client-request-id", mode="repeat-refused")
    chosen = uuid4()
    client.create_run(PIPELINE, {}, client_request_id=chosen)
    with pytest.raises(UnknownOutcome) as caught:
        client.create_run(PIPELINE, {}, client_request_id=chosen)
    assert caught.value.status == 409


def test_the_reply_gives_the_id_where_ids_are_ignored(client: DataFactoryClient, control: Control) -> None:
    """The id of the run is the one in the reply."""
    control("/client-request-id", mode="ignored")
    chosen = uuid4()
    created = client.create_run(PIPELINE, {}, client_request_id=chosen)
    assert created.run_id != chosen
    assert exists(client, created.run_id)
    assert not exists(client, chosen)


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "status", "status": 503, "retry_after": 0},
        {"fault": "status", "status": 429},
        {"fault": "reset"},
        {"fault": "drop"},
        {"fault": "truncate"},
    ],
    ids=lambda rule: rule["fault"] + str(rule.get("status", "")),
)
def test_a_broken_read_is_repeated(client: DataFactoryClient, control: Control, rule: dict[str, Any]) -> None:
    """The client retries two failures in a row; the third is raised to the caller."""
    created = client.create_run(PIPELINE, {}, client_request_id=uuid4())
    control("/faults", rules=[rule | {"operation": "GetRun", "count": 2}])
    assert client.get_run(created.run_id).run_id == created.run_id
    control("/faults", rules=[rule | {"operation": "GetRun", "count": 3}])
    with pytest.raises((Unavailable, Throttled)):
        client.get_run(created.run_id)


@pytest.mark.parametrize("fault", ["reset", "drop", "truncate"])
def test_a_broken_put_is_an_unknown_outcome(client: DataFactoryClient, control: Control, fault: str) -> None:
    """The document was stored although the reply is an error."""
    control("/faults", rules=[{"operation": "PutPipeline", "fault": fault, "when": "after", "count": 1}])
    with pytest.raises(UnknownOutcome):
        client.pipelines.create_or_update(PIPELINE, {"activities": []})
    assert client.get_pipeline(PIPELINE).properties["activities"] == []


@pytest.mark.parametrize("fault", ["reset", "drop"])
def test_a_broken_cancel_is_an_unknown_outcome(
    client: DataFactoryClient, control: Control, fault: str
) -> None:
    """The run is cancelled although the reply is an error."""
    control("/progression", mode="held")
    created = client.create_run(PIPELINE, {}, client_request_id=uuid4())
    control("/faults", rules=[{"operation": "CancelRun", "fault": fault, "when": "after", "count": 1}])
    with pytest.raises(UnknownOutcome):
        client.cancel_run(created.run_id)
    assert ended(client, created.run_id).status == "Cancelled"


def test_all_pages_of_runs_are_read(client: DataFactoryClient, control: Control) -> None:
    """A page holds a hundred runs, and the client follows the continuation tokens to the last page."""
    control("/progression", mode="at-once")
    started = {client.create_run(PIPELINE, {}, client_request_id=uuid4()).run_id for _ in range(205)}
    now = utcnow()
    only = FieldFilter(operand="PipelineName", operator="Equals", values=(PIPELINE,))
    window = RunFilter(
        last_updated_after=now - timedelta(hours=1),
        last_updated_before=now + timedelta(hours=1),
        filters=(only,),
    )
    pages = list(client.query_runs(window))
    assert [len(page.items) for page in pages] == [100, 100, 5]
    assert {run.run_id for page in pages for run in page.items} == started
    assert all(page.remaining_reads is not None for page in pages)


def test_all_pages_of_activity_runs_are_read(client: DataFactoryClient) -> None:
    """The 120 activity runs of a loop span more than one page, and all are read."""
    inner = {"name": "Wait1", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}}
    loop = {
        "name": "Each",
        "type": "ForEach",
        "typeProperties": {
            "items": {"type": "Expression", "value": "@range(0, 120)"},
            "batchCount": 50,
            "activities": [inner],
        },
    }
    client.pipelines.create_or_update("Loop on emulator", {"activities": [loop]})
    created = client.create_run("Loop on emulator", {}, client_request_id=uuid4())
    ended(client, created.run_id)
    now = utcnow()
    window = TimeWindow(now - timedelta(hours=1), now + timedelta(hours=1))
    found = items_of(client.query_activity_runs(created.run_id, window=window))
    assert len([run for run in found if run.activity_name == "Wait1"]) == 120
    assert len(found) == 121


def test_all_pages_of_a_list_are_read(client: DataFactoryClient, control: Control) -> None:
    """The client follows nextLink to the last page."""
    control("/options", method="PATCH", page_size=2)
    names = {f"Page {number}" for number in range(5)}
    for name in names:
        client.pipelines.create_or_update(name, {"activities": []})
    assert names <= {pipeline.name for pipeline in client.list_pipelines()}


def test_a_factory_is_created_listed_and_deleted(azure: Emulated) -> None:
    """The owner creates, lists and deletes a factory over https."""
    tokens = TokenProvider.of(service_principal(azure), SCOPE)
    with Transport(azure.management_tls_url, ca_file=Path(azure.ca_file)) as transport:
        api = ManagementApi(transport, tokens)
        factory = replace(FACTORY, name=f"adf-{uuid4().hex[:12]}")
        client = DataFactoryClient(factory, api)
        created = client.create_or_update_factory(location="East US", tags={"team": "data"})
        assert (created.provisioning_state, created.tags) == ("Succeeded", {"team": "data"})
        listed = Factories(api).list(UUID(factory.subscription_id), factory.resource_group)
        assert factory.name in {each.name for each in listed}
        assert client.delete_factory() is True
        assert client.delete_factory() is False
    tokens.close()


def test_a_factory_of_the_first_version_is_created_or_switched_off(azure: Emulated, control: Control) -> None:
    """Replies have the documented headers; switched off, the type is unknown, as in today's service."""
    tokens = TokenProvider.of(service_principal(azure), SCOPE)
    with Transport(azure.management_url) as transport:
        api = ManagementApi(transport, tokens)
        factory = replace(FACTORY, name=f"v1-{uuid4().hex[:12]}")
        created = create_or_update_data_factory(api, factory, location="West US", tags={})
        assert created.name == factory.name
        assert created.properties["provisioningState"] == "Succeeded"
        assert created.reply.request_id
        assert created.reply.routing_request_id
        assert created.reply.remaining_writes is not None
        assert created.reply.date
        control("/options", method="PATCH", v1=False)
        with pytest.raises(ScopeNotFound) as caught:
            create_or_update_data_factory(api, factory, location="West US")
        assert caught.value.code == "InvalidResourceType"
    tokens.close()


def test_an_identity_without_a_role_is_forbidden(signed_in: Signer, azure: Emulated) -> None:
    """The error names the missing action and the scope."""
    without_role = signed_in(service_principal(azure, defaults.NOBODY_CLIENT_ID))
    with pytest.raises(Forbidden, match="does not have authorization") as caught:
        without_role.get_factory()
    assert caught.value.code == "AuthorizationFailed"
    reader = signed_in(service_principal(azure, defaults.READER_CLIENT_ID))
    reader.get_factory()
    with pytest.raises(Forbidden):
        reader.create_run(PIPELINE, {}, client_request_id=uuid4())


def test_a_token_of_another_tenant_is_rejected(signed_in: Signer, azure: Emulated) -> None:
    """A token of another tenant is rejected, even a new one."""
    stranger = service_principal(azure, defaults.STRANGER_CLIENT_ID)
    with pytest.raises(Unauthorized) as caught:
        signed_in(replace(stranger, tenant_id=defaults.OTHER_TENANT_ID)).get_factory()
    assert caught.value.code == "InvalidAuthenticationTokenTenant"


def test_a_rejected_token_is_replaced_and_the_run_starts_once(
    client: DataFactoryClient, azure: Emulated, control: Control
) -> None:
    """createRun is sent twice, is rejected once, and starts one run."""

    class FirstOneSpoilt:
        def __init__(self, tokens: TokenProvider) -> None:
            self._tokens = tokens
            self.spoilt = True

        def token(self) -> str:
            token = self._tokens.token()
            return f"{token}x" if self.spoilt else token

        def invalidate(self, token: str) -> None:
            self._tokens.invalidate(token)
            self.spoilt = False

    tokens = TokenProvider.of(service_principal(azure), SCOPE)
    chosen = uuid4()
    control("/requests", method="DELETE")
    with Transport(azure.management_url) as transport:
        spoilt = DataFactoryClient(FACTORY, ManagementApi(transport, FirstOneSpoilt(tokens)))
        assert spoilt.create_run(PIPELINE, {}, client_request_id=chosen).run_id == chosen
    tokens.close()
    assert control("/requests", method="GET")["counts"]["CreateRun"] == 2
    assert exists(client, chosen)


@pytest.mark.parametrize("kind", ["secret", "certificate", "system-assigned", "user-assigned"])
def test_each_kind_of_identity_reaches_the_factory(
    signed_in: Signer, azure: Emulated, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The real azure-identity gets a token, and the factory accepts it."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", azure.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
    principal = service_principal(azure)
    managed = CredentialSettings(kind=CredentialKind.MANAGED_IDENTITY)
    credential = {
        "secret": principal,
        "certificate": replace(
            principal, client_secret=None, certificate_path=Path(azure.client_certificate_file)
        ),
        "system-assigned": managed,
        "user-assigned": replace(managed, client_id=defaults.USER_ASSIGNED_CLIENT_ID),
    }[kind]
    assert signed_in(credential).get_factory().name == FACTORY.name


def test_a_new_token_is_fetched_after_a_rejection(azure: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credential's own cache does not return the rejected token again."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", azure.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
    for credential in (CredentialSettings(kind=CredentialKind.MANAGED_IDENTITY), service_principal(azure)):
        tokens = TokenProvider.of(credential, SCOPE)
        first = tokens.token()
        assert tokens.token() == first
        tokens.invalidate(first)
        assert tokens.token() != first
        tokens.close()


def test_a_wrong_secret_is_reported_with_entras_reason_and_without_the_secret(
    signed_in: Signer, azure: Emulated, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is sent to the factory, and the secret appears nowhere."""
    caplog.set_level("DEBUG")
    wrong = replace(service_principal(azure), client_secret=SecretStr("not-the-secret-at-all"))
    with pytest.raises(CredentialError, match="AADSTS7000215") as caught:
        signed_in(wrong).get_factory()
    texts = [str(caught.value), *(f"{record.getMessage()} {vars(record)}" for record in caplog.records)]
    assert not [text for text in texts if "not-the-secret-at-all" in text or SECRET in text]


def test_an_authority_that_is_not_trusted_gets_no_secret(signed_in: Signer, azure: Emulated) -> None:
    """Without the CA file the certificate of the authority is not trusted."""
    with pytest.raises(CredentialError, match="CERTIFICATE_VERIFY_FAILED"):
        signed_in(replace(service_principal(azure), ca_file=None)).get_factory()
