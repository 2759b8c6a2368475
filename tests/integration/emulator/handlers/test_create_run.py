"""createRun with all its inputs: parameters, templates, reruns, limits."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.hosting.app import FactoryConfig
from tests.integration.emulator.calls import (
    WINDOW,
    activity,
    create_run,
    error,
    expression,
    run_id_of,
)


@pytest.fixture
def path(served: Any) -> str:
    """Path of an empty factory."""
    factory: str = served.create_factory()
    return factory


class TestParameters:
    """How createRun treats the parameters in its body."""

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
    def test_a_body_that_is_no_object_is_rejected(self, served: Any, pipeline: str, body: Any) -> None:
        """A body that is not an object is a 400."""
        assert error(create_run(served, pipeline, body=body))[:2] == (400, "BadRequest")

    def test_undeclared_and_missing_ones_are_accepted_by_default(self, served: Any, pipeline: str) -> None:
        """By default an undeclared or missing parameter does not stop createRun; options turn each into a 400."""
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
        assert served.control("GET", "runs")["count"] == 1, "a rejected createRun leaves no run"

    @pytest.mark.parametrize(("name", "value"), [("i", "many"), ("a", "x"), ("o", "x"), ("b", "perhaps")])
    def test_a_value_of_another_type_is_rejected_by_default(
        self, served: Any, pipeline: str, name: str, value: str
    ) -> None:
        """A text that is no Int, Array, Object or Bool is a 400; an option lets it through unchanged."""
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
    """createRun rejects a published pipeline that cannot be run."""

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
        """createRun of a pipeline that was never published is the service's 404."""
        assert error(create_run(served, path, "none"))[:2] == (404, "NotFound")


class TestReruns:
    """referencePipelineRunId and the fields that go with it."""

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
        """referencePipelineRunId alone copies the parameters and nothing else."""
        path, first = failed
        second = run_id_of(create_run(served, path, referencePipelineRunId=first))
        run = served.wait_for(path, second)
        assert (run["runGroupId"], run["parameters"]) == (second, {"p": "kept"})
        assert served.client.get(f"{path}/pipelineruns/{first}").json()["isLatest"] is True

    def test_a_run_can_start_at_an_activity(self, served: Any, failed: tuple[str, str]) -> None:
        """startActivityName names one of the pipeline's activities; another name is rejected."""
        path, first = failed
        query = {"referencePipelineRunId": first, "isRecovery": "true"}
        assert create_run(served, path, **query, startActivityName="second").status_code == 200
        assert error(create_run(served, path, **query, startActivityName="third"))[:2] == (400, "BadRequest")

    def test_an_invalid_run_id_is_rejected(self, served: Any, failed: tuple[str, str]) -> None:
        """An id that is no GUID, and one that is unknown, have the service's own error texts."""
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

    def test_a_flag_that_is_no_boolean_is_rejected(self, served: Any, failed: tuple[str, str]) -> None:
        """isRecovery is true or false."""
        path, first = failed
        reply = create_run(served, path, referencePipelineRunId=first, isRecovery="maybe")
        assert error(reply)[:2] == (400, "BadRequest")


class TestStrictness:
    """Limits on runs and queries that a strict emulator keeps."""

    def test_queries_of_a_factory_are_limited(self, serve: Any, token_authority: Any) -> None:
        """After 1,000 monitoring queries the next is a 429 with Retry-After; other factories are not limited."""
        now = datetime.now(tz=UTC)
        served = serve(FactoryConfig(tokens=token_authority, options=Options(strict=True), clock=lambda: now))
        path, other = served.create_factory(), served.create_factory("adf-other")
        url = f"{path}/queryPipelineRuns"
        statuses = [served.client.post(url, json=WINDOW).status_code for _ in range(1001)]
        assert statuses == [200] * 1000 + [429]
        refused = served.client.post(url, json=WINDOW)
        assert (refused.json()["error"]["code"], refused.headers["retry-after"]) == ("TooManyRequests", "1")
        assert served.client.post(f"{other}/queryPipelineRuns", json=WINDOW).status_code == 200
