"""createRun with all it takes, and everything that is asked about runs."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest

from adf_trigger.local.factory.app import FactoryConfig
from adf_trigger.local.factory.options import Options

NOTHING: dict[str, Any] = {"activities": []}
WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00.0000000Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}


@pytest.fixture
def path(served: Any) -> str:
    """Path of an empty factory."""
    factory: str = served.create_factory()
    return factory


def expression(text: str) -> dict[str, str]:
    """An expression object."""
    return {"value": text, "type": "Expression"}


def activity(name: str, kind: str, after: str | None = None, **properties: Any) -> dict[str, Any]:
    """An activity, perhaps after the success of another."""
    depends_on = [{"activity": after, "dependencyConditions": ["Succeeded"]}] if after else []
    return {"name": name, "type": kind, "dependsOn": depends_on, "typeProperties": properties}


def create_run(served: Any, path: str, pipeline: str = "p", body: Any = None, **query: Any) -> httpx.Response:
    """POST createRun."""
    reply: httpx.Response = served.client.post(
        f"{path}/pipelines/{pipeline}/createRun", params=served.version | query, json=body
    )
    return reply


def run_id_of(reply: httpx.Response) -> str:
    """The run id in a reply."""
    assert reply.status_code == 200, reply.text
    run_id: str = reply.json()["runId"]
    return run_id


def error(reply: httpx.Response) -> tuple[int, str, str, str | None]:
    """Status, code, message and target."""
    body = reply.json()["error"]
    return reply.status_code, body["code"], body["message"], body["target"]


class TestParameters:
    """What createRun makes of its body."""

    TYPES: ClassVar[dict[str, Any]] = {
        "s": {"type": "string"},
        "i": {"type": "Int", "defaultValue": 7},
        "a": {"type": "Array"},
        "o": {"type": "Object"},
        "b": {"type": "Bool"},
    }

    @pytest.fixture
    def pipeline(self, served: Any, path: str) -> str:
        """A pipeline with parameters of most types."""
        served.put(f"{path}/pipelines/p", {"activities": [], "parameters": self.TYPES})
        return path

    def test_values_are_text_on_the_wire(self, served: Any, pipeline: str) -> None:
        """Arrays, objects, numbers and truth values are shown as JSON text, defaults are filled in."""
        body = {"s": "x", "a": ["exampleoutput.csv"], "o": {"k": 1}, "b": True}
        run_id = run_id_of(create_run(served, pipeline, body=body))
        run = served.client.get(f"{pipeline}/pipelineruns/{run_id}").json()
        assert run["parameters"] == {
            "s": "x",
            "i": "7",
            "a": '["exampleoutput.csv"]',
            "o": '{"k":1}',
            "b": "true",
        }

    @pytest.mark.parametrize("body", [None, {}])
    def test_no_body_and_an_empty_one_are_the_same(self, served: Any, pipeline: str, body: Any) -> None:
        """The body is optional."""
        assert create_run(served, pipeline, body=body).status_code == 200

    @pytest.mark.parametrize("body", [[], "x", 1, True])
    def test_a_body_that_is_no_object_is_refused(self, served: Any, pipeline: str, body: Any) -> None:
        """The body is a map."""
        assert error(create_run(served, pipeline, body=body))[:2] == (400, "BadRequest")

    def test_undeclared_and_missing_ones_are_accepted_unless_told_otherwise(
        self, served: Any, pipeline: str
    ) -> None:
        """By default a name too much or too little does not stop createRun; options turn each into a 400."""
        assert create_run(served, pipeline, body={"unknown": 1}).status_code == 200
        served.control("PATCH", "options", json={"undeclared_parameters": "refused"})
        status, code, message, target = error(create_run(served, pipeline, body={"unknown": 1, "s": "x"}))
        assert (status, code) == (400, "BadRequest")
        assert "'unknown'" in message
        assert target is not None
        assert re.fullmatch(r"pipeline/p/runid/[0-9a-f-]{36}", target)
        served.control("PATCH", "options", json={"missing_parameters": "refused"})
        message = error(create_run(served, pipeline, body={"s": "x"}))[2]
        assert "'a', 'o', 'b'" in message
        assert served.control("GET", "runs")["count"] == 1, "a refused createRun leaves no run"

    @pytest.mark.parametrize(("name", "value"), [("i", "many"), ("a", "x"), ("o", "x"), ("b", "perhaps")])
    def test_a_value_of_another_type_is_refused_unless_told_otherwise(
        self, served: Any, pipeline: str, name: str, value: str
    ) -> None:
        """A text that is no Int, Array, Object or Bool is a 400; an option lets it through as it is."""
        assert error(create_run(served, pipeline, body={name: value}))[:2] == (400, "BadRequest")
        served.control("PATCH", "options", json={"mismatched_parameters": "accepted"})
        run_id = run_id_of(create_run(served, pipeline, body={name: value}))
        assert served.client.get(f"{pipeline}/pipelineruns/{run_id}").json()["parameters"][name] == value

    def test_a_missing_value_fails_the_run_where_it_is_used(self, served: Any, path: str) -> None:
        """A run without a value starts, and its message names the activity that needed it."""
        wait = activity("w", "Wait", waitTimeInSeconds=expression("@pipeline().parameters.seconds"))
        served.put(f"{path}/pipelines/p", {"activities": [wait], "parameters": {"seconds": {"type": "Int"}}})
        run = served.wait_for(path, run_id_of(create_run(served, path)))
        assert run["status"] == "Failed"
        assert run["message"].startswith("Operation on target w failed: ")

    def test_run_dimensions_and_annotations_come_from_the_definition(self, served: Any, path: str) -> None:
        """Run dimensions are evaluated with the run's parameters, annotations are copied."""
        served.put(
            f"{path}/pipelines/p",
            {
                "activities": [],
                "annotations": ["nightly"],
                "parameters": {"JobId": {"type": "String"}},
                "runDimensions": {"JobId": expression("@pipeline().parameters.JobId")},
            },
        )
        run = served.wait_for(path, run_id_of(create_run(served, path, body={"JobId": "42"})))
        assert (run["runDimension"], run["annotations"]) == ({"JobId": "42"}, ["nightly"])


