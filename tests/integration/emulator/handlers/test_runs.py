"""Queries of runs, and their cancellation."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.emulator.calls import NOTHING, WINDOW, activity, create_run, error, run_id_of


@pytest.fixture
def path(served: Any) -> str:
    """Path of an empty factory."""
    factory: str = served.create_factory()
    return factory


class TestCancel:
    """PipelineRuns_Cancel."""

    @pytest.fixture
    def waiting(self, served: Any, path: str) -> tuple[str, str, str]:
        """A factory, a run that waits for its child, and the child, which waits."""
        served.put(f"{path}/pipelines/child", {"activities": [activity("w", "Wait", waitTimeInSeconds=600)]})
        call = activity(
            "call",
            "ExecutePipeline",
            pipeline={"referenceName": "child", "type": "PipelineReference"},
            waitOnCompletion=True,
        )
        served.put(f"{path}/pipelines/p", {"activities": [call]})
        parent = run_id_of(create_run(served, path))
        while not (
            found := [
                run["runId"]
                for run in served.control("GET", "runs", params={"pipeline": "child"})["runs"]
                if run["status"] == "InProgress"
            ]
        ):
            pass
        return path, parent, found[0]

    def cancel(self, served: Any, path: str, run_id: str, **query: str) -> httpx.Response:
        reply: httpx.Response = served.client.post(
            f"{path}/pipelineruns/{run_id}/cancel", params=served.version | query
        )
        return reply

    def test_it_is_recursive_when_requested(self, served: Any, waiting: tuple[str, str, str]) -> None:
        """A recursive cancel ends the run and its child; the reply has no body."""
        path, parent, child = waiting
        reply = self.cancel(served, path, parent, isRecursive="true")
        assert (reply.status_code, reply.content, reply.headers["content-length"]) == (200, b"", "0")
        assert [served.wait_for(path, run)["status"] for run in (parent, child)] == ["Cancelled"] * 2

    def test_it_leaves_children_alone_by_default(self, served: Any, waiting: tuple[str, str, str]) -> None:
        """Without isRecursive the child stays in progress."""
        path, parent, child = waiting
        assert self.cancel(served, path, parent).status_code == 200
        assert served.wait_for(path, parent)["status"] == "Cancelled"
        assert served.client.get(f"{path}/pipelineruns/{child}").json()["status"] == "InProgress"

    def test_an_unknown_run_is_a_400(self, served: Any, path: str) -> None:
        """The error is the service's recorded one."""
        assert error(self.cancel(served, path, "someGuid")) == (
            400,
            "ReferencedPipelineRunNotFound",
            "Referenced pipeline run id someGuid does not exist.",
            "pipelinerun",
        )

    def test_a_run_that_has_ended_is_rejected_by_default(self, served: Any, path: str) -> None:
        """The service's reply is not known: by default a 400, by an option a 200 that changes nothing."""
        served.put(f"{path}/pipelines/p", NOTHING)
        run_id = run_id_of(create_run(served, path))
        served.wait_for(path, run_id)
        assert error(self.cancel(served, path, run_id))[:2] == (400, "BadRequest")
        served.control("PATCH", "options", json={"cancel_of_ended": "accepted"})
        assert self.cancel(served, path, run_id).status_code == 200
        assert served.client.get(f"{path}/pipelineruns/{run_id}").json()["status"] == "Succeeded"


