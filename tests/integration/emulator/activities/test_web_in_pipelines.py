"""Web and WebHook activities inside pipelines that the engine runs, on real sockets."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from adf_trigger.emulator.activities.callbacks import PendingCallbacks
from adf_trigger.emulator.activities.catalogue import CONTROL, activity_types
from adf_trigger.emulator.activities.webhook import webhook
from adf_trigger.emulator.common.clock import new_id, utcnow
from adf_trigger.emulator.common.models import ActivityRun, PipelineRun
from adf_trigger.emulator.engine.engine import Engine
from adf_trigger.emulator.engine.new_run import new_run
from adf_trigger.emulator.serving.servers import serving
from tests.integration.emulator.activities.conftest import Endpoint
from tests.support.engine_factory import (
    FACTORY_ID,
    MemoryDefinitions,
    MemoryLog,
    activity,
    expression,
    no_token,
    set_variable,
)

Story = Callable[["Play"], Awaitable[None]]


class Play:
    """An engine on a real event loop, in front of an endpoint that is served for real.

    Attributes:
        url: of the endpoint.
        callbacks: where a test delivers what the endpoint would post.
    """

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.log = MemoryLog()
        self.definitions = MemoryDefinitions()
        self.callbacks = PendingCallbacks(lambda: "http://127.0.0.1:1")
        self.engine = Engine(
            self.log,
            lambda _: self.definitions,
            registry=activity_types(
                control={**CONTROL, "WebHook": webhook(self.callbacks)},
            ),
            http=http,
            token=no_token,
        )

    def start(self, *activities: dict[str, Any], **properties: Any) -> str:
        definition = {
            "activities": list(activities),
            "parameters": {"url": {"type": "String"}},
            **properties,
        }
        run = new_run(
            self.definitions,
            factory_id=FACTORY_ID,
            run_id=str(new_id()),
            pipeline_name="P",
            definition=definition,
            parameters={"url": self.url},
            invoked_by={"id": "0" * 32, "name": "Manual", "invokedByType": "Manual"},
            now=utcnow(),
        )
        self.log.save_run(run)
        self.engine.submit(run)
        return run.run_id

    async def ended(self, run_id: str) -> tuple[PipelineRun, dict[str, ActivityRun]]:
        await asyncio.wait_for(self.log.ended[run_id].wait(), 60)
        rows = self.log.activities(FACTORY_ID, run_id)
        return self.log.runs[run_id], {row.activity_name: row for row in rows}


def play(endpoint: Endpoint, story: Story) -> None:
    """Run a story."""

    async def run() -> None:
        async with serving(endpoint) as url, httpx.AsyncClient(trust_env=False) as http:
            stage = Play(url, http)
            try:
                await story(stage)
            finally:
                await stage.engine.close()

    asyncio.run(run())


def call(name: str, path: str, **others: Any) -> dict[str, Any]:
    """A Web activity that GETs a path of the endpoint whose address is the pipeline's parameter."""
    url = expression(f"@concat(pipeline().parameters.url, '{path}')")
    return activity(name, "WebActivity", {"method": "GET", "url": url}, **others)


def test_later_activities_use_the_reply_though_it_is_hidden_from_the_log() -> None:
    """secureOutput hides a token from monitoring, not from the activity that sends it on."""
    endpoint = Endpoint(
        token=lambda _: JSONResponse({"access_token": "t0"}), data=lambda _: PlainTextResponse("d")
    )
    headers = {"Authorization": expression("@concat('Bearer ', activity('Token').output.access_token)")}
    data = call("Data", "/data", after={"Token": "Succeeded"}, policy={"secureInput": True})
    data["typeProperties"]["headers"] = headers

    async def story(stage: Play) -> None:
        token = call("Token", "/token", policy={"secureOutput": True})
        keep = set_variable(
            "Keep", "v", expression("@activity('Data').output.Response"), after={"Data": "Succeeded"}
        )
        run, rows = await stage.ended(stage.start(token, data, keep, variables={"v": {"type": "String"}}))

        assert run.status == "Succeeded"
        assert (rows["Token"].output, rows["Data"].input) == ({}, {})
        assert rows["Data"].output["Response"] == "d"
        assert rows["Keep"].input["value"] == "d"

    play(endpoint, story)
    assert endpoint.seen[1].headers["authorization"] == "Bearer t0"


