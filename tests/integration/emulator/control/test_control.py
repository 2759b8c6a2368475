"""The control API: faults, progression, options, clock, requests, runs, reset."""

import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}
NOTHING: dict[str, Any] = {"activities": []}


@pytest.fixture
def path(served: Any) -> str:
    """Path of a factory with a pipeline `p` that ends immediately and a pipeline `slow` that waits."""
    factory: str = served.create_factory()
    served.put(f"{factory}/pipelines/p", NOTHING)
    wait = {"name": "w", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 60}}
    served.put(f"{factory}/pipelines/slow", {"activities": [wait]})
    return factory


def fault(served: Any, **rule: Any) -> Any:
    """Set one rule."""
    return served.control("POST", "faults", json={"rules": [rule]})


def create_run(served: Any, path: str, run_id: str | None = None, pipeline: str = "p") -> httpx.Response:
    """POST createRun."""
    headers = {"x-ms-client-request-id": run_id} if run_id else {}
    reply: httpx.Response = served.client.post(f"{path}/pipelines/{pipeline}/createRun", headers=headers)
    return reply


def run_count(served: Any) -> int:
    """How many runs there are."""
    count: int = served.control("GET", "runs")["count"]
    return count


class TestFaults:
    """Rules about single requests."""

    def test_a_status_before_the_effect_leaves_nothing_behind(self, served: Any, path: str) -> None:
        """A 503 before the effect has the given code and Retry-After, and no run was started."""
        fault(
            served,
            operation="CreateRun",
            fault="status",
            status=503,
            code="ServerBusy",
            message="later",
            retry_after=7,
            count=1,
        )
        reply = create_run(served, path)
        assert reply.status_code == 503
        assert reply.headers["retry-after"] == "7"
        assert reply.json() == {"error": {"code": "ServerBusy", "message": "later"}}
        assert "x-ms-request-id" in reply.headers
        assert run_count(served) == 0
        assert create_run(served, path).status_code == 200, "count=1: the next one passes"

    def test_a_status_after_the_effect_has_started_the_run(self, served: Any, path: str) -> None:
        """A 500 after the effect hides a run that exists."""
        run_id = str(uuid4())
        fault(served, operation="CreateRun", fault="status", status=500, when="after")
        assert create_run(served, path, run_id).status_code == 500
        assert served.client.get(f"{path}/pipelineruns/{run_id}").status_code == 200

    @pytest.mark.parametrize(("when", "started"), [("before", 0), ("after", 1)])
    def test_a_reset_is_a_tcp_reset(self, served: Any, path: str, when: str, started: int) -> None:
        """The client sees ECONNRESET, with the run started or not as the rule says."""
        fault(served, operation="CreateRun", fault="reset", when=when)
        host, port = served.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            raw.sendall(
                f"POST {path}/pipelines/p/createRun?api-version=2018-06-01 HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {served.token('Contributor')}\r\nContent-Length: 0\r\n\r\n".encode()
            )
            with pytest.raises(ConnectionResetError):
                raw.recv(100)
        assert run_count(served) == started

    def test_a_reset_works_over_tls(self, served: Any, path: str) -> None:
        """The connection breaks without a reply over https too."""
        fault(served, operation="GetPipeline", fault="reset")
        with (
            httpx.Client(verify=_trust(served), headers=served.client.headers) as client,
            pytest.raises(httpx.TransportError),
        ):
            client.get(f"{served.tls_url}{path}/pipelines/p", params=served.version)

    def test_a_dropped_reply_ends_the_connection_after_the_effect(self, served: Any, path: str) -> None:
        """The server closes without a byte, and the run is there."""
        fault(served, operation="CreateRun", fault="drop")
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            create_run(served, path)
        assert run_count(served) == 1

    def test_a_truncated_body_is_half_of_what_is_announced(self, served: Any, path: str) -> None:
        """Status and length arrive, then half the body, then the end."""
        fault(served, operation="CreateRun", fault="truncate")
        with pytest.raises(httpx.RemoteProtocolError, match="received 24 bytes, expected 48"):
            create_run(served, path)
        assert run_count(served) == 1

    def test_a_delay_before_postpones_the_effect(self, served: Any, path: str) -> None:
        """A client that gives up during a delay before the effect may be gone before the run starts."""
        fault(served, operation="CreateRun", fault="delay", seconds=0.4, count=1)
        began = time.monotonic()
        assert create_run(served, path).status_code == 200
        assert time.monotonic() - began >= 0.4

    def test_a_delay_after_exceeds_the_clients_timeout(self, served: Any, path: str) -> None:
        """A read time-out during a delay after the effect leaves a run behind."""
        fault(served, operation="CreateRun", fault="delay", seconds=30, when="after")
        with pytest.raises(httpx.ReadTimeout):
            served.client.post(f"{path}/pipelines/p/createRun", timeout=0.3)
        assert run_count(served) == 1

    def test_a_rule_of_one_factory_leaves_the_others_alone(self, served: Any, path: str) -> None:
        """Its calls answer as the rule says, all others as the service does; an invalid name is rejected."""
        other = served.create_factory("adf-other")
        served.put(f"{other}/pipelines/p", NOTHING)
        fault(served, fault="status", status=403, factory=path.upper())
        assert [served.client.get(each).status_code for each in (path, other)] == [403, 200]
        assert [create_run(served, each).status_code for each in (path, other)] == [403, 200]
        wrong = {"rules": [{"fault": "reset", "factory": "adf-other"}]}
        reply = served.client.post("/_emulator/faults", json=wrong)
        assert (reply.status_code, reply.json()["errors"][0]["where"]) == (400, "rules.0.reset.factory")

    def test_skip_and_count_choose_the_requests(self, served: Any, path: str) -> None:
        """skip lets the first ones pass, count ends the rule; the list has the number of its firings."""
        fault(served, operation="GetPipeline", fault="status", status=500, skip=1, count=2)
        statuses = [served.client.get(f"{path}/pipelines/p").status_code for _ in range(5)]
        assert statuses == [200, 500, 500, 200, 200]
        (rule,) = served.control("GET", "faults")
        assert (rule["seen"], rule["fired"]) == (5, 2)

    def test_probability_is_repeatable_with_a_seed(self, served: Any, path: str) -> None:
        """The same seed draws the same faults."""
        drawn = []
        for _ in range(2):
            served.control("DELETE", "faults")
            rule = {"operation": "GetPipeline", "fault": "status", "status": 500, "probability": 0.5}
            served.control("POST", "faults", json={"rules": [rule], "seed": 11})
            drawn.append([served.client.get(f"{path}/pipelines/p").status_code for _ in range(20)])
        assert drawn[0] == drawn[1]
        assert set(drawn[0]) == {200, 500}

    def test_a_star_matches_every_operation_and_delete_ends_it(self, served: Any, path: str) -> None:
        """`*` is every operation of the management API, and never the control API."""
        (rule,) = fault(served, fault="status", status=503)
        assert served.client.get(path).status_code == 503
        assert create_run(served, path).status_code == 503
        served.control("DELETE", f"faults/{rule['id']}")
        assert served.client.get(path).status_code == 200
        gone = served.client.delete(f"/_emulator/faults/{rule['id']}")
        assert gone.status_code == 404


