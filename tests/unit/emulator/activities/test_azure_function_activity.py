"""AzureFunctionActivity: what it sends to a function app, and how it reads the reply."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adf_trigger.emulator.common.models import ActivityRun
from adf_trigger.emulator.contract.limits import EXTERNAL, group_of
from tests.support.engine_factory import FACTORY_ID, Factory, activity, expression, set_variable

APP = "https://mine.azurewebsites.net"
KEY = "function-k3y"
RUNNING = {"id": "1", "statusQueryGetUri": f"{APP}/runtime/webhooks/durabletask/instances/1?code=c"}


class App:
    """Answers as a function app on the network, and records the requests."""

    def __init__(self, *replies: httpx.Response | Exception) -> None:
        self._replies = list(replies)
        self.asked: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self._replies.pop(0) if self._replies else httpx.Response(200, json={"answer": 42})
        if isinstance(reply, Exception):
            raise reply
        return reply


def linked(factory: Factory, **type_properties: Any) -> None:
    """The linked service of the function app."""
    factory.definitions.linked_services["functions"] = {
        "type": "AzureFunction",
        "typeProperties": {"functionAppUrl": APP, **type_properties},
    }


@pytest.fixture
def functions(factory: Factory) -> Factory:
    """A factory with a function app whose key is a SecureString."""
    linked(factory, functionKey={"type": "SecureString", "value": KEY})
    return factory


def calling(type_properties: dict[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    """An activity that calls a function, by default with GET."""
    written = {"functionName": "HttpTrigger1", "method": "GET"} | (type_properties or {})
    reference = {"referenceName": "Functions", "type": "LinkedServiceReference"}
    return activity("F", "AzureFunctionActivity", written, **{"linkedServiceName": reference, **others})


def run(factory: Factory, app: App, definition: dict[str, Any]) -> ActivityRun:
    """The activity run of one activity; checks that it shows nothing of the key."""
    factory.http = httpx.AsyncClient(transport=httpx.MockTransport(app), trust_env=False)
    factory.define("P", definition)
    row = factory.rows(factory.run("P"))["F"]
    assert KEY not in repr(row)
    return row


def error(row: ActivityRun) -> tuple[str, str]:
    """Code and message of a failure."""
    assert row.status == "Failed"
    return row.error["errorCode"], row.error["message"]


def test_the_object_returned_by_a_function_becomes_the_output(functions: Factory) -> None:
    """The output has the billing fields, too; the function is called with its key, which no input shows."""
    app = App()
    headers = {"X-Plain": "p", "X-Secret": {"type": "SecureString", "value": "s"}}

    row = run(functions, app, calling({"method": "post", "headers": headers, "body": {"a": [1.0, None]}}))

    assert row.status == "Succeeded"
    assert row.output == {
        "answer": 42,
        "effectiveIntegrationRuntime": "AutoResolveIntegrationRuntime (East US)",
        "executionDuration": 0,
        "durationInQueue": {"integrationRuntimeQueue": 0},
        "billingReference": {
            "activityType": "ExternalActivity",
            "billableDuration": [{"meterType": "AzureIR", "duration": 1 / 60, "unit": "Hours"}],
        },
    }
    (asked,) = app.asked
    assert (asked.method, str(asked.url)) == ("POST", f"{APP}/api/HttpTrigger1")
    assert asked.content == b'{"a":[1.0,null]}'
    assert asked.headers["content-type"] == "application/json"
    assert (asked.headers["x-functions-key"], asked.headers["x-plain"]) == (KEY, "p")
    assert asked.headers["x-secret"] == "s"
    assert row.input == {
        "functionName": "HttpTrigger1",
        "method": "post",
        "headers": {"X-Plain": "p", "X-Secret": "**********"},
        "body": {"a": [1.0, None]},
    }


@pytest.mark.parametrize(
    ("name", "url", "app_url"),
    [
        ("orchestrators/Load", "/api/orchestrators/Load", APP),
        ("HttpTriggerCSharp?name=hello&x=a%20b", "/api/HttpTriggerCSharp?name=hello&x=a%20b", f"{APP}/"),
        ("/with/slash", "/api/with/slash", APP),
        (expression("@concat('F', pipeline().Pipeline)"), "/api/FP", APP),
    ],
)
def test_the_name_may_hold_a_route_and_a_query(name: Any, url: str, app_url: str, functions: Factory) -> None:
    """As documented; it is appended below api, whatever prefix the app has."""
    app = App()
    linked(functions, functionKey="k", functionAppUrl=app_url)

    run(functions, app, calling({"functionName": name}))

    assert str(app.asked[0].url) == f"{APP}{url}"


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "TRACE"])
def test_these_methods_require_no_body(method: str, functions: Factory) -> None:
    """The troubleshooting guide lists them beside POST and PUT."""
    app = App()

    assert run(functions, app, calling({"method": method})).status == "Succeeded"

    assert (app.asked[0].method, app.asked[0].content) == (method, b"")


def test_a_text_is_sent_unchanged(functions: Factory) -> None:
    """With the Content-Type that the activity names."""
    app = App()

    run(
        functions,
        app,
        calling({"method": "PUT", "headers": {"content-type": "text/csv"}, "body": "a,b"}),
    )

    assert (app.asked[0].content, app.asked[0].headers["content-type"]) == (b"a,b", "text/csv")


def test_the_key_may_be_in_a_key_vault(functions: Factory) -> None:
    """It is read from the vault for each attempt."""
    store = {"referenceName": "kv", "type": "LinkedServiceReference"}
    linked(
        functions,
        functionKey={"type": "AzureKeyVaultSecret", "store": store, "secretName": "key"},
    )
    app = App()
    functions.http = httpx.AsyncClient(transport=httpx.MockTransport(app), trust_env=False)
    functions.engine.secrets.replace({"kv": {"key": SecretStr(KEY)}})
    functions.define("P", calling())

    row = functions.rows(functions.run("P"))["F"]

    assert row.status == "Succeeded"
    assert app.asked[0].headers["x-functions-key"] == KEY
    assert KEY not in repr(row)


@pytest.mark.parametrize(
    ("type_properties", "key", "authorization"),
    [
        ({"authentication": "MSI", "resourceId": "app-id"}, None, "Bearer token for app-id"),
        (
            {"authentication": "msi", "resourceId": "app-id", "functionKey": "k"},
            "k",
            "Bearer token for app-id",
        ),
        ({"authentication": "Anonymous", "functionKey": "k"}, "k", None),
        ({"authentication": "Anonymous"}, None, None),
    ],
)
def test_the_linked_service_chooses_the_authentication(
    type_properties: dict[str, Any], key: str | None, authorization: str | None, factory: Factory
) -> None:
    """By a key, as the factory's own identity, by both, or by none."""
    app = App()
    linked(factory, **type_properties)

    assert run(factory, app, calling()).status == "Succeeded"

    (asked,) = app.asked
    assert (asked.headers.get("x-functions-key"), asked.headers.get("authorization")) == (key, authorization)