class TestTemplates:
    """createRun refuses a published pipeline that cannot be run."""

    @pytest.mark.parametrize(
        ("activities", "detail"),
        [
            (
                [activity("a", "Wait", after="ghost", waitTimeInSeconds=0)],
                "The 'runAfter' property of template action 'a' contains non-existent action: 'ghost'.",
            ),
            (
                [activity("a", "Wait", waitTimeInSeconds=expression("@activity('ghost').output.n"))],
                "The action(s) 'ghost' referenced by 'inputs' in action 'a' are not defined in the template",
            ),
            ([activity("a", "Wait", waitTimeInSeconds=expression("@add(1"))], "'a' is not valid"),
            ([activity("a", "Wait", waitTimeInSeconds=expression("@nosuch(1)"))], "'nosuch'"),
            ([activity("a", "Wait", after="b"), activity("b", "Wait", after="a")], "The template validation"),
        ],
    )
    def test_it_is_published_but_not_run(
        self, served: Any, path: str, activities: list[Any], detail: str
    ) -> None:
        """Dependencies on nothing and expressions that can never work pass PUT and stop createRun."""
        served.put(f"{path}/pipelines/p", {"activities": activities})
        status, code, message, target = error(create_run(served, path))
        assert (status, code) == (400, "BadRequest")
        assert message.startswith("ErrorCode=InvalidTemplate, ErrorMessage=The template validation failed: '")
        assert detail in message
        assert target is not None
        assert target.startswith("pipeline/p/runid/")

    def test_an_unknown_pipeline_is_not_found(self, served: Any, path: str) -> None:
        """createRun of what was never published is the service's 404."""
        assert error(create_run(served, path, "none"))[:2] == (404, "NotFound")


