"""One run of the chaos: the stage, the load, the trouble, the calm after it, and the verdict."""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.core.utils import parse_connection_string
from azure.storage.queue import QueueClient

from tests.chaos.callers import Callers
from tests.chaos.consumer import Consumer
from tests.chaos.factory_rows import CORRELATED, ROWS
from tests.chaos.history import History, lines
from tests.chaos.hosts import READY_SECONDS, Host
from tests.chaos.load import DEFINITION, PIPELINES, POLICY, TRIGGERS, Request, event_plan, plan
from tests.chaos.official import CALL_PARAMETER, OfficialCallers
from tests.chaos.proxy import StorageProxies
from tests.chaos.rows import Row
from tests.chaos.trouble import Trouble
from tests.chaos.verdict import Verdict, judge
from tests.support.local_stack import LocalStack

HOSTS = ("a", "b")
CALLERS = 24

SETTINGS = {
    "ADF_TRIGGER_DEFINITION_CACHE_SECONDS": "5",
    "ADF_TRIGGER_POLL_OVERLAP_SECONDS": "10",
    "ADF_TRIGGER_STALE_AFTER_SECONDS": "5",
    "ADF_TRIGGER_TRIGGERS": TRIGGERS,
    "ADF_TRIGGER_POLICY": json.dumps(POLICY),
    "PYTHON_THREADPOOL_THREAD_COUNT": "16",
}
"""App settings beside the quick ones of the acceptance tests."""

POLL_SCHEDULE = "*/2 * * * * *"

OFFICIAL_IDS = ("honoured", "ignored")
"""What the factory does with the id of a call: as recorded calls show, and as nothing documents otherwise."""

OFFICIAL_DEFINITION = {
    **DEFINITION,
    "parameters": {**DEFINITION["parameters"], CALL_PARAMETER: {"type": "String"}},
}

CALM_SECONDS = 12.0
"""How long nothing may come any more: a message's lease, a request's, the grace period, and two ticks."""

STALLED_SECONDS = 180.0
"""Where no event comes for so long, none will: a tick under load takes a third of it."""

NOTED = ("runId", "pipelineName", "status", "parameters", "runStart", "runEnd")
"""What a history has of a run."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """The options of a chaos run.

    Attributes:
        requests: how many, by HTTP and by queue.
        events: how many further ones are made by events, a fifth of which is delivered twice.
        minutes: over which they are spread, with trouble all the time; longer where they take longer.
        seed: of every dice.
        ids: what the factory does with the ids that the app chooses: `honoured`, `ignored` or `repeat-refused`.
        official: how many requests the official SDK is given, for each way that a factory may treat ids.
        row: one kind of trouble, and no other; None for all that the dice bring.
        folder: for the history and the logs of the hosts.
        warm: address of what forks the processes (see tests/support/warm.py); None starts them from nothing.
    """

    requests: int
    events: int = 0
    minutes: float
    seed: int
    ids: str = "honoured"
    official: int
    folder: Path
    row: str | None = None
    warm: str | None = None


def run(chaos: Chaos, say: Say) -> Verdict:
    """Make chaos and judge it."""
    path = chaos.folder / "history.jsonl"
    settings = SETTINGS if chaos.ids != "ignored" else SETTINGS | CORRELATED
    if chaos.row is not None:
        settings = {**settings, **ROWS[chaos.row].settings}
    local = LocalStack(settings=settings, poll_schedule=POLL_SCHEDULE, warm=chaos.warm)
    with History(path) as history, local as stack:
        _define(stack)
        stack.control("POST", "client-request-id", {"mode": chaos.ids})
        say("The stack is up; the trouble begins.")
        _ours(chaos, stack, history, say)
        if chaos.official:
            say("The same faults for the official SDK.")
            _official(chaos, stack, history)
    return judge(lines(path))


def _define(stack: LocalStack) -> None:
    for name, pipeline in PIPELINES.items():
        stack.define(name, DEFINITION)
        if pipeline.progression is not None:
            stack.control("POST", "progression", {**pipeline.progression, "pipeline": name})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Hosts behind broken storage, who calls them, and who hears of them."""

    hosts: Sequence[Host]
    proxies: StorageProxies
    callers: Callers
    messages: QueueClient
    consumer: Consumer