class TestQueries:
    """queryPipelineRuns and queryActivityruns."""

    def ended(self, served: Any, path: str, count: int) -> list[str]:
        """Ids of ended runs of two alternating pipelines, in order."""
        for name in ("even", "odd"):
            served.put(f"{path}/pipelines/{name}", NOTHING)
        served.control("POST", "progression", json={"mode": "at-once"})
        served.control(
            "POST", "progression", json={"mode": "at-once", "outcome": "Failed", "pipeline": "odd"}
        )
        return [run_id_of(create_run(served, path, ("even", "odd")[number % 2])) for number in range(count)]

    @pytest.fixture
    def runs(self, served: Any, path: str) -> tuple[str, list[str]]:
        """A factory with a dozen runs that have ended, in order."""
        return path, self.ended(served, path, 12)

    def query(self, served: Any, path: str, **body: Any) -> list[list[str]]:
        """Run ids of all pages."""
        pages: list[list[str]] = []
        token: str | None = None
        while True:
            more: dict[str, Any] = {"continuationToken": token} if token else {}
            reply = served.client.post(f"{path}/queryPipelineRuns", json={**WINDOW, **body, **more})
            assert reply.status_code == 200, reply.text
            pages.append([run["runId"] for run in reply.json()["value"]])
            token = reply.json().get("continuationToken")
            if token is None:
                return pages

    def test_pages_have_a_hundred_runs(self, served: Any, path: str) -> None:
        """Every run is on one page, in order; the last page has no token, and a token is valid for its query alone."""
        ids = self.ended(served, path, 205)
        pages = self.query(served, path)
        assert [len(page) for page in pages] == [100, 100, 5]
        assert [run_id for page in pages for run_id in page] == ids
        token = served.client.post(f"{path}/queryPipelineRuns", json=WINDOW).json()["continuationToken"]
        other = {**WINDOW, "lastUpdatedAfter": "2001-01-01T00:00:00Z", "continuationToken": token}
        assert served.client.post(f"{path}/queryPipelineRuns", json=other).status_code == 400
        order = [{"orderBy": "Status", "order": "ASC"}, {"orderBy": "RunStart", "order": "DESC"}]
        found = [run_id for page in self.query(served, path, orderBy=order) for run_id in page]
        assert found == ids[1::2][::-1] + ids[0::2][::-1], "an order of two keys holds across pages"

    @pytest.mark.parametrize(
        ("operator", "values", "kept"),
        [
            ("Equals", ["EVEN"], {0}),
            ("NotEquals", ["even"], {1}),
            ("In", ["odd", "even"], {0, 1}),
            ("NotIn", ["even", "other"], {1}),
        ],
    )
    def test_operators(
        self, served: Any, runs: tuple[str, list[str]], operator: str, values: list[str], kept: set[int]
    ) -> None:
        """Equals, NotEquals, In and NotIn choose by the pipeline's name, in any case."""
        path, ids = runs
        condition = {"operand": "PipelineName", "operator": operator, "values": values}
        found = [run_id for page in self.query(served, path, filters=[condition]) for run_id in page]
        assert found == [run_id for number, run_id in enumerate(ids) if number % 2 in kept]

    def test_operands_combine(self, served: Any, runs: tuple[str, list[str]]) -> None:
        """Status, RunGroupId and times are operands too; all filters must hold."""
        path, ids = runs
        run = served.client.get(f"{path}/pipelineruns/{ids[1]}").json()
        filters = [
            {"operand": "Status", "operator": "Equals", "values": ["Failed"]},
            {"operand": "RunGroupId", "operator": "Equals", "values": [ids[1]]},
            {"operand": "RunStart", "operator": "Equals", "values": [run["runStart"]]},
            {"operand": "RunEnd", "operator": "NotIn", "values": ["2001-01-01T00:00:00Z"]},
        ]
        assert self.query(served, path, filters=filters) == [[ids[1]]]

    def test_a_window_is_inclusive_at_both_ends(self, served: Any, runs: tuple[str, list[str]]) -> None:
        """A window from a run's last update to itself holds the run."""
        path, ids = runs
        at = served.client.get(f"{path}/pipelineruns/{ids[7]}").json()["lastUpdated"]
        body = {"lastUpdatedAfter": at, "lastUpdatedBefore": at}
        assert ids[7] in self.query(served, path, **body)[0]

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ([], "not a JSON object"),
            ({}, "'lastUpdatedAfter' not found"),
            ({**WINDOW, "lastUpdatedBefore": "soon"}, "ISO 8601"),
            ({**WINDOW, "filters": {}}, "'filters' is not an array"),
            ({**WINDOW, "filters": ["x"]}, "not a JSON object"),
            (
                {**WINDOW, "filters": [{"operand": "RunId", "operator": "Equals", "values": ["x"]}]},
                "Filter operand 'RunId' is not supported",
            ),
            (
                {**WINDOW, "filters": [{"operand": "Status", "operator": "Like", "values": ["x"]}]},
                "Filter operator 'Like' is not supported",
            ),
            ({**WINDOW, "filters": [{"operand": "Status", "operator": "Equals"}]}, "has no values"),
            (
                {**WINDOW, "filters": [{"operand": "RunGroupId", "operator": "In", "values": ["a", "b"]}]},
                "Filter operand 'RunGroupId' does not support and array of values. Make sure to provide only one.",
            ),
            ({**WINDOW, "orderBy": [{"orderBy": "Nonsense"}]}, "OrderBy field 'Nonsense'"),
            ({**WINDOW, "orderBy": [{"orderBy": "Status", "order": "UP"}]}, "OrderBy 'Status'"),
            ({**WINDOW, "continuationToken": "nonsense"}, "The continuation token is not valid"),
        ],
    )
    def test_an_invalid_query_is_rejected(self, served: Any, path: str, body: Any, message: str) -> None:
        """Every part of a query that is not understood is named in the 400."""
        reply = served.client.post(f"{path}/queryPipelineRuns", json=body)
        assert error(reply)[:2] == (400, "BadRequest")
        assert message in error(reply)[2]

    def test_activity_runs_are_filtered_and_ordered(self, served: Any, path: str) -> None:
        """Activity runs can be filtered by name, type and status, and ordered; an old window is empty."""
        served.put(
            f"{path}/pipelines/p",
            {
                "activities": [
                    activity("b", "Wait", waitTimeInSeconds=0),
                    activity("a", "Fail", after="b", message="no", errorCode="1"),
                ]
            },
        )
        run_id = run_id_of(create_run(served, path))
        served.wait_for(path, run_id)

        def names(**body: Any) -> list[str]:
            reply = served.client.post(
                f"{path}/pipelineruns/{run_id}/queryActivityruns", json={**WINDOW, **body}
            )
            assert reply.status_code == 200, reply.text
            return [row["activityName"] for row in reply.json()["value"]]

        assert names(orderBy=[{"orderBy": "ActivityName", "order": "ASC"}]) == ["a", "b"]
        by_type = {"operand": "ActivityType", "operator": "Equals", "values": ["wait"]}
        by_status = {"operand": "Status", "operator": "NotEquals", "values": ["Succeeded"]}
        assert names(filters=[by_type]) == ["b"]
        assert names(filters=[by_status]) == ["a"]
        assert names(lastUpdatedBefore="2017-04-08T00:00:00Z") == []

    def test_runs_of_an_unknown_id(self, served: Any, path: str) -> None:
        """GET of an unknown run is 404; its activity runs are an empty list."""
        run_id = str(uuid4())
        assert error(served.client.get(f"{path}/pipelineruns/{run_id}"))[:2] == (404, "NotFound")
        assert served.client.post(f"{path}/pipelineruns/{run_id}/queryActivityruns").json() == {"value": []}


