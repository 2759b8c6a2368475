"""Calls work on threads of our own, behind an admission gate; errors are answered as problems."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from adf_trigger.errors import BadRequest, Fault, InvalidRequest
from adf_trigger.functions.problems import problem_of
from adf_trigger.functions_host.worker.context import InvocationContext
from adf_trigger.service.threads.workers import Workers
from tests.support.waiting import until
from tests.support.world import World
from tests.unit.functions.conftest import Caller

MINUTE = 60


def test_a_call_beyond_the_gate_is_503_and_starts_nothing() -> None:
    """Retry-After gives the time to come again; the call had no effect, so that its repeat is the first request."""
    go = threading.Event()

    @contextmanager
    def held(name: str) -> Iterator[None]:
        assert name != "records.claim" or go.wait(MINUTE)
        yield

    world = World(steps=held)
    world.factory.declare("load")
    workers = Workers(threads=1, queued=0)
    world.services = replace(world.services, workers=workers)
    caller = Caller(world)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(caller.post, {}, Idempotency_Key="first")
        until(lambda: workers.inside == 1, MINUTE)
        refused = caller.post({}, Idempotency_Key="second")
        go.set()
        assert first.result(MINUTE).status_code == 202
    assert refused.status_code == 503
    assert json.loads(refused.get_body())["type"].endswith("/try-later")
    assert int(refused.headers["Retry-After"]) >= 1
    assert len(world.factory.runs) == 1
    until(lambda: workers.inside == 0, MINUTE)
    assert caller.post({}, Idempotency_Key="second").status_code == 202


def test_what_is_logged_on_such_a_thread_names_its_invocation(caller: Caller) -> None:
    """The platform drops records without an invocation."""
    logged = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            storage = InvocationContext("", "", "").thread_local_storage
            logged.append((record.__dict__.get("action"), getattr(storage, "invocation_id", None)))

    logger, listening = logging.getLogger("adf_trigger.service.recording.start_moves"), Listening()
    logger.addHandler(listening)
    logger.setLevel(logging.INFO)
    try:
        assert caller.post({}).status_code == 202
    finally:
        logger.removeHandler(listening)
        logger.setLevel(logging.NOTSET)
    assert logged == [("run_started", "i-1")]


def test_a_problem_keeps_both_ends_of_a_long_reason() -> None:
    """A cause may stand at either end of Data Factory's text."""
    said = f"The pipeline is refused: {'x' * 20_000} Cause: no such dataset"
    problem = json.loads(problem_of(BadRequest(said, status=400)).get_body())
    assert problem["detail"].startswith("The pipeline is refused: x")
    assert problem["detail"].endswith("x Cause: no such dataset")
    faults = json.loads(problem_of(InvalidRequest([Fault("/p", said)])).get_body())["errors"]
    assert faults[0]["message"].endswith("x Cause: no such dataset")
