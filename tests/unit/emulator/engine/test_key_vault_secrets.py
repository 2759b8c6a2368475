"""Secrets of a Key Vault: configured in the emulator, or read from the vault."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.common.models import ActivityRun
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult
from adf_trigger.emulator.engine.secrets import GivenSecrets, Secrets
from tests.support.engine_factory import FACTORY_ID, Factory, activity, expression

VALUE = "very-s3cret"
NOT_FOUND = "A secret with (name/id) key was not found in this key vault."


def secret(name: Any = "key", **others: Any) -> dict[str, Any]:
    """An AzureKeyVaultSecret."""
    return {
        "type": "AzureKeyVaultSecret",
        "store": {"referenceName": "Vault", "type": "LinkedServiceReference"},
        "secretName": name,
        **others,
    }


class Vault:
    """Answers as a vault on the network, and records its requests."""

    def __init__(self, *replies: httpx.Response | Exception) -> None:
        self._replies = list(replies)
        self.asked: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self._replies.pop(0) if self._replies else httpx.Response(200, json={"value": VALUE})
        if isinstance(reply, Exception):
            raise reply
        return reply

    def serve(self, factory: Factory) -> None:
        """Answer the factory's HTTP client."""
        factory.http = httpx.AsyncClient(transport=httpx.MockTransport(self), trust_env=False)


@pytest.fixture
def stored(factory: Factory) -> Factory:
    """A factory with a vault, and a store whose linked service uses a secret of it."""
    factory.definitions.linked_services["vault"] = {
        "type": "AzureKeyVault",
        "typeProperties": {"baseUrl": "https://mine.vault.azure.net/"},
    }
    factory.definitions.linked_services["store"] = {
        "type": "AzureBlobStorage",
        "parameters": {"env": {"type": "String", "defaultValue": "dev"}},
        "typeProperties": {"connectionString": secret(), "plain": "x"},
    }
    return factory


def linked_service(factory: Factory, given: Secrets | None = None) -> dict[str, Any] | ActivityRun:
    """The evaluated linked service of an activity, or the activity run that failed to get it."""
    found: list[dict[str, Any]] = []

    async def probe(context: ActivityContext) -> ActivityResult:
        _, properties = await context.linked_service({"referenceName": "Store"})
        found.append(properties)
        return ActivityResult()

    factory.registry = activity_types(execution={"Probe": probe})
    factory.define("P", activity("A", "Probe"))
    factory.engine.secrets.replace(given or {})
    run = factory.run("P")
    return found[0] if found else factory.rows(run)["A"]


def message(factory: Factory) -> str:
    """The error of the activity that requests the linked service."""
    row = linked_service(factory)
    assert isinstance(row, ActivityRun)
    assert VALUE not in repr(row)
    return str(row.error["message"])


def test_a_configured_secret_is_used_in_any_case_and_no_vault_is_called(stored: Factory) -> None:
    """Names of linked service and secret are compared without case; it stands for every version."""
    given = {"VAULT": {"Key": SecretStr(VALUE)}}
    properties = stored.definitions.linked_services["store"]["typeProperties"]
    properties["connectionString"] = secret("kEY", secretVersion="2")

    assert linked_service(stored, given) == {"connectionString": VALUE, "plain": "x"}


def test_other_secrets_are_read_from_the_vault_as_the_factorys_identity(stored: Factory) -> None:
    """GET {baseUrl}/secrets/{name} with a token for Key Vault."""
    vault = Vault()
    vault.serve(stored)
    given = {"vault": {"other": SecretStr("o")}, "elsewhere": {"key": SecretStr("e")}}

    assert linked_service(stored, given) == {"connectionString": VALUE, "plain": "x"}

    (asked,) = vault.asked
    assert str(asked.url) == "https://mine.vault.azure.net/secrets/key?api-version=7.4"
    assert asked.headers["authorization"] == "Bearer token for https://vault.azure.net"
    assert {asked.extensions["timeout"][kind] for kind in ("connect", "read")} == {10.0, 20.0}


def test_name_version_and_vault_may_be_expressions(stored: Factory) -> None:
    """Each is evaluated in its own scope, once: its result is not evaluated again."""
    vault = Vault()
    vault.serve(stored)
    stored.definitions.linked_services["vault"] |= {
        "parameters": {"name": {"type": "String"}},
        "typeProperties": {"baseUrl": "https://@{linkedService().name}.example/"},
    }
    stored.definitions.linked_services["store"]["typeProperties"]["connectionString"] = secret(
        expression("@concat('key/', linkedService().env)"),
        secretVersion=expression("@toLower('V1')"),
        store={
            "referenceName": "vault",
            "type": "LinkedServiceReference",
            "parameters": {"name": expression("@concat('@', linkedService().env)")},
        },
    )

    linked_service(stored)

    (asked,) = vault.asked
    assert asked.url.raw_path == b"/secrets/key%2Fdev/v1?api-version=7.4"
    assert asked.url.host == "dev.example"
    assert asked.url.username == ""


