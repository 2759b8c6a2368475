"""Functions are called as by the Python worker."""

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import azure.functions as func
import pytest
from azure.functions.meta import Datum

from adf_trigger.functions_host.common.errors import FunctionFailed
from adf_trigger.functions_host.queues.ports import LeasedMessage
from adf_trigger.functions_host.timers.listener import timer_datum
from adf_trigger.functions_host.timers.ports import ScheduleStatus
from adf_trigger.functions_host.triggers import queue_datum, queue_metadata
from adf_trigger.functions_host.worker.context import InvocationTrace
from adf_trigger.functions_host.worker.index import HttpTrigger, IndexedFunction, TimerTrigger
from adf_trigger.functions_host.worker.invoker import Invoker
from adf_trigger.functions_host.worker.logs import JsonLines, current_invocation
from tests.unit.functions_host.doubles import START, a_function

TEXT = Datum("hello", "string")
HTTP = HttpTrigger("x", None, "anonymous")
TIMER = TimerTrigger("* * * * * *", run_on_startup=False, use_monitor=True)
FIXED = UUID("6f1c2a52-0000-4000-8000-000000000000")


def keep_in(seen: list[Any]) -> Callable[..., None]:
    """A function that keeps its argument."""

    def keep(_value: Any) -> None:
        seen.append(_value)

    return keep


def invoke(
    function: IndexedFunction, value: Datum = TEXT, metadata: dict[str, Datum] | None = None, **options: Any
) -> Datum | None:
    """Call a function once."""

    async def main() -> Datum | None:
        invoker = Invoker(ids=lambda: FIXED, **options)
        try:
            return await invoker.invoke(function, value, metadata, reason="a test")
        finally:
            invoker.close()

    return asyncio.run(main())


def test_a_plain_function_runs_in_a_thread_of_its_pool() -> None:
    """It does not run on the loop's thread, and a pool of one runs one at a time."""
    names: list[str] = []
    most = running = 0
    lock = threading.Lock()

    def work(_value: str) -> None:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        names.append(threading.current_thread().name)
        time.sleep(0.01)
        with lock:
            running -= 1

    async def main() -> None:
        invoker = Invoker(threads=1)
        function = a_function(work, annotation=str)
        await asyncio.gather(*(invoker.invoke(function, TEXT, reason="a test") for _ in range(4)))
        invoker.close()

    asyncio.run(main())
    assert (set(names), most) == ({"function_0"}, 1)


def test_an_async_function_runs_on_the_loop() -> None:
    """Async functions share the loop, as in the worker."""
    threads: list[threading.Thread] = []

    async def work(_value: str) -> None:
        threads.append(threading.current_thread())

    invoke(a_function(work, annotation=str))
    assert threads == [threading.current_thread()]


def test_a_function_that_raises_fails_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    """The invocation fails, the exception is its cause, and is logged with its traceback."""

    def work(_value: str) -> None:
        raise ValueError("what went wrong")

    with pytest.raises(FunctionFailed) as failure:
        invoke(a_function(work, annotation=str))
    assert isinstance(failure.value.__cause__, ValueError)
    (record,) = [record for record in caplog.records if record.__dict__.get("action") == "function_failed"]
    assert record.exc_info is not None
    assert record.exc_info[1] is failure.value.__cause__


@pytest.mark.parametrize("raised", [SystemExit, StopIteration])
def test_a_function_that_exits_fails_only_its_invocation(raised: type[BaseException]) -> None:
    """sys.exit, or a StopIteration that no future can hold, within a function does not end the host."""

    def work(_value: str) -> None:
        raise raised

    with pytest.raises(FunctionFailed):
        invoke(a_function(work, annotation=str))


def test_a_value_from_a_function_without_return_binding_fails_it() -> None:
    """The worker rejects a value without a binding: a queue function that returns one has failed."""
    with pytest.raises(FunctionFailed, match=r"no \$return binding"):
        invoke(a_function(lambda _value: "something", annotation=str))