@contextmanager
def _stage(chaos: Chaos, stack: LocalStack, history: History, row: Row | None) -> Iterator[_Stage]:
    endpoints = stack.endpoints
    connection, key = endpoints.storage_connection_string, endpoints.functions_key
    events, messages = (
        QueueClient.from_connection_string(connection, name)
        for name in (endpoints.events_queue, endpoints.requests_queue)
    )
    stack.kill_functions()  # the stack's own host, which has storage to itself
    with ExitStack() as opened:
        proxies = opened.enter_context(StorageProxies(_ports(connection), chaos.seed))
        behind = _through(connection, proxies)
        settings = {**stack.processes._app_settings, "AzureWebJobsStorage": behind}
        if row is not None:
            settings["AzureWebJobsStorage"] = row.between(behind)
            endpoint = settings["ADF_TRIGGER_MANAGEMENT_ENDPOINT"]
            settings["ADF_TRIGGER_MANAGEMENT_ENDPOINT"] = row.before_factory(endpoint)
        hosts = [
            Host(
                name,
                key=key,
                settings=settings,
                folder=chaos.folder,
                history=history,
                host_id=row.host_id if row is not None else None,
                warm=chaos.warm,
            )
            for name in HOSTS
        ]
        for host in hosts:
            opened.enter_context(host)
        _wait_until_up(hosts)
        yield _Stage(
            hosts=hosts,
            proxies=proxies,
            callers=Callers(hosts, key=key, queue=messages, history=history, seed=chaos.seed),
            messages=messages,
            consumer=opened.enter_context(Consumer(events, history)),
        )