@pytest.mark.parametrize(
    ("type_properties", "service", "code", "message"),
    [
        ({"method": None}, {}, "3611", "Azure function activity missing Method in JSON."),
        ({"method": "PATCH"}, {}, "3602", "Invalid HttpMethod: 'PATCH'."),
        ({"functionName": ""}, {}, "3607", "Azure function activity missing function name."),
        ({}, {"functionAppUrl": None}, "3609", "Azure function activity missing functionAppUrl."),
        ({}, {"functionKey": None}, "3606", "Azure function activity missing function key."),
        (
            {},
            {"authentication": "MSI"},
            "2103",
            "Please provide value for the required property 'resourceId'.",
        ),
        (
            {},
            {"authentication": "Certificate"},
            "NotEmulated",
            "The authentication type 'Certificate' is not emulated by this local Data Factory.",
        ),
        ({"method": "POST"}, {}, "2103", "Please provide value for the required property 'body'."),
        ({"method": "PUT"}, {}, "2103", "Please provide value for the required property 'body'."),
        ({"headers": "x"}, {}, "2104", "The type of the property 'headers' is incorrect."),
    ],
)
def test_an_invalid_call_fails_before_it_is_sent(
    type_properties: dict[str, Any], service: dict[str, Any], code: str, message: str, factory: Factory
) -> None:
    """Codes and texts are those of the troubleshooting guide where it has them."""
    app = App()
    linked(factory, **{"functionKey": "k", **service})

    assert error(run(factory, app, calling(type_properties))) == (code, message)
    assert app.asked == []


def test_it_needs_a_linked_service_of_its_own_type(functions: Factory) -> None:
    """Without one the code is 3612, with another type 2110."""
    functions.definitions.linked_services["functions"]["type"] = "RestService"

    assert error(run(functions, App(), calling())) == (
        "2110",
        "The linked service type 'RestService' is not supported for 'AzureFunctionActivity' activities.",
    )
    assert error(run(functions, App(), calling(linkedServiceName=None))) == (
        "3612",
        "Azure function activity missing LinkedService definition in JSON.",
    )


@pytest.mark.parametrize("body", ["", "text", "[1]", "12", '"text"', "null", '{"broken": '])
def test_a_reply_that_is_no_object_is_a_failure(body: str, functions: Factory) -> None:
    """A list is no object, as documented."""
    row = run(functions, App(httpx.Response(200, text=body)), calling())

    assert error(row) == ("3603", "Response Content is not a valid JObject.")
    assert row.error["failureType"] == "UserError"
    assert row.input["functionName"] == "HttpTrigger1"
    assert row.output["billingReference"]["activityType"] == "ExternalActivity"