def test_an_http_function_must_return_a_response() -> None:
    """A dictionary, or None, is no HttpResponse; a string is."""
    request = Datum(
        dict.fromkeys(("method", "url"), Datum("", "string"))
        | {"headers": {}, "query": {}, "params": {}, "body": Datum(b"", "bytes")},
        "http",
    )
    wrongs: list[object] = [{}, None]
    for wrong in wrongs:
        with pytest.raises(FunctionFailed, match="not an HttpResponse"):
            invoke(a_function(lambda _value, result=wrong: result, HTTP), request)
    answer = invoke(a_function(lambda _value: "text", HTTP), request)
    assert answer is not None
    assert (answer.type, answer.value) == ("string", "text")


def test_a_function_beyond_its_timeout_fails_concurrent_calls_too() -> None:
    """functionTimeout kills the worker: running invocations fail, later ones succeed."""
    killed: list[float] = []

    async def work(_value: str) -> None:
        await asyncio.sleep(10)

    async def main() -> tuple[object, object]:
        invoker = Invoker(timeout=0.2, kill=lambda: killed.append(time.monotonic()))
        function = a_function(work, annotation=str)
        first = asyncio.create_task(invoker.invoke(function, TEXT, reason="the late one"))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(invoker.invoke(function, TEXT, reason="an innocent one"))
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        await invoker.invoke(
            a_function(lambda _value: time.sleep(0.05), annotation=str), TEXT, reason="short"
        )
        await asyncio.wait_for(invoker.idle(), 60)
        return outcomes

    late, innocent = asyncio.run(main())
    assert "functionTimeout" in str(late)
    assert "its worker was killed" in str(innocent)
    assert len(killed) == 1


def test_the_end_of_the_worker_fails_every_call_in_progress() -> None:
    """Those that began after the kill, too, so that their messages are released before the process ends."""

    async def work(_value: str) -> None:
        await asyncio.sleep(10)

    async def main() -> BaseException | Datum | None:
        invoker = Invoker(timeout=0.5, kill=lambda: None)
        function = a_function(work, annotation=str)
        with pytest.raises(FunctionFailed, match="functionTimeout"):
            await invoker.invoke(function, TEXT, reason="the late one")
        later = asyncio.create_task(invoker.invoke(function, TEXT, reason="one that came later"))
        await asyncio.sleep(0.05)
        assert not later.done()
        invoker.cut()
        (outcome,) = await asyncio.gather(later, return_exceptions=True)
        return outcome

    assert "its worker was killed" in str(asyncio.run(main()))


@pytest.mark.parametrize("is_async", [False, True])
def test_on_a_forgiving_host_a_time_out_fails_only_its_function(*, is_async: bool) -> None:
    """The wait ends; an async function is cancelled, a thread is abandoned and counted."""
    release = threading.Event()

    def in_thread(_value: str) -> None:
        release.wait(60)

    async def on_loop(_value: str) -> None:
        await asyncio.sleep(10)

    async def main() -> None:
        invoker = Invoker(timeout=0.05)
        function = a_function(on_loop if is_async else in_thread, annotation=str)
        with pytest.raises(FunctionFailed, match="functionTimeout"):
            await invoker.invoke(function, TEXT, reason="a test")
        if not is_async:
            assert invoker.running == 1
            release.set()
        await asyncio.wait_for(invoker.idle(), 60)
        assert invoker.running == 0

    asyncio.run(main())


def test_context_describes_the_invocation() -> None:
    """A function with the parameter `context` gets id, name, folder and trace."""
    seen: list[func.Context] = []

    def work(_value: str, context: func.Context) -> None:
        seen.append(context)

    async def main() -> None:
        function = a_function(work, annotation=str, wants_context=True)
        trace = InvocationTrace("00-aa-bb-01", "x=1")
        await Invoker(ids=lambda: FIXED).invoke(function, TEXT, reason="a test", trace=trace)

    asyncio.run(main())
    (context,) = seen
    assert (context.invocation_id, context.function_name, context.function_directory) == (
        str(FIXED),
        "work",
        "/app",
    )
    assert (context.trace_context.trace_parent, context.trace_context.trace_state) == ("00-aa-bb-01", "x=1")
    assert (context.retry_context.retry_count, context.retry_context.max_retry_count) == (0, 0)