def _ours(chaos: Chaos, stack: LocalStack, history: History, say: Say) -> None:
    first = Request(key="first", pipeline="quick", calls=1)
    row = _row(chaos, stack, history)
    choose = row.requests if row is not None else plan
    asked_for = [*choose(chaos.requests - 1, chaos.seed), *event_plan(chaos.events, chaos.seed)]
    random.Random(chaos.seed).shuffle(asked_for)  # noqa: S311 - dice of a test
    requests = [first, *asked_for]
    keys = [request.key for request in requests]
    _show_how_ids_are_treated(stack, first, history)
    with (
        row or nullcontext(),
        _stage(chaos, stack, history, row) as stage,
        _pool(stage.callers) as pool,
    ):
        with _trouble(chaos, stack, history, stage, row):
            asked = _spread(requests[1:], chaos.minutes * 60, stage.callers, pool)
            say("Every request is made; the trouble continues until all are answered and half are published.")
            wait(asked, timeout=_patience(chaos))
            _until_published(len(keys) // 2, stage.consumer, chaos.minutes * 60)
        say("The trouble is over; everything has to settle.")
        stage.callers.give_up_after(_patience(chaos))
        for each in asked:
            each.result()
        stage.hosts[-1].stop()
        _settle({*keys, *(row.keys if row is not None else ())}, stage, _patience(chaos))
        say("Settled; every record is read.")
        stage.callers.give_up_after(_patience(chaos))
        list(pool.map(stage.callers.look, keys))
    _note_runs("run", stack.runs(), history)


def _row(chaos: Chaos, stack: LocalStack, history: History) -> Row | None:
    if chaos.row is None:
        return None
    endpoints = stack.endpoints
    return ROWS[chaos.row](
        endpoints.storage_connection_string, endpoints.requests_queue, history, chaos.seed, stack.control
    )


def _trouble(
    chaos: Chaos, stack: LocalStack, history: History, stage: _Stage, row: Row | None
) -> AbstractContextManager[object]:
    if row is not None:
        return row.trouble(stage.callers)
    return Trouble(stage.hosts, stage.proxies, stack.control, history, chaos.seed)


def _official(chaos: Chaos, stack: LocalStack, history: History) -> None:
    callers = OfficialCallers(stack.endpoints, stack.control, history)
    for ids in OFFICIAL_IDS:
        pipeline = f"official-{ids}"
        stack.define(pipeline, OFFICIAL_DEFINITION)
        stack.control("POST", "progression", {"mode": "at-once", "pipeline": pipeline})
        keys = [f"{ids}-{number}" for number in range(chaos.official)]
        callers.run(pipeline, keys, ids=ids, seed=chaos.seed)
        _note_runs("official_run", stack.runs(pipeline), history)


def _show_how_ids_are_treated(stack: LocalStack, first: Request, history: History) -> None:
    """One run before the trouble begins, from which the app learns that the factory honours ids."""
    history.note("invoke", key=first.key, by="http")
    answer = stack.caller.post(first.pipeline, {"parameters": first.parameters}, key=first.key)
    if (answer.status, answer.body["status"]) != (202, "Queued"):
        raise RuntimeError(f"the stack does not work even without trouble: {answer}")
    history.note(
        "return", key=first.key, by="http", acknowledged=True, status=202, runId=answer.body["runId"]
    )


def _wait_until_up(hosts: Sequence[Host]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not all(host.url for host in hosts):
        if time.monotonic() > deadline:
            raise RuntimeError("the hosts do not start even without trouble")
        time.sleep(0.1)


def _ports(connection: str) -> dict[str, int]:
    parts = parse_connection_string(connection)
    return {name: urlsplit(parts[name]).port or 0 for name in ("queueendpoint", "tableendpoint")}


def _through(connection: str, proxies: StorageProxies) -> str:
    """The connection string with the proxies in the place of the services behind them."""
    for name, port in _ports(connection).items():
        connection = connection.replace(f":{port}/", f":{proxies.ports[name]}/")
    return connection


def _patience(chaos: Chaos) -> float:
    """Seconds in which the work of all requests can be done, however slow the machine."""
    return STALLED_SECONDS + chaos.requests + chaos.events


@contextmanager
def _pool(callers: Callers) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(CALLERS, thread_name_prefix="caller") as pool:
        try:
            yield pool
        except BaseException:
            callers.give_up_after(0)
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _spread(
    requests: Sequence[Request], seconds: float, callers: Callers, pool: ThreadPoolExecutor
) -> list[Future[None]]:
    """Make the requests, evenly over some time."""
    began = time.monotonic()
    asked: list[Future[None]] = []
    for number, request in enumerate(requests):
        time.sleep(max(0.0, began + seconds * number / len(requests) - time.monotonic()))
        asked += [pool.submit(callers.ask, request) for _ in range(request.calls)]
        asked += [pool.submit(callers.deliver, request) for _ in range(request.deliveries)]
        for _ in range(request.messages):
            callers.send(request)
        for _ in range(request.event_messages):
            callers.send_event(request)
    return asked


def _until_published(enough: int, consumer: Consumer, patience: float) -> None:
    """Wait for the events of that many requests, so that ends are recorded and published amid the trouble too."""
    deadline = time.monotonic() + patience
    while len(consumer.subjects) < enough and time.monotonic() < deadline:
        time.sleep(0.5)


def _settle(keys: set[str], stage: _Stage, patience: float) -> None:
    """Wait until all are published and nothing more comes; the verdict counts what is missing by then."""
    consumer, messages = stage.consumer, stage.messages
    deadline = time.monotonic() + patience
    last_event, quiet_since, taken = time.monotonic(), time.monotonic(), consumer.taken
    while time.monotonic() < min(deadline, last_event + STALLED_SECONDS):
        time.sleep(0.5)
        now = time.monotonic()
        if consumer.taken != taken:
            taken, last_event, quiet_since = consumer.taken, now, now
        if not keys <= consumer.subjects or messages.get_queue_properties().approximate_message_count:
            quiet_since = now
        if now - quiet_since >= CALM_SECONDS:
            return


def _note_runs(kind: str, runs: Sequence[dict[str, Any]], history: History) -> None:
    for each in runs:
        history.note(kind, **{name: each[name] for name in NOTED})
