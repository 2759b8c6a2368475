"""GET /runs/{id}/activities: what is shown of a run's activities, and of Data Factory's trouble."""

import json
from typing import Any
from uuid import UUID, uuid4

import azure.functions as func
import pytest

from adf_trigger.errors import (
    BadRequest,
    CredentialError,
    DataFactoryError,
    Forbidden,
    NotSent,
    ResourceNotFound,
    Throttled,
    Unavailable,
)
from adf_trigger.readings import RunActivities
from adf_trigger.service.reading.activities import MAX_BODY, fitted
from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World, settings
from tests.unit.functions.conftest import Caller

CHILD = "7c0b5b0e-0000-4000-8000-000000000001"
COPY = {
    "activityName": "CopyOrders",
    "activityType": "Copy",
    "activityRunId": "a-1",
    "status": "Failed",
    "activityRunStart": "2026-01-05T12:00:02.5Z",
    "activityRunEnd": "2026-01-05T12:00:03.5Z",
    "durationInMs": 1000,
    "retryAttempt": 1,
    "iterationHash": "abc",
    "userProperties": {"Source": "raw/orders.csv"},
    "input": {"source": {"type": "BinarySource"}},
    "output": {"dataRead": 0},
    "error": {"errorCode": "2200", "message": "no blob", "failureType": "UserError", "target": "CopyOrders"},
}
CALL = {
    "activityName": "RunChild",
    "activityType": "ExecutePipeline",
    "activityRunId": "a-2",
    "status": "Succeeded",
    "activityRunStart": "2026-01-05T12:00:01Z",
    "input": {"pipeline": {"referenceName": "child"}},
    "output": {"pipelineRunId": CHILD, "pipelineName": "child"},
    "error": {"errorCode": "", "message": "", "failureType": "", "target": "RunChild"},
}


def asked(caller: Caller, run: str = "k", **params: str) -> func.HttpResponse:
    """GET /runs/{id}/activities."""
    request = func.HttpRequest(
        "GET", f"http://host/api/runs/{run}/activities", params=params, route_params={"id": run}, body=b""
    )
    return caller.ask("list_activities", request)


def shown(caller: Caller, run: str = "k", **params: str) -> Any:
    """The body of the answer."""
    answer = asked(caller, run, **params)
    assert answer.status_code == 200, answer.get_body()
    return json.loads(answer.get_body())


def started(caller: Caller, world: World, *activities: dict[str, Any], **body: Any) -> UUID:
    """A run that has these activities."""
    caller.post(body, Idempotency_Key="k")
    run_id = world.services.query.find("k").run_id
    world.factory.runs[run_id].failed = list(activities)
    return run_id


def test_activities_are_shown_as_they_began(caller: Caller, world: World) -> None:
    """Each has all fields of Data Factory, by requestId and by runId."""
    run_id = started(caller, world, COPY, CALL)
    answer = shown(caller)
    assert [each["activityName"] for each in answer["activities"]] == ["RunChild", "CopyOrders"]
    child, copy = answer["activities"]
    assert copy == {
        "activityName": "CopyOrders",
        "activityType": "Copy",
        "activityRunId": "a-1",
        "status": "Failed",
        "startedAt": "2026-01-05T12:00:02.500000Z",
        "endedAt": "2026-01-05T12:00:03.500000Z",
        "durationMs": 1000,
        "retryAttempt": 1,
        "iterationHash": "abc",
        "userProperties": {"Source": "raw/orders.csv"},
        "input": COPY["input"],
        "output": COPY["output"],
        "error": {
            "errorCode": "2200",
            "failureType": "UserError",
            "message": "no blob",
            "target": "CopyOrders",
        },
        "childRunIds": [],
        "truncated": False,
    }
    assert (child["error"], child["childRunIds"]) == (None, [CHILD])
    assert (answer["requestId"], answer["runId"]) == ("k", str(run_id))
    assert (answer["details"], answer["truncated"]) == ("full", False)
    assert shown(caller, str(run_id)) == answer


def test_the_view_of_a_run_links_to_its_activities(caller: Caller, world: World) -> None:
    """The link exists once there is a run."""
    started(caller, world, CALL)
    link = json.loads(caller.get("k").get_body())["links"]["activities"]
    assert link == "/api/runs/k/activities"
    listed = json.loads(caller.call("list_runs", "GET", "runs").get_body())["runs"]
    assert listed[0]["links"]["activities"] == link