class TestLegacyPaths:
    """The forms of the 2017-09-01-preview version."""

    def test_they_answer_like_the_present_forms(self, served: Any, path: str) -> None:
        """Query, activity runs by GET, and cancel work on their old paths with the old version."""
        version = {"api-version": "2017-09-01-preview"}
        served.put(f"{path}/pipelines/p", {"activities": [activity("w", "Wait", waitTimeInSeconds=0)]})
        run_id = run_id_of(create_run(served, path))
        served.wait_for(path, run_id)
        listed = served.client.post(f"{path}/pipelineruns", params=version, json=WINDOW).json()["value"]
        assert [run["runId"] for run in listed] == [run_id]
        times = {"startTime": "2000-01-01", "endTime": "2100-01-01T00:00:00Z", "status": "Succeeded"}
        rows = served.client.get(f"{path}/pipelineruns/{run_id}/activityruns", params=version | times).json()
        assert [row["activityName"] for row in rows["value"]] == ["w"]
        none = served.client.get(
            f"{path}/pipelineruns/{run_id}/activityruns", params=version | times | {"activityName": "x"}
        )
        assert none.json() == {"value": []}
        cancelled = served.client.post(f"{path}/cancelpipelinerun/{uuid4()}", params=version)
        assert cancelled.json()["error"]["code"] == "ReferencedPipelineRunNotFound"
        bad = served.client.get(
            f"{path}/pipelineruns/{run_id}/activityruns", params=version | {"startTime": "soon"}
        )
        assert bad.status_code == 400