class TestVisibility:
    """Rules about what reads show."""

    def test_a_run_is_missing_for_some_reads(self, served: Any, path: str) -> None:
        """GetRun answers 404 as often as the rule says, then finds the run."""
        fault(served, operation="GetRun", fault="missing", reads=2)
        run_id = create_run(served, path).json()["runId"]
        statuses = [served.client.get(f"{path}/pipelineruns/{run_id}").status_code for _ in range(3)]
        assert statuses == [404, 404, 200]

    def test_lists_leave_out_young_runs(self, served: Any, path: str) -> None:
        """A list leaves out runs that are younger than the rule says, while GetRun finds them."""
        fault(served, operation="QueryPipelineRuns", fault="missing", seconds=3600)
        run_id = create_run(served, path).json()["runId"]
        served.wait_for(path, run_id)
        query = served.client.post(f"{path}/queryPipelineRuns", json=WINDOW)
        assert query.json() == {"value": []}
        served.control("POST", "clock", json={"advance_seconds": 3601})
        query = served.client.post(f"{path}/queryPipelineRuns", json=WINDOW)
        assert [run["runId"] for run in query.json()["value"]] == [run_id]

    def test_lists_show_old_states_for_some_reads(self, served: Any, path: str) -> None:
        """A stale list shows the run Queued after it has ended, then as it is."""
        fault(served, operation="QueryPipelineRuns", fault="stale", reads=2)
        run_id = create_run(served, path).json()["runId"]
        served.wait_for(path, run_id)
        seen = []
        for _ in range(3):
            (run,) = served.client.post(f"{path}/queryPipelineRuns", json=WINDOW).json()["value"]
            seen.append((run["status"], run["runEnd"] is None))
        assert seen == [("Queued", True), ("Queued", True), ("Succeeded", False)]