def test_all_pages_are_read_within_bounds(caller: Caller, world: World) -> None:
    """Of a loop of thousands, two thousand are shown, and the answer marks that there are more."""
    started(caller, world, *({"activityName": f"a-{n}"} for n in range(950)))
    world.factory.calls.clear()
    answer = shown(caller)
    assert (len(answer["activities"]), answer["truncated"]) == (950, False)
    assert world.factory.calls.count("query_activity_runs") == 10
    world.factory.runs[UUID(answer["runId"])].failed *= 3
    answer = shown(caller)
    assert (len(answer["activities"]), answer["truncated"]) == (2_000, True)


def test_a_subscription_with_few_reads_left_is_spared(caller: Caller, world: World) -> None:
    """Reads that others need are left to them; activities read so far are shown."""
    started(caller, world, *({"activityName": f"a-{n}"} for n in range(300)))
    world.factory.remaining_reads = 3
    answer = shown(caller)
    assert (len(answer["activities"]), answer["truncated"]) == (100, True)


def test_inputs_and_outputs_of_secure_parameters_are_left_out(caller: Caller, world: World) -> None:
    """Data Factory shows parameter values there; child runs are still shown."""
    world.factory.declare("load", password={"type": "SecureString", "defaultValue": "s3cret"})
    secret = {**CALL, "input": "s3cret", "userProperties": {"p": "s3cret"}}
    started(caller, world, secret, {**COPY, "output": {"deep": ["s3cret"]}})
    answer = shown(caller)
    assert "s3cret" not in json.dumps(answer)
    assert answer["details"] == "withheld"
    child, copy = answer["activities"]
    assert (child["input"], child["output"], child["userProperties"]) == (None, None, None)
    assert child["childRunIds"] == [CHILD]
    assert copy["error"]["message"] == "no blob"


def test_fields_that_may_hold_secrets_are_left_out(caller: Caller, world: World) -> None:
    """The pipeline cannot be read and was never seen; one that was seen without secrets is shown."""
    started(caller, world, COPY)
    world.factory.always["get_pipeline"] = Unavailable("down", status=503)
    world.restart()
    assert shown(caller)["details"] == "full"
    world.declarations.remove(FACTORY_ID, "load")
    world.restart()
    assert shown(caller)["details"] == "withheld"


def test_a_policy_shows_them() -> None:
    """It is `details: full`, for that pipeline alone."""
    policy = json.dumps({"load": {"details": "full"}})
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy))
    for name in ("load", "other"):
        world.factory.declare(name, password={"type": "SecureString"})
    caller = Caller(world)
    started(caller, world, COPY, parameters={"password": "s3cret"})
    assert shown(caller)["activities"][0]["input"] == COPY["input"]
    caller.post({"parameters": {"password": "s3cret"}}, pipeline="other", Idempotency_Key="o")
    world.factory.runs[world.services.query.find("o").run_id].failed = [COPY]
    assert shown(caller, "o")["details"] == "withheld"


def test_a_request_that_was_not_started_has_none(caller: Caller, world: World) -> None:
    """A waiting request, a rejected one and a rejected message have an empty list, without a call."""
    world.factory.fail_next("create_run", NotSent("no connection"))
    caller.post({}, Idempotency_Key="waits")
    caller.message({"surprise": 1})
    world.factory.calls.clear()
    for run in ("waits", "m-1"):
        assert shown(caller, run)["activities"] == []
    assert world.factory.calls == []


def test_an_id_outside_the_ledger_is_404(caller: Caller, world: World) -> None:
    """This holds also for a run that Data Factory has."""
    run_id = started(caller, world)
    world.factory.runs[uuid4()] = world.factory.runs[run_id]
    for run in ("nobody", *(str(each) for each in world.factory.runs if each != run_id)):
        assert asked(caller, run).status_code == 404


def test_an_id_of_two_runs_is_409(caller: Caller, world: World) -> None:
    """The answer links to each; naming the factory selects one."""
    other = MemoryFactory(world.clock)
    other.declare("load")
    world.services = restarted(world, {"a": (FACTORY_ID, world.factory), "b": (FACTORY_ID + "-2", other)})
    for each in "ab":
        caller.post({"factory": each}, Idempotency_Key="k")
    assert asked(caller).status_code == 409
    assert shown(caller, factory="b")["activities"] == []


