"""Time-outs of a REST source, and the limits of its rules and its linked service."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.harness import Answer, Asked, RestService, Storage, rest_service
from tests.integration.emulator.copying.rest_exports import export

ONE_SECOND = {"httpRequestTimeout": "00:00:01"}
BODY = b'{"items": [1, 2, 3]}'


@contextmanager
def halting(before: float, amid: float) -> Iterator[RestService]:
    """A server that pauses before its answer begins, and in the middle of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(before)
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY[:5])
            self.wfile.flush()
            time.sleep(amid)
            self.wfile.write(BODY[5:])

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield RestService(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def test_the_timeout_ends_when_the_response_begins(storage: Storage) -> None:
    """A body that takes longer than httpRequestTimeout is read to its end."""
    with halting(before=0.0, amid=1.6) as service:
        _, objects = export(storage, service, ONE_SECOND)
    assert objects == [{"items": [1, 2, 3]}]


def test_a_response_that_does_not_begin_in_time_fails(storage: Storage) -> None:
    """The time-out covers the whole wait for the response, and the error names it."""
    with (
        halting(before=1.6, amid=0.0) as service,
        pytest.raises(ActivityFailed, match=r"within 1\.0 seconds"),
    ):
        export(storage, service, ONE_SECOND)


@pytest.mark.parametrize("rule", ["AbsoluteUrl", "QueryParameters.page"])
def test_a_rule_by_json_path_needs_one_object(storage: Storage, rule: str) -> None:
    """Several objects under a JSONPath are RestMoreThanOneObjectsReturned."""
    answer: Callable[[Asked], Answer] = lambda _: Answer([{"next": "/2"}, {"next": "/3"}])  # noqa: E731 - short
    with (
        rest_service(answer) as service,
        pytest.raises(ActivityFailed, match="ErrorCode=RestMoreThanOneObjectsReturned"),
    ):
        export(storage, service, {"paginationRules": {rule: "$.next"}})


def test_other_rules_accept_several_objects(storage: Storage) -> None:
    """A rule by a header, and an array of one object under a JSONPath, are accepted."""

    def answer(asked: Asked) -> Answer:
        more = {"X-Next": "/last"} if asked.path != "/last" else {}
        return Answer([{"id": 1}, {"id": 2}], headers=more)

    with rest_service(answer) as service:
        _, objects = export(storage, service, {"paginationRules": {"AbsoluteUrl": "Headers.X-Next"}})
    assert len(objects) == 4
    with rest_service(lambda _: Answer([{"id": 1, "next": None}])) as service:
        _, objects = export(storage, service, {"paginationRules": {"AbsoluteUrl": "$[0].next"}})
    assert len(objects) == 1