class TestReruns:
    """referencePipelineRunId and what belongs to it."""

    @pytest.fixture
    def failed(self, served: Any, path: str) -> tuple[str, str]:
        """A factory, and a run in it that has failed in its second activity."""
        served.put(
            f"{path}/pipelines/p",
            {
                "activities": [
                    activity("first", "SetVariable", variableName="v", value="x"),
                    activity("second", "Fail", after="first", message="no", errorCode="500"),
                ],
                "variables": {"v": {"type": "String"}},
                "parameters": {"p": {"type": "String"}},
            },
        )
        run_id = run_id_of(create_run(served, path, body={"p": "kept"}))
        assert served.wait_for(path, run_id)["status"] == "Failed"
        return path, run_id

    def test_a_recovery_joins_the_group_and_inherits_parameters(
        self, served: Any, failed: tuple[str, str]
    ) -> None:
        """The new run has a new id, the old group and parameters, and is the latest; the old one is not."""
        path, first = failed
        second = run_id_of(
            create_run(
                served,
                path,
                body={"p": "ignored"},
                referencePipelineRunId=first,
                isRecovery="true",
                startFromFailure="true",
            )
        )
        runs = {run_id: served.wait_for(path, run_id) for run_id in (first, second)}
        assert first != second
        assert runs[second]["runGroupId"] == first
        assert runs[second]["parameters"] == {"p": "kept"}
        assert (runs[first]["isLatest"], runs[second]["isLatest"]) == (False, True)
        query = {**WINDOW, "filters": [{"operand": "LatestOnly", "operator": "Equals", "values": ["true"]}]}
        latest = served.client.post(f"{path}/queryPipelineRuns", json=query).json()["value"]
        assert [run["runId"] for run in latest] == [second]

    def test_without_recovery_it_is_a_group_of_its_own(self, served: Any, failed: tuple[str, str]) -> None:
        """referencePipelineRunId alone takes the parameters and nothing else."""
        path, first = failed
        second = run_id_of(create_run(served, path, referencePipelineRunId=first))
        run = served.wait_for(path, second)
        assert (run["runGroupId"], run["parameters"]) == (second, {"p": "kept"})
        assert served.client.get(f"{path}/pipelineruns/{first}").json()["isLatest"] is True

    def test_a_run_can_start_at_an_activity(self, served: Any, failed: tuple[str, str]) -> None:
        """startActivityName names one of the pipeline's activities; another name is refused."""
        path, first = failed
        query = {"referencePipelineRunId": first, "isRecovery": "true"}
        assert create_run(served, path, **query, startActivityName="second").status_code == 200
        assert error(create_run(served, path, **query, startActivityName="third"))[:2] == (400, "BadRequest")

    def test_what_is_no_run_id_is_refused(self, served: Any, failed: tuple[str, str]) -> None:
        """The service's own text for an id that is none, and for one that is unknown."""
        path, _ = failed
        assert error(create_run(served, path, referencePipelineRunId="{}")) == (
            400,
            "ReferencedPipelineRunNotValid",
            "Referenced pipeline run id {} is not a valid run id.",
            "pipeline/p/",
        )
        unknown = str(uuid4())
        assert error(create_run(served, path, referencePipelineRunId=unknown))[:3] == (
            400,
            "ReferencedPipelineRunNotFound",
            f"Referenced pipeline run id {unknown} does not exist.",
        )

    def test_a_flag_that_is_no_boolean_is_refused(self, served: Any, failed: tuple[str, str]) -> None:
        """isRecovery is true or false."""
        path, first = failed
        reply = create_run(served, path, referencePipelineRunId=first, isRecovery="maybe")
        assert error(reply)[:2] == (400, "BadRequest")


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

    def test_it_is_recursive_when_asked(self, served: Any, waiting: tuple[str, str, str]) -> None:
        """A recursive cancel ends the run and its child; the reply has no body."""
        path, parent, child = waiting
        reply = self.cancel(served, path, parent, isRecursive="true")
        assert (reply.status_code, reply.content, reply.headers["content-length"]) == (200, b"", "0")
        assert [served.wait_for(path, run)["status"] for run in (parent, child)] == ["Cancelled"] * 2

    def test_it_leaves_children_alone_otherwise(self, served: Any, waiting: tuple[str, str, str]) -> None:
        """Without isRecursive the child goes on."""
        path, parent, child = waiting
        assert self.cancel(served, path, parent).status_code == 200
        assert served.wait_for(path, parent)["status"] == "Cancelled"
        assert served.client.get(f"{path}/pipelineruns/{child}").json()["status"] == "InProgress"

    def test_an_unknown_run_is_a_400(self, served: Any, path: str) -> None:
        """The service's recorded answer."""
        assert error(self.cancel(served, path, "someGuid")) == (
            400,
            "ReferencedPipelineRunNotFound",
            "Referenced pipeline run id someGuid does not exist.",
            "pipelinerun",
        )

    def test_a_run_that_has_ended_is_refused_unless_told_otherwise(self, served: Any, path: str) -> None:
        """What the service does is not known: by default a 400, by an option a 200 that changes nothing."""
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
        """Ids of runs that have ended, of two pipelines by turns, in order."""
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

    def test_pages_of_a_hundred(self, served: Any, path: str) -> None:
        """Every run is on one page, in order; the last page has no token, and a token is of its query alone."""
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
    def test_what_is_no_query_is_refused(self, served: Any, path: str, body: Any, message: str) -> None:
        """Every part of a query that is not understood is a 400 that names it."""
        reply = served.client.post(f"{path}/queryPipelineRuns", json=body)
        assert error(reply)[:2] == (400, "BadRequest")
        assert message in error(reply)[2]

    def test_activity_runs_are_filtered_and_ordered(self, served: Any, path: str) -> None:
        """Activity runs can be asked for by name, type and status, in an order; an old window is empty."""
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