class TestProgression:
    """How runs progress without being executed."""

    def set(self, served: Any, **body: Any) -> None:
        served.control("POST", "progression", json=body)

    def test_at_once(self, served: Any, path: str) -> None:
        """The run has ended with the configured outcome before createRun answers, without executing anything."""
        self.set(served, mode="at-once", outcome="Failed", message="as configured")
        run_id = create_run(served, path, pipeline="slow").json()["runId"]
        run = served.client.get(f"{path}/pipelineruns/{run_id}").json()
        assert (run["status"], run["message"]) == ("Failed", "as configured")

    def test_after_reads_by_get_and_by_list(self, served: Any, path: str) -> None:
        """Single reads and lists both count as reads of a run."""
        self.set(served, mode="after-reads", reads=2)
        run_id = create_run(served, path, pipeline="slow").json()["runId"]
        statuses = [served.client.get(f"{path}/pipelineruns/{run_id}").json()["status"]]
        for _ in range(2):
            (run,) = served.client.post(f"{path}/queryPipelineRuns", json=WINDOW).json()["value"]
            statuses.append(run["status"])
        assert statuses == ["InProgress", "InProgress", "Succeeded"]

    def test_after_seconds(self, served: Any, path: str) -> None:
        """The run ends when the time is over."""
        self.set(served, mode="after-seconds", seconds=0.05)
        run_id = create_run(served, path, pipeline="slow").json()["runId"]
        assert served.wait_for(path, run_id)["status"] == "Succeeded"

    def test_held_until_released(self, served: Any, path: str) -> None:
        """A held run is in progress until it is released, with the outcome that the release names."""
        self.set(served, mode="held", pipeline="slow")
        first, second = (create_run(served, path, pipeline="slow").json()["runId"] for _ in range(2))
        assert served.control("GET", "")["held"] == [first, second]
        served.control("POST", "release", json={"run_id": first, "outcome": "Failed"})
        assert served.wait_for(path, first)["status"] == "Failed"
        assert served.control("POST", "release", json={})["released"] == [second]
        assert served.client.post("/_emulator/release", json={"run_id": first}).status_code == 404
        ended = served.wait_for(path, create_run(served, path).json()["runId"])
        assert ended["status"] == "Succeeded", "the choice was for one pipeline"


class TestClientRequestId:
    """How createRun treats x-ms-client-request-id."""

    def test_honoured_by_default(self, served: Any, path: str) -> None:
        """The header's GUID is the run id; a repeat gives the same run and starts no other."""
        run_id = str(uuid4())
        replies = [create_run(served, path, run_id).json()["runId"] for _ in range(2)]
        assert replies == [run_id, run_id]
        assert run_count(served) == 1

    def test_ignored(self, served: Any, path: str) -> None:
        """The service makes its own id, and a repeat is another run."""
        served.control("POST", "client-request-id", json={"mode": "ignored"})
        run_id = str(uuid4())
        made = {create_run(served, path, run_id).json()["runId"] for _ in range(2)}
        assert len(made) == 2
        assert run_id not in made

    def test_a_repeat_rejected(self, served: Any, path: str) -> None:
        """The first call starts the run, a repeat is a conflict."""
        served.control("POST", "client-request-id", json={"mode": "repeat-refused"})
        run_id = str(uuid4())
        assert create_run(served, path, run_id).json()["runId"] == run_id
        assert create_run(served, path, run_id).status_code == 409
        assert run_count(served) == 1

    def test_a_header_that_is_no_guid_is_ignored(self, served: Any, path: str) -> None:
        """A header that is no GUID never becomes a run id."""
        assert create_run(served, path, "my-request").json()["runId"] != "my-request"

    def test_an_id_is_unique_across_factories(self, served: Any, path: str) -> None:
        """The id of a run in one factory is not given to another factory's."""
        other = served.create_factory("adf-other")
        served.put(f"{other}/pipelines/p", NOTHING)
        run_id = str(uuid4())
        assert create_run(served, path, run_id).json()["runId"] == run_id
        assert create_run(served, other, run_id).json()["runId"] != run_id

    def test_concurrent_repeats_start_one_run(self, served: Any, path: str) -> None:
        """Concurrent createRuns with one id all get the same run."""
        run_id = str(uuid4())
        with ThreadPoolExecutor(8) as threads:
            given = list(threads.map(lambda _: create_run(served, path, run_id).json()["runId"], range(16)))
        assert set(given) == {run_id}
        assert run_count(served) == 1


