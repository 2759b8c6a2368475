"""AzureFunctionActivity against this project's own Functions host, on real sockets."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.common.clock import new_id, utcnow
from adf_trigger.emulator.common.models import ActivityRun, PipelineRun
from adf_trigger.emulator.engine.engine import Engine
from adf_trigger.emulator.engine.new_run import new_run
from adf_trigger.functions_host.common.config import HostConfig
from adf_trigger.functions_host.host import FunctionsHost
from tests.support.engine_factory import FACTORY_ID, MemoryDefinitions, MemoryLog, activity, no_token

KEY = "the-h0st-key"
APP = """
    import asyncio, json
    from pathlib import Path
    import azure.functions as func

    app = func.FunctionApp()

    @app.route(route="echo/{word}", methods=["GET", "POST"])
    def echo(req: func.HttpRequest) -> func.HttpResponse:
        seen = {"word": req.route_params["word"], "query": dict(req.params), "body": req.get_body().decode()}
        return func.HttpResponse(json.dumps(seen), mimetype="application/json")

    @app.route(route="text")
    def text(req: func.HttpRequest) -> str:
        return "Hello"

    @app.route(route="broken")
    def broken(req: func.HttpRequest) -> str:
        raise ValueError("no")

    @app.route(route="slow")
    async def slow(req: func.HttpRequest) -> str:
        Path(__file__).with_name("called").touch()
        await asyncio.sleep(2)
        return "{}"
"""

Story = Callable[["Play"], Awaitable[None]]


class Play:
    """An engine in front of a function app that is hosted.

    Attributes:
        app: folder of the app.
    """

    def __init__(self, host: FunctionsHost, engine: Engine, log: MemoryLog, app: Path) -> None:
        self.url = host.url
        self.engine = engine
        self.app = app
        self._log = log

    def start(self, name: str, method: str = "GET", **type_properties: Any) -> str:
        """Start a pipeline of one activity that calls a function."""
        reference = {"referenceName": "functions", "type": "LinkedServiceReference"}
        call = activity(
            "F",
            "AzureFunctionActivity",
            {"functionName": name, "method": method, **type_properties},
            linkedServiceName=reference,
        )
        run = new_run(
            MemoryDefinitions(),
            factory_id=FACTORY_ID,
            run_id=str(new_id()),
            pipeline_name="P",
            definition={"activities": [call]},
            parameters={},
            invoked_by={"id": "0" * 32, "name": "Manual", "invokedByType": "Manual"},
            now=utcnow(),
        )
        self._log.save_run(run)
        self.engine.submit(run)
        return run.run_id

    async def ended(self, run_id: str) -> tuple[PipelineRun, ActivityRun]:
        """A run and its one activity run, when it has ended."""
        await asyncio.wait_for(self._log.ended[run_id].wait(), 60)
        (row,) = self._log.activities(FACTORY_ID, run_id)
        return self._log.runs[run_id], row


@pytest.fixture
def play(tmp_path: Path, azurite: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a story; `key` is the function key of the linked service."""
    (tmp_path / "function_app.py").write_text(dedent(APP))
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "function_app", raising=False)

    async def run(story: Story, key: str) -> None:
        log, definitions = MemoryLog(), MemoryDefinitions()
        config = HostConfig(app=tmp_path, key=KEY)
        async with FunctionsHost(config, {"AzureWebJobsStorage": azurite}) as host:
            definitions.linked_services["functions"] = {
                "type": "AzureFunction",
                "typeProperties": {
                    "functionAppUrl": host.url,
                    "functionKey": {"type": "SecureString", "value": key},
                },
            }
            engine = Engine(log, lambda _: definitions, registry=activity_types(), token=no_token)
            try:
                await story(Play(host, engine, log, tmp_path))
            finally:
                await engine.close()

    return lambda story, key=KEY: asyncio.run(run(story, key))


def test_a_function_of_a_route_is_called_with_its_key(play: Callable[..., None]) -> None:
    """Route, query and body arrive, and the function's reply is the output."""

    async def story(stage: Play) -> None:
        run, row = await stage.ended(stage.start("echo/hello?a=b%20c", "POST", body={"n": 1}))

        assert run.status == "Succeeded", row.error
        assert row.output["word"] == "hello"
        assert row.output["query"] == {"a": "b c"}
        assert json.loads(row.output["body"]) == {"n": 1}
        assert KEY not in repr(row)

    play(story)


@pytest.mark.parametrize(
    ("name", "key", "code", "status"),
    [
        ("echo/hello", "wrong", "3608", "Unauthorized"),
        ("nowhere", KEY, "3608", "NotFound"),
        ("broken", KEY, "3608", "InternalServerError"),
        ("text", KEY, "3603", "Response Content is not a valid JObject."),
    ],
)
def test_errors_of_the_host_and_of_a_function_fail_the_activity(
    name: str, key: str, code: str, status: str, play: Callable[..., None]
) -> None:
    """Each failure has its code and names the status."""

    async def story(stage: Play) -> None:
        run, row = await stage.ended(stage.start(name))

        assert run.status == "Failed"
        assert row.error["errorCode"] == code
        assert status in row.error["message"]

    play(story, key)


def test_a_cancelled_run_hangs_up_on_its_function(play: Callable[..., None]) -> None:
    """The run ends during the call without waiting for the function."""

    async def story(stage: Play) -> None:
        run_id = stage.start("slow")
        async with asyncio.timeout(60):
            while not (stage.app / "called").exists():  # noqa: ASYNC110 - the app reports by a file
                await asyncio.sleep(0.02)
        stage.engine.cancel(FACTORY_ID, run_id, recursive=True)
        run, row = await stage.ended(run_id)

        assert (run.status, row.status) == ("Cancelled", "Cancelled")

    play(story)