class TestStrictness:
    """Limits on runs and queries that a strict emulator keeps."""

    def test_queries_of_a_factory_are_limited(self, serve: Any, token_authority: Any) -> None:
        """After 1,000 monitoring queries at once the next is a 429 with Retry-After; other factories go on."""
        now = datetime.now(tz=UTC)
        served = serve(FactoryConfig(tokens=token_authority, options=Options(strict=True), clock=lambda: now))
        path, other = served.create_factory(), served.create_factory("adf-other")
        url = f"{path}/queryPipelineRuns"
        statuses = [served.client.post(url, json=WINDOW).status_code for _ in range(1001)]
        assert statuses == [200] * 1000 + [429]
        refused = served.client.post(url, json=WINDOW)
        assert (refused.json()["error"]["code"], refused.headers["retry-after"]) == ("TooManyRequests", "1")
        assert served.client.post(f"{other}/queryPipelineRuns", json=WINDOW).status_code == 200

    def test_a_hundred_runs_of_a_pipeline_may_wait(self, serve: Any) -> None:
        """With concurrency 1, one run goes on, a hundred wait, and the next createRun is refused."""
        served = serve(strict=True)
        path = served.create_factory()
        wait = activity("w", "Wait", waitTimeInSeconds=600)
        served.put(f"{path}/pipelines/p", {"activities": [wait], "concurrency": 1})
        statuses = [create_run(served, path).status_code for _ in range(102)]
        assert statuses == [200] * 101 + [400]


class TestLegacyPaths:
    """The forms of the 2017-09-01-preview version."""

    def test_they_answer_like_their_successors(self, served: Any, path: str) -> None:
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