class TestTheRest:
    """Requests, clock, options, reset, rejections."""

    def test_requests_are_logged_and_counted(self, served: Any, path: str) -> None:
        """The log names operation, status, client request id and the faults that fired."""
        served.control("DELETE", "requests")
        fault(served, operation="GetPipeline", fault="status", status=500)
        run_id = str(uuid4())
        create_run(served, path, run_id)
        served.client.get(f"{path}/pipelines/p")
        log = served.control("GET", "requests")
        assert log["counts"] == {"CreateRun": 1, "GetPipeline": 1}
        first, second = log["requests"]
        assert (first["operation"], first["status"], first["clientRequestId"]) == ("CreateRun", 200, run_id)
        assert (second["status"], second["faults"]) == (500, ["status"])
        narrowed = served.control("GET", "requests", params={"operation": "CreateRun"})
        assert [seen["operation"] for seen in narrowed["requests"]] == ["CreateRun"]

    def test_the_clock_moves_and_old_runs_vanish(self, served: Any, path: str) -> None:
        """45 days later a run is neither found nor listed; tokens stay valid."""
        run_id = create_run(served, path).json()["runId"]
        served.wait_for(path, run_id)
        served.control("POST", "clock", json={"offset_seconds": 46 * 86400})
        assert served.client.get(f"{path}/pipelineruns/{run_id}").status_code == 404
        assert served.client.post(f"{path}/queryPipelineRuns", json=WINDOW).json() == {"value": []}

    def test_options_change_and_come_back_on_reset(self, served: Any, path: str) -> None:
        """PATCH changes options by name; reset brings back those of the start, and keeps resources on request."""
        assert served.control("PATCH", "options", json={"strict": True, "v1": False})["strict"] is True
        create_run(served, path)
        served.control("POST", "reset", json={"keep": "resources"})
        assert served.control("GET", "options")["strict"] is False
        assert run_count(served) == 0
        assert served.client.get(f"{path}/pipelines/p").status_code == 200
        served.control("POST", "reset")
        assert served.client.get(path).status_code == 404

    def test_a_reset_ends_unfinished_runs(self, served: Any, path: str) -> None:
        """A run in progress at a reset never comes back."""
        create_run(served, path, pipeline="slow")
        served.control("POST", "reset", json={"keep": "resources"})
        threading.Event().wait(0.1)
        assert run_count(served) == 0

    @pytest.mark.parametrize(
        ("method", "where", "body", "faults"),
        [
            ("POST", "faults", {"rules": [{"fault": "status"}]}, ["rules.0.status.status"]),
            ("POST", "faults", {"rules": [{"fault": "nonsense"}]}, ["rules.0"]),
            ("POST", "faults", {"rules": [{"fault": "reset", "operation": "Nope"}]}, ["rules"]),
            ("POST", "faults", {"rules": [], "more": 1}, ["rules", "more"]),
            ("POST", "progression", {"mode": "sideways", "reads": -1}, ["mode", "reads"]),
            ("POST", "clock", {}, [""]),
            ("POST", "client-request-id", {"mode": "maybe"}, ["mode"]),
            (
                "PATCH",
                "options",
                {"strict": "yes", "page_size": 0, "unknown": 1},
                ["strict", "page_size", "unknown"],
            ),
            ("POST", "reset", {"keep": "some"}, ["keep"]),
        ],
    )
    def test_an_invalid_body_is_rejected_with_every_fault(
        self, served: Any, method: str, where: str, body: Any, faults: list[str]
    ) -> None:
        """Each field that is not understood is named in the 400."""
        reply = served.client.request(method, f"/_emulator/{where}", json=body)
        assert reply.status_code == 400
        assert [item["where"] for item in reply.json()["errors"]] == faults


def _trust(served: Any) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(served.ca_file))
