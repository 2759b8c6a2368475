"""The check of replies against the SDK finds what does not fit."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.paging import ItemPaged
from azure.mgmt.datafactory import models

from tests.integration.emulator import samples
from tests.support.sdk_contract import Contract, method_of

CONTRACT = Contract(
    {models.PipelineRun: {"debugRunId": str | None}}, {models.PipelineRun: {"runId", "runEnd"}}
)
WAIT = {"waitTimeInSeconds": 1}


def faults(value: Any, declared: Any) -> list[str]:
    """The faults of a value."""
    return list(CONTRACT.faults(value, declared, "it"))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"runId": 1}, "it.runId: 1 is not <class 'str'>"),
        ({"durationInMs": True}, "it.durationInMs: True is not <class 'int'>"),
        ({"durationInMs": 1.5}, "it.durationInMs: 1.5 is not <class 'int'>"),
        ({"isLatest": "true"}, "it.isLatest: 'true' is not <class 'bool'>"),
        ({"parameters": {"a": []}}, "it.parameters.a: [] is not <class 'str'>"),
        ({"parameters": []}, "it.parameters: [] is not dict[str, str]"),
        ({"invokedBy": {"kind": "Manual"}}, "it.invokedBy.kind is not known"),
        ({"debugRunId": 1}, "it.debugRunId: 1 is not <class 'str'>"),
        ({"isRecovery": None}, "it.isRecovery is not known"),
    ],
)
def test_a_run_that_is_wrong_in_one_place(value: dict[str, Any], fault: str) -> None:
    """A scalar, a map, a nested model and an unknown property, each in the wrong form, are one fault."""
    assert faults({"runId": "r", "runEnd": None, "debugRunId": None, **value}, models.PipelineRun) == [fault]


@pytest.mark.parametrize(
    "text", ["", "2026-01-05", "2026-01-05T12:00:00", "2026-13-05T12:00:00Z", "2026-01-05T12:00:00.12345678Z"]
)
def test_an_invalid_time(text: str) -> None:
    """A time has a date, an offset, and seven digits of a second at most."""
    assert faults(text, datetime) == [f"it: {text!r} is not {datetime}"]
    assert faults("2026-01-05T12:00:00.1234567Z", datetime) == []


def test_a_required_property() -> None:
    """A required property that is missing or null is a fault, whatever its type."""
    assert faults({}, models.CreateRunResponse) == ["it.runId: None is not <class 'str'>"]
    assert faults({"runId": None}, models.CreateRunResponse) == ["it.runId: None is not <class 'str'>"]
    assert faults({"type": "Int"}, models.GlobalParameterSpecification) == ["it.value is missing"]


def test_a_property_that_is_never_omitted() -> None:
    """It may be null but must be present."""
    assert faults({"runId": None}, models.PipelineRun) == ["it.runEnd is left out"]


def test_an_unknown_value_of_an_enum() -> None:
    """An enum's values are those that the SDK knows, in its case."""
    parameter = {"type": "string"}
    assert faults(parameter, models.ParameterSpecification) == [
        f"it.type: 'string' is not {models.ParameterType}"
    ]


@pytest.mark.parametrize(
    ("inner", "fault"),
    [
        ({"type": "Wait", "typeProperties": {}}, ".typeProperties.waitTimeInSeconds is missing"),
        ({"type": "Fail", "typeProperties": WAIT}, ".typeProperties.waitTimeInSeconds is not known"),
        ({"type": "Sleep", "typeProperties": WAIT}, ": 'Sleep' is no type of Activity"),
        ({"typeProperties": WAIT}, ": None is no type of Activity"),
    ],
)
def test_a_kind_is_chosen_by_its_discriminator_at_any_depth(inner: dict[str, Any], fault: str) -> None:
    """An activity inside a ForEach is checked against its own type's model."""
    loop = {
        "name": "each",
        "type": "ForEach",
        "typeProperties": {
            "items": {"type": "Expression", "value": "@range(0, 1)"},
            "activities": [{"name": "inner", **inner}],
        },
    }
    where = "it.properties.activities[0].typeProperties.activities[0]"
    assert faults({"properties": {"activities": [loop]}}, models.PipelineResource)[0] == where + fault
    assert faults({"properties": samples.PIPELINE}, models.PipelineResource) == []


def nothing() -> None:
    """A method without a result."""


def page() -> ItemPaged[models.Factory]:
    """A method with pages."""
    raise NotImplementedError


def perhaps() -> models.Factory | None:
    """A method with a 304."""


def test_a_reply_is_the_return_value_of_its_method() -> None:
    """A body is present if, and only if, the method returns one; a page has its rows and perhaps a link."""
    assert CONTRACT.faults_of_reply(nothing, 200, None) == []
    assert CONTRACT.faults_of_reply(nothing, 200, {}) == ["a body where none is declared: {}"]
    assert CONTRACT.faults_of_reply(perhaps, 304, None) == CONTRACT.faults_of_reply(perhaps, 200, {}) == []
    assert CONTRACT.faults_of_reply(perhaps, 200, None) == [f"Factory: None is not {models.Factory}"]
    assert CONTRACT.faults_of_reply(page, 200, {"value": [{}], "nextLink": "https://next"}) == []
    assert len(CONTRACT.faults_of_reply(page, 200, {"values": []})) == 2
    assert CONTRACT.faults_of_reply(page, 200, {"value": [{"id": 1}]}) == [
        "page.value[0].id: 1 is not <class 'str'>"
    ]


def test_a_method_is_found_by_its_operation_id() -> None:
    """Words are separated by underscores; a long-running operation begins with begin_."""
    client = SimpleNamespace(trigger_runs=SimpleNamespace(query_by_factory=nothing, begin_start=page))
    assert method_of(client, "TriggerRuns_QueryByFactory") is nothing
    assert method_of(client, "TriggerRuns_Start") is page
