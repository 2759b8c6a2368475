"""The health of the service on real processes: quick and true whatever hangs, and quiet while nothing happens."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.data.tables import TableServiceClient

from tests.support.local_stack import TIMEOUTS, LocalStack

ROOT = Path(__file__).parents[3]
HANG = {"operation": "*", "fault": "delay", "seconds": 20}
BUSY = 5.0
"""Seconds: less than what waits for Data Factory takes. Alone on a machine, an answer takes less than one."""
LINES_A_TICK = 3
"""What an idle tick may write into the log of the platform at most, the host's own lines left out."""

LOUD = '''
"""The real app, on a host that leaves library logging on, as the platform's worker does."""

import logging

for name in ("azure", "urllib3"):
    logging.getLogger(name).setLevel(logging.NOTSET)

from adf_trigger.functions.app import create_app  # noqa: E402

app = create_app()
'''


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Iterator[LocalStack]:
    """A stack that ticks every two seconds and logs as the platform does."""
    app = tmp_path_factory.mktemp("loud")
    (app / "function_app.py").write_text(LOUD, encoding="utf-8")
    (app / "host.json").write_text((ROOT / "host.json").read_text("utf-8"), encoding="utf-8")
    with LocalStack(
        app=app,
        poll_schedule="*/2 * * * * *",
        settings={"PYTHONPATH": str(ROOT)},
        data=tmp_path_factory.mktemp("data"),
        warm=warm,
    ) as running:
        running.define("pause")
        yield running


def health(stack: LocalStack) -> tuple[str, float]:
    """The status that is shown without a key, and the seconds that it took."""
    begun = time.monotonic()
    answer = requests.get(f"{stack.endpoints.functions_url}/api/health", timeout=TIMEOUTS)
    return answer.json()["status"], time.monotonic() - begun


def details(stack: LocalStack) -> dict[str, Any]:
    """The details that are shown with a key."""
    headers = {"x-functions-key": stack.endpoints.functions_key}
    url = f"{stack.endpoints.functions_url}/api/health/details"
    found: dict[str, Any] = requests.get(url, headers=headers, timeout=TIMEOUTS).json()
    return found


def test_an_idle_tick_writes_next_to_nothing(stack: LocalStack) -> None:
    """The Azure SDK is silent, and what is said carries its action in the text that the platform keeps."""
    stack.eventually(lambda: health(stack)[0] == "ok", ticking=False)
    before = len(stack.log())
    time.sleep(10.5)  # five ticks: the time itself is what is measured
    said = [
        line for line in stack.log()[before:] if not line["logger"].startswith("adf_trigger.functions_host")
    ]
    assert len(said) <= LINES_A_TICK * 5, said
    assert not [line for line in said if line["logger"].startswith("azure")]
    own = [line for line in stack.log() if line["logger"].startswith("adf_trigger.service.")]
    assert own
    assert [line for line in own if '{"action":"' not in line["message"]] == []


def test_health_is_quick_and_delays_no_one_while_data_factory_hangs(stack: LocalStack) -> None:
    """Sixty anonymous callers and one with a key: none waits for the others, and no call is made for them."""
    stack.eventually(lambda: health(stack)[0] == "ok", ticking=False)
    with stack.faults(HANG), ThreadPoolExecutor(60) as callers:
        answers = list(callers.map(lambda _: health(stack), range(60)))
        begun = time.monotonic()
        assert stack.caller.get("none").status == 404
        assert time.monotonic() - begun < BUSY
        stack.eventually(lambda: health(stack)[0] == "unavailable", ticking=False)
        assert "factory:default" in details(stack)["troubles"][0]["what"]
    assert max(seconds for _, seconds in answers) < BUSY
    stack.eventually(lambda: health(stack)[0] == "ok", ticking=False)


def test_health_needs_no_thread_of_those_that_hang(stack: LocalStack) -> None:
    """While every thread of the functions waits for Data Factory, the health is answered all the same."""
    with stack.faults(HANG), ThreadPoolExecutor(24) as callers:
        hanging = [callers.submit(start, stack, f"hangs-{number}") for number in range(24)]
        time.sleep(1)  # they are all on their way
        assert max(health(stack)[1] for _ in range(10)) < BUSY
        assert not any(each.done() for each in hanging[6:])
    stack.eventually(lambda: health(stack)[0] == "ok", ticking=False)


def start(stack: LocalStack, key: str) -> None:
    """Ask for a run, and do not mind how long it takes."""
    with suppress(requests.ReadTimeout):
        stack.caller.post("pause", {}, key=key)


def test_health_is_answered_while_the_storage_is_frozen(stack: LocalStack) -> None:
    """Every answer is there at once, and soon it says that the ledger does not answer."""
    stack.eventually(lambda: health(stack)[0] == "ok", ticking=False)
    taken: list[float] = []

    def is_unavailable() -> bool:
        status, seconds = health(stack)
        taken.append(seconds)
        return status == "unavailable"

    os.kill(stack.endpoints.pids["azurite"], signal.SIGSTOP)
    try:
        stack.eventually(is_unavailable, ticking=False)
    finally:
        os.kill(stack.endpoints.pids["azurite"], signal.SIGCONT)
    assert max(taken) < BUSY
    stack.eventually(lambda: health(stack)[0] == "ok", ticking=False)


def test_a_deleted_table_is_recreated_and_reported_until_acknowledged(stack: LocalStack) -> None:
    """No restart is needed; health says what was lost, and since when, until an operator says that he knows."""
    stack.eventually(lambda: health(stack)[0] == "ok", ticking=False)
    storage, table = stack.endpoints.storage_connection_string, stack.endpoints.table
    with TableServiceClient.from_connection_string(storage) as service:
        service.delete_table(table)
    assert stack.caller.post("pause", {}, key="after-the-loss").status == 202
    stack.eventually(lambda: health(stack)[0] == "unavailable", ticking=False)
    assert "ledger new since" in details(stack)["troubles"][0]["what"]
    lost = [line["level"] for line in stack.log() if '"action":"ledger_lost"' in line["message"]]
    assert lost == ["ERROR"]
    acknowledged = requests.post(
        f"{stack.endpoints.functions_url}/api/health/acknowledge",
        headers={"x-functions-key": stack.endpoints.functions_key},
        timeout=TIMEOUTS,
    )
    assert acknowledged.status_code == 200
    stack.eventually(lambda: health(stack)[0] == "ok", ticking=False)
    stack.eventually(lambda: stack.status("after-the-loss") == "Succeeded", ticking=False)
