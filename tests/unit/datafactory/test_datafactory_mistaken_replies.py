"""Replies about another resource than the requested one."""

import pytest

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.models import items_of
from adf_trigger.errors import Unavailable
from tests.unit.datafactory.service import Service, answer
from tests.unit.datafactory.test_datafactory_runs import OTHER_ID, RUN_ID, WINDOW


def test_the_body_of_another_run_is_no_reply(client: DataFactoryClient, service: Service) -> None:
    """A cache or proxy that mixes up replies ends no run: the read has failed, and is repeated."""
    service.answers(answer(200, {"runId": str(OTHER_ID), "status": "Succeeded"}))
    with pytest.raises(Unavailable, match=f"another run, {OTHER_ID}"):
        client.get_run(RUN_ID)
    assert len(service.calls) == 3
    service.answers(
        answer(200, {"runId": str(OTHER_ID), "status": "Succeeded"}),
        answer(200, {"runId": str(RUN_ID).upper(), "status": "InProgress"}),
    )
    assert client.get_run(RUN_ID).status == "InProgress"


def test_activities_of_another_run_are_dropped(client: DataFactoryClient, service: Service) -> None:
    """Only activities of the requested run, or without a run id, give its reason."""
    rows = [
        {"activityName": name, "pipelineRunId": run_id, "status": "Failed"}
        for name, run_id in (("ours", str(RUN_ID)), ("another's", str(OTHER_ID)), ("nobody's", None))
    ]
    service.answers(answer(200, {"value": rows}))
    found = items_of(client.query_activity_runs(RUN_ID, window=WINDOW))
    assert [activity.activity_name for activity in found] == ["ours", "nobody's"]


def test_the_definition_of_another_pipeline_is_no_reply(client: DataFactoryClient, service: Service) -> None:
    """The declarations of another pipeline reject no request; names compare without regard to case."""
    service.answers(answer(200, {"name": "other", "properties": {}}))
    with pytest.raises(Unavailable, match="another resource, 'other'"):
        client.get_pipeline("load orders")
    service.answers(answer(200, {"name": "Load Orders", "properties": {}}))
    assert client.get_pipeline("load orders").name == "Load Orders"