def test_a_factory_that_has_left_the_settings_cannot_be_queried(caller: Caller, world: World) -> None:
    """Its run is known; its activities cannot be read."""
    started(caller, world, COPY)
    world.services = restarted(world, {"default": (FACTORY_ID + "-2", MemoryFactory(world.clock))})
    problem = json.loads(asked(caller).get_body())
    assert (problem["status"], problem["type"].rpartition("/")[2]) == (502, "data-factory-failed")
    assert "not configured any more" in problem["detail"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Throttled("slow", status=429, retry_after=42), 503, "try-later"),
        (Throttled("slow", status=429), 503, "try-later"),
        (Unavailable("down", status=503), 503, "try-later"),
        (NotSent("no connection"), 503, "try-later"),
        (CredentialError("no token"), 503, "try-later"),
        (Forbidden("no role", status=403), 502, "data-factory-denied"),
        (BadRequest("odd", status=400), 502, "data-factory-failed"),
        (ResourceNotFound("gone", status=404), 404, "run-not-found"),
    ],
)
def test_trouble_of_data_factory_is_reported(
    caller: Caller, world: World, error: DataFactoryError, status: int, kind: str
) -> None:
    """The answer says whether to come again, and when; it is never a fault of the caller."""
    started(caller, world, COPY)
    world.factory.fail_next("query_activity_runs", error)
    answer = asked(caller)
    problem = json.loads(answer.get_body())
    assert (answer.status_code, problem["type"].rpartition("/")[2]) == (status, kind)
    assert problem["detail"]
    assert ("Retry-After" in answer.headers) is (status == 503)


def test_a_throttled_factory_is_left_alone_until_it_may_be_asked(caller: Caller, world: World) -> None:
    """It is 503 with the remaining seconds, without a call."""
    started(caller, world, COPY)
    world.factory.fail_next("query_activity_runs", Throttled("slow", status=429, retry_after=42))
    assert asked(caller).headers["Retry-After"] == "42"
    world.clock.forward(12)
    world.factory.calls.clear()
    answer = asked(caller)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert world.factory.calls == []
    world.clock.forward(31)
    assert len(shown(caller)["activities"]) == 1


def test_a_long_answer_is_cut_in_the_middle(caller: Caller, world: World) -> None:
    """Beginning and end of a value stay, the cut is marked, and the whole is bounded."""
    long = {
        **COPY,
        "input": {"begin": "x" * 200_000, "end": "y"},
        "error": {"errorCode": "1", "message": "m" * 300_000},
    }
    started(caller, world, *[long] * 30, COPY)
    answer = asked(caller)
    assert len(answer.get_body()) <= MAX_BODY
    activities = json.loads(answer.get_body())["activities"]
    assert len(activities) == 31
    cut = next(each for each in activities if each["truncated"])
    assert cut["input"].startswith('{"begin": "xxx')
    assert cut["input"].endswith('"end": "y"}')
    assert "…" in cut["input"]
    whole = next(each for each in activities if not each["truncated"])
    assert whole["input"] == COPY["input"]


def test_every_answer_is_bounded(caller: Caller, world: World) -> None:
    """Where even names are too long for it, the last activities are left out, and that is marked."""
    started(caller, world, *({**COPY, "activityName": "n" * 500, "output": "o" * 999} for _ in range(400)))
    answer = RunActivities.model_validate(shown(caller))
    small = fitted(answer, most=20_000)
    assert len(json.dumps(small.model_dump(mode="json"))) <= 20_000
    assert small.truncated
    assert 0 < len(small.activities) < 400


def test_every_fault_of_the_query_is_listed(caller: Caller) -> None:
    """They are unknown names, and unknown values of `by`."""
    answer = asked(caller, by="name", limit="3")
    assert {each["pointer"] for each in json.loads(answer.get_body())["errors"]} == {"by", "limit"}
    assert answer.status_code == 400


def test_invalid_text_is_shown(caller: Caller, world: World) -> None:
    """Half a surrogate pair in an output makes no answer fail."""
    started(caller, world, {**COPY, "output": {"x": "\ud800"}, "activityName": "\udfff"})
    assert asked(caller).status_code == 200