@pytest.mark.parametrize(
    ("status", "body", "name", "message"),
    [
        (404, "", "NotFound", "Invoking Azure function failed with HttpStatusCode - NotFound."),
        (499, "", "499", "Invoking Azure function failed with HttpStatusCode - 499."),
        (502, "<html/>", "BadGateway", "<html/>"),
        (500, '{"why": "no"}', "InternalServerError", '{"why": "no"}'),
        (500, "x" * 20_000, "InternalServerError", "x" * 10_000),
    ],
)
def test_an_error_status_is_reported_as_in_real_runs(
    status: int, body: str, name: str, message: str, functions: Factory
) -> None:
    """The message has the function's own text, where there is one."""
    row = run(functions, App(httpx.Response(status, text=body)), calling())

    code, said = error(row)
    assert code == "3608"
    assert said == (
        f"Call to provided Azure function 'HttpTrigger1' failed with status-'{name}' while invoking 'GET' on "
        f"'{APP}' and message - '{message}'."
    )


def test_a_202_is_not_polled(functions: Factory) -> None:
    """A 202 with a Location is the reply: as documented, a Web activity polls a durable function."""
    app = App(httpx.Response(202, json=RUNNING, headers={"Location": RUNNING["statusQueryGetUri"]}))

    row = run(functions, app, calling())

    assert row.status == "Succeeded"
    assert row.output["statusQueryGetUri"] == RUNNING["statusQueryGetUri"]
    assert len(app.asked) == 1


@pytest.mark.parametrize("reason", [httpx.ConnectError("refused"), httpx.RemoteProtocolError("closed")])
def test_an_app_that_does_not_answer_is_an_error_of_the_call(reason: Exception, functions: Factory) -> None:
    """It could not be reached, or it closed the connection."""
    code, message = error(run(functions, App(reason), calling()))

    assert code == "3610"
    assert message.startswith("There was an error while calling endpoint. ")


async def hang(_request: httpx.Request) -> httpx.Response:
    """Answer after the limit."""
    await asyncio.sleep(3600)
    raise AssertionError


def test_a_function_has_230_seconds(functions: Factory) -> None:
    """The limit holds whatever the activity's timeout; its error is that of the app's front end."""
    functions.http = httpx.AsyncClient(transport=httpx.MockTransport(hang), trust_env=False)
    functions.define("P", calling(policy={"timeout": "01:00:00"}))

    row = functions.rows(functions.run("P"))["F"]

    assert functions.loop.time() == 230
    code, message = error(row)
    assert code == "3608"
    assert "failed with status-'InternalServerError'" in message
    assert "500 - The request timed out." in message


def test_the_timeout_of_the_policy_ends_it_earlier(functions: Factory) -> None:
    """The timeout covers the whole attempt."""
    functions.http = httpx.AsyncClient(transport=httpx.MockTransport(hang), trust_env=False)
    functions.define("P", calling(policy={"timeout": "00:00:20"}))

    row = functions.rows(functions.run("P"))["F"]

    assert functions.loop.time() == 20
    assert error(row)[0] == "Timeout"


def test_a_failed_call_is_retried_as_the_policy_says(functions: Factory) -> None:
    """Each attempt is an activity run; the last one counts."""
    app = App(httpx.Response(503), httpx.Response(503))
    functions.http = httpx.AsyncClient(transport=httpx.MockTransport(app), trust_env=False)
    functions.define("P", calling(policy={"retry": 2, "retryIntervalInSeconds": 30}))

    ended = functions.run("P")

    assert ended.status == "Succeeded"
    rows = functions.log.activities(FACTORY_ID, ended.run_id)
    assert [row.status for row in rows] == ["Failed", "Failed", "Succeeded"]
    assert functions.loop.time() == 60


def test_secure_input_and_output_are_hidden_from_the_log_alone(functions: Factory) -> None:
    """Later activities still use the output."""
    app = App()
    functions.http = httpx.AsyncClient(transport=httpx.MockTransport(app), trust_env=False)
    functions.define(
        "P",
        calling(policy={"secureInput": True, "secureOutput": True}),
        set_variable(
            "Keep", "v", expression("@string(activity('F').output.answer)"), after={"F": "Succeeded"}
        ),
        variables={"v": {"type": "String"}},
    )

    rows = functions.rows(functions.run("P"))

    assert (rows["F"].input, rows["F"].output) == ({}, {})
    assert json.dumps(rows["Keep"].output).count("42") == 1


def test_it_counts_as_an_external_activity() -> None:
    """Web activities do so, too."""
    assert group_of("AzureFunctionActivity") is EXTERNAL