def test_a_failed_call_is_retried_and_then_fails_the_run() -> None:
    """The policy's retries apply; the run's message is the service's."""
    endpoint = Endpoint(a=lambda _: PlainTextResponse("busy", status_code=503))

    async def story(stage: Play) -> None:
        run, rows = await stage.ended(
            stage.start(call("Web", "/a", policy={"retry": 1, "retryIntervalInSeconds": 0}))
        )

        assert run.status == "Failed"
        assert run.message == (
            "Operation on target Web failed: Invoking Web Activity failed with HttpStatusCode - "
            "'503 : ServiceUnavailable', message - 'busy'"
        )
        assert rows["Web"].error["errorCode"] == "2108"
        assert rows["Web"].output["executionDuration"] == 0

    play(endpoint, story)
    assert len(endpoint.seen) == 2


def hook(**type_properties: Any) -> dict[str, Any]:
    """A WebHook activity."""
    url = expression("@concat(pipeline().parameters.url, '/work')")
    return activity("Hook", "WebHook", {"method": "POST", "url": url, "body": {}, **type_properties})


def test_a_run_waits_for_its_callback() -> None:
    """The run is in progress until the callback arrives, and then continues with what was posted."""
    called = asyncio.Event()

    def work(_request: Request) -> Response:
        called.set()
        return Response()

    endpoint = Endpoint(work=work)

    async def story(stage: Play) -> None:
        keep = set_variable(
            "Keep", "v", expression("@activity('Hook').output.n"), after={"Hook": "Succeeded"}
        )
        run_id = stage.start(hook(), keep, variables={"v": {"type": "String"}})
        await asyncio.wait_for(called.wait(), 60)
        assert stage.log.runs[run_id].status == "InProgress"

        token = json.loads(endpoint.seen[0].body)["callBackUri"].rpartition("/")[2]
        assert stage.callbacks.deliver(token, {"n": "posted"})
        run, rows = await stage.ended(run_id)

        assert run.status == "Succeeded"
        assert rows["Keep"].input["value"] == "posted"

    play(endpoint, story)


def test_a_missing_callback_times_out_and_counts_as_a_failure() -> None:
    """The activity run's status is TimedOut; an activity on its failure path runs."""

    async def story(stage: Play) -> None:
        after = set_variable("After", "v", "caught", after={"Hook": "Failed"})
        run, rows = await stage.ended(
            stage.start(hook(timeout="00:00:00.1"), after, variables={"v": {"type": "String"}})
        )

        assert rows["Hook"].status == "TimedOut"
        assert rows["After"].status == "Succeeded"
        assert run.status == "Succeeded"

    play(Endpoint(work=lambda _: Response()), story)


def test_a_cancelled_run_stops_waiting_and_forgets_the_callback() -> None:
    """The cancel arrives in the middle of the wait."""
    called = asyncio.Event()

    def work(_request: Request) -> Response:
        called.set()
        return Response()

    endpoint = Endpoint(work=work)

    async def story(stage: Play) -> None:
        run_id = stage.start(hook())
        await asyncio.wait_for(called.wait(), 60)
        stage.engine.cancel(FACTORY_ID, run_id, recursive=True)
        run, rows = await stage.ended(run_id)

        assert (run.status, rows["Hook"].status) == ("Cancelled", "Cancelled")
        token = json.loads(endpoint.seen[0].body)["callBackUri"].rpartition("/")[2]
        assert not stage.callbacks.deliver(token, {})

    play(endpoint, story)


def test_a_cancelled_run_hangs_up_on_its_endpoint() -> None:
    """A Web activity in the middle of its request ends immediately."""
    called = asyncio.Event()

    async def slow(_request: Request) -> Response:
        called.set()
        await asyncio.sleep(1)
        return Response()

    async def story(stage: Play) -> None:
        run_id = stage.start(call("Web", "/slow"))
        await asyncio.wait_for(called.wait(), 60)
        stage.engine.cancel(FACTORY_ID, run_id, recursive=True)
        run, rows = await stage.ended(run_id)

        assert (run.status, rows["Web"].status) == ("Cancelled", "Cancelled")

    play(Endpoint(slow=slow), story)