def test_log_records_of_a_function_carry_its_invocation() -> None:
    """A function's record is a JSON line with its name and invocation id; its extra is lost, the host's is kept."""
    lines: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Collect()
    handler.setFormatter(JsonLines())
    logger = logging.Logger("the app", logging.INFO)  # noqa: LOG001 - apart from the root's handlers
    logger.addHandler(handler)

    def work(_value: str) -> None:
        try:
            os.environ[f"NO {_value}"]
        except KeyError:
            logger.exception("Lost %s", _value, extra={"action": "value_lost", "when": START})

    invoke(a_function(work, annotation=str))
    logger.info("Elsewhere")
    logger.name = "adf_trigger.functions_host.tests"
    logger.info("Of the host", extra={"action": "from_host", "when": START})
    first, second, third = map(json.loads, lines)
    assert (first["function"], first["invocation_id"]) == ("work", str(FIXED))
    assert (first["message"], first["level"]) == ("Lost hello", "ERROR")
    assert not {"action", "when"} & set(first)
    assert (third["action"], third["when"]) == ("from_host", str(START))
    assert "KeyError: 'NO hello'" in first["exception"]
    assert "function" not in second
    assert current_invocation.get() is None


def test_a_queue_message_is_built_as_the_worker_does() -> None:
    """Body, id, count, receipt and the three times arrive, the times aware and in UTC."""
    seen: list[func.QueueMessage] = []
    message = LeasedMessage(
        id="7",
        content="ignored here",
        pop_receipt="receipt",
        dequeue_count=3,
        inserted_on=START,
        expires_on=START.replace(month=12),
        next_visible_on=START.replace(minute=10, microsecond=5),
    )
    function = a_function(keep_in(seen))
    invoke(function, queue_datum(function.trigger, "grün".encode()), queue_metadata(message))  # type: ignore[arg-type] # a_function's default is a queue
    (got,) = seen
    assert (got.id, got.dequeue_count, got.pop_receipt, got.get_body()) == (
        "7",
        3,
        "receipt",
        "grün".encode(),
    )
    assert (got.insertion_time, got.expiration_time, got.time_next_visible) == (
        message.inserted_on,
        message.expires_on,
        message.next_visible_on,
    )


@pytest.mark.parametrize(("annotation", "expected"), [(str, "body"), (bytes, b"body")])
def test_a_parameter_may_have_the_type_of_the_body(annotation: type, expected: object) -> None:
    """Annotated with str or bytes, a queue function gets the body itself."""
    seen: list[object] = []
    invoke(a_function(keep_in(seen), annotation=annotation), Datum("body", "string"))
    assert seen == [expected]


def test_a_timer_request_has_past_due_and_schedule() -> None:
    """past_due and the stored status are passed; without monitor the status is empty."""
    seen: list[Any] = []
    function = a_function(keep_in(seen), TIMER)
    status = ScheduleStatus(last=START, next=START, last_updated=START)
    invoke(function, timer_datum(status, past_due=True))
    invoke(function, timer_datum(None, past_due=False))
    assert all(issubclass(type(request), func.TimerRequest) for request in seen)
    assert (seen[0].past_due, seen[0].schedule_status) == (True, status.to_json())
    assert seen[0].schedule == {"AdjustForDST": True}
    assert (seen[1].past_due, seen[1].schedule_status) == (False, {})


def test_a_value_that_cannot_be_converted_fails_the_invocation() -> None:
    """A value of an unknown type for the trigger's converter is a failure, not an error of the host."""
    with pytest.raises(FunctionFailed, match="cannot take"):
        invoke(a_function(lambda _value: None, TIMER), Datum("x", "string"))


def test_the_default_pool_is_pythons() -> None:
    """Without PYTHON_THREADPOOL_THREAD_COUNT there are as many threads as in Python's default pool."""
    with ThreadPoolExecutor() as pythons:
        threads = pythons._max_workers
    barrier = threading.Barrier(threads, timeout=60)

    def work(_value: str) -> None:
        barrier.wait()

    async def main() -> None:
        invoker = Invoker()
        function = a_function(work, annotation=str)
        await asyncio.gather(*(invoker.invoke(function, TEXT, reason="a test") for _ in range(threads)))
        invoker.close()

    asyncio.run(main())
    assert not barrier.broken