def test_secrets_are_found_at_any_depth(stored: Factory) -> None:
    """In an activity's own properties, in lists, beside SecureStrings; each is read."""
    vault = Vault()
    vault.serve(stored)
    written = {
        "a": [secret("one"), {"b": secret("two")}],
        "c": {"type": "SecureString", "value": "s"},
        "d": 1,
    }
    found: list[Any] = []

    async def probe(context: ActivityContext) -> ActivityResult:
        found.append(await context.reveal(context.evaluate(context.type_properties)))
        return ActivityResult()

    stored.registry = activity_types(execution={"Probe": probe})
    stored.define("P", activity("A", "Probe", written))
    stored.run("P")

    assert found == [{"a": [VALUE, {"b": VALUE}], "c": "s", "d": 1}]
    assert [request.url.path for request in vault.asked] == ["/secrets/one", "/secrets/two"]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (httpx.Response(404, json={"error": {"code": "SecretNotFound", "message": NOT_FOUND}}), NOT_FOUND),
        (httpx.Response(403, json={"error": {"code": "Forbidden", "message": "Denied."}}), "Denied."),
        (httpx.Response(401), "Operation returned an invalid status code '401'."),
        (httpx.Response(302, headers={"location": "/"}), "Operation returned an invalid status code '302'."),
        (httpx.Response(500, json=[VALUE]), "Operation returned an invalid status code '500'."),
        (httpx.Response(500, json={"error": VALUE}), "Operation returned an invalid status code '500'."),
        (httpx.Response(200, text=VALUE), "The vault's reply has no value."),
        (httpx.Response(200, json={"value": {"not": VALUE}}), "The vault's reply has no value."),
        (httpx.ConnectError("no such host"), "The vault cannot be reached: ConnectError."),
        (httpx.ReadTimeout("slow"), "The vault cannot be reached: ReadTimeout."),
    ],
)
def test_an_error_of_the_vault_fails_the_activity_by_name(
    reply: httpx.Response | Exception, why: str, stored: Factory
) -> None:
    """The text is that of real runs, with the linked service."""
    Vault(reply).serve(stored)

    assert message(stored) == (
        "Failed to get the secret from key vault, secretName: key, secretVersion: , "
        f"vaultBaseUrl: https://mine.vault.azure.net/. The error message is: {why} "
        "The linked service is 'Vault'."
    )


def test_a_reply_that_never_ends_is_abandoned(stored: Factory) -> None:
    """The limit of half a minute covers the whole reply, not each piece."""

    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    stored.http = httpx.AsyncClient(transport=httpx.MockTransport(hang), trust_env=False)

    assert "The vault cannot be reached: TimeoutError." in message(stored)
    assert stored.loop.time() == 30


def test_an_invalid_url_is_reported(stored: Factory) -> None:
    """A template's placeholder is one, for instance."""
    stored.http = httpx.AsyncClient(trust_env=False)
    stored.definitions.linked_services["vault"]["typeProperties"]["baseUrl"] = "<your vault>"

    assert "vaultBaseUrl: <your vault>. The error message is: The vault cannot be reached" in message(stored)


def test_a_factory_without_an_identity_cannot_read_a_vault(stored: Factory) -> None:
    """The error of the token names its purpose."""

    async def refuse(_factory_id: str, _resource: str) -> str:
        raise ActivityFailed("The data factory has no identity.", error_code="ManagedIdentityNotFound")

    stored.token = refuse

    said = message(stored)

    assert "secretName: key," in said
    assert "The error message is: The data factory has no identity. The linked service is 'Vault'." in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda written: written.pop("secretName"),
            "A secret of type AzureKeyVaultSecret must have a store and a secretName.",
        ),
        (
            lambda written: written.pop("store"),
            "A secret of type AzureKeyVaultSecret must have a store and a secretName.",
        ),
        (
            lambda written: written["store"].update(referenceName="Gone"),
            "The linked service 'Gone' does not exist in the factory.",
        ),
        (
            lambda written: written["store"].update(referenceName="Store"),
            "The linked service 'Store' is of type AzureBlobStorage, not AzureKeyVault.",
        ),
        (
            lambda written: written.update(secretName=expression("@linkedService().nothing")),
            "nothing",
        ),
    ],
)
def test_a_reference_without_a_vault_is_reported(
    change: Callable[[dict[str, Any]], object], said: str, stored: Factory
) -> None:
    """The missing part is named."""
    change(stored.definitions.linked_services["store"]["typeProperties"]["connectionString"])

    assert said in message(stored)


def test_a_failed_attempt_is_followed_by_another_read(stored: Factory) -> None:
    """The policy's retries apply to the vault, too; nothing of an earlier reply is kept."""
    vault = Vault(httpx.Response(503))
    vault.serve(stored)
    done: list[Any] = []

    async def probe(context: ActivityContext) -> ActivityResult:
        done.append(await context.linked_service({"referenceName": "Store"}))
        return ActivityResult()

    stored.registry = activity_types(execution={"Probe": probe})
    stored.define("P", activity("A", "Probe", policy={"retry": 1, "retryIntervalInSeconds": 30}))

    run = stored.run("P")

    assert run.status == "Succeeded"
    assert [row.status for row in stored.log.activities(FACTORY_ID, run.run_id)] == ["Failed", "Succeeded"]
    assert len(done) == 1
    assert len(vault.asked) == 2


def test_a_value_is_in_no_repr() -> None:
    """A debugger's or a log's view of the emulator does not show it; the names can be listed."""
    given = GivenSecrets()
    given.replace({"Vault": {"b": SecretStr(VALUE), "A": SecretStr(VALUE)}})

    assert VALUE not in repr(vars(given))
    assert given.names() == {"Vault": ["A", "b"]}
    given.replace({})
    assert given.names() == {}
    assert given.find("Vault", "A") is None
