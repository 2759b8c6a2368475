"""Formats and counts: ids, times, pages, continuation tokens."""

import re
from typing import Any

import pytest

from tests.integration.emulator.calls import NOTHING, WINDOW, create_run, run_id_of

SEVEN_DIGITS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[1-9]Z")


@pytest.fixture
def path(served: Any) -> str:
    """A factory with three runs that have ended."""
    path: str = served.create_factory("CamelFactory")
    served.put(f"{path}/pipelines/p", NOTHING)
    for _ in range(3):
        served.wait_for(path, run_id_of(create_run(served, path)))
    return path


def query(served: Any, path: str, **body: Any) -> Any:
    """POST queryPipelineRuns."""
    return served.client.post(f"{path}/queryPipelineRuns", json=WINDOW | body)


def test_run_ids_are_spelt_as_the_article_prints_them_or_as_recorded(served: Any, path: str) -> None:
    """By default a run's id has its factory's own spelling; the switch makes it upper case, as in 2020."""
    run = query(served, path).json()["value"][0]
    assert run["id"] == f"{path}/pipelineruns/{run['runId']}"
    served.control("PATCH", "options", json={"run_ids": "upper-case"})
    run = served.client.get(f"{path}/pipelineruns/{run['runId']}").json()
    assert run["id"] == f"{path.upper()}/pipelineruns/{run['runId']}"


def test_times_have_seven_digits_and_find_their_run(served: Any, path: str) -> None:
    """The service prints seven digits of a second, and a window of the printed times contains the run."""
    run = query(served, path).json()["value"][0]
    for name in ("runStart", "runEnd", "lastUpdated"):
        assert SEVEN_DIGITS.fullmatch(run[name]), run[name]
    window = {"lastUpdatedAfter": run["lastUpdated"], "lastUpdatedBefore": run["lastUpdated"]}
    assert [found["runId"] for found in query(served, path, **window).json()["value"]] == [run["runId"]]


def test_page_size_applies_to_queries_too(served: Any, path: str) -> None:
    """With page_size set, queries have pages of that size, and their tokens lead through all rows."""
    served.control("PATCH", "options", json={"page_size": 2})
    first = query(served, path).json()
    second = query(served, path, continuationToken=first["continuationToken"]).json()
    assert (len(first["value"]), len(second["value"])) == (2, 1)
    assert "continuationToken" not in second


@pytest.mark.parametrize(("choice", "status"), [("refused", 400), ("accepted", 200)])
def test_a_token_whose_window_moved_is_configurable(served: Any, path: str, choice: str, status: int) -> None:
    """A token with another window is rejected or accepted, as configured; with other filters it is always rejected."""
    served.control("PATCH", "options", json={"page_size": 2, "moved_window": choice})
    token = query(served, path).json()["continuationToken"]
    moved = {"lastUpdatedBefore": "2101-01-01T00:00:00Z", "continuationToken": token}
    assert query(served, path, **moved).status_code == status
    filters = [{"operand": "Status", "operator": "Equals", "values": ["Failed"]}]
    assert query(served, path, filters=filters, continuationToken=token).status_code == 400


def test_a_tumbling_window_trigger_is_rejected_by_its_type(served: Any, path: str) -> None:
    """It has one `pipeline`, not `pipelines`: the error is that its type is not supported."""
    pipeline = {"pipelineReference": {"referenceName": "p", "type": "PipelineReference"}}
    typed = {"frequency": "Hour", "interval": 1, "startTime": "2030-01-01T00:00:00Z", "maxConcurrency": 1}
    trigger = {"type": "TumblingWindowTrigger", "pipeline": pipeline, "typeProperties": typed}
    served.put(f"{path}/triggers/t", trigger)
    reply = served.client.post(f"{path}/triggers/t/start")
    assert reply.status_code == 400
    assert "Triggers of type 'TumblingWindowTrigger'" in reply.json()["error"]["message"]


def test_undeclared_parameters_are_accepted_and_not_shown(served: Any, path: str) -> None:
    """The quickstart of 2021 sends a whole pipeline as parameters: the run shows none."""
    body = {"name": "p", "properties": NOTHING}
    run = served.wait_for(path, run_id_of(create_run(served, path, body=body)))
    assert (run["status"], run["parameters"]) == ("Succeeded", {})


FACTORY_FAULTS = [
    ({"identity": {"type": "Bogus"}}, "identity.type"),
    ({"properties": {"repoConfiguration": 3}}, "properties.repoConfiguration"),
    ({"properties": {"repoConfiguration": {"type": "FactoryGitHubConfiguration"}}}, "rootFolder"),
    ({"properties": {"publicNetworkAccess": "Sometimes"}}, "publicNetworkAccess"),
    ({"properties": {"encryption": {"keyName": "k"}}}, "vaultBaseUrl"),
    ({"properties": {"purviewConfiguration": "none"}}, "purviewConfiguration"),
]


@pytest.mark.parametrize(("body", "place"), FACTORY_FAULTS)
def test_an_invalid_factory_is_rejected_with_the_place(served: Any, body: Any, place: str) -> None:
    """Identity and properties are checked as the API's description requires, and the error names the place."""
    path = served.create_factory("Checked")
    reply = served.client.put(path, json={"location": "East US", **body})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest")
    assert place in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "kind", ["SystemAssigned", "systemassigned", "SystemAssigned, UserAssigned", "UserAssigned", "None"]
)
def test_the_kinds_of_identity_are_read_in_any_spelling(served: Any, kind: str) -> None:
    """Resource Manager compares them without case, and writes the pair with a space."""
    path = served.create_factory("Spelt")
    assert (
        served.client.put(path, json={"location": "East US", "identity": {"type": kind}}).status_code == 200
    )
