"""Definitions of triggers: accepted in a factory's form, or rejected with every fault."""

from typing import Any

import pytest

from adf_trigger.errors import SettingsError
from adf_trigger.settings import Settings
from adf_trigger.triggers.definitions import Faulty, read_triggers
from tests.support.grid_events import blob_trigger, custom_trigger, setting
from tests.support.world import FACTORY_ID


def faults_of(*documents: Any) -> str:
    """The faults of triggers."""
    with pytest.raises(Faulty) as caught:
        read_triggers(list(documents))
    return "; ".join(caught.value.faults)


def test_definitions_are_accepted_from_git_and_the_api() -> None:
    """With the API's additional fields, alone or in an array; runtimeState is Data Factory's own."""
    given = {**blob_trigger(), "id": "/…", "type": "Microsoft.DataFactory/factories/triggers", "etag": "x"}
    given["properties"]["runtimeState"] = "Stopped"
    (trigger,) = read_triggers(given)
    assert (trigger.name, trigger.begins, trigger.ignores_empty) == ("OnFile", "/in/blobs/raw/", True)
    assert [each.name for each in read_triggers([blob_trigger(), custom_trigger()])] == ["OnFile", "OnOrder"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (blob_trigger(blobPathBeginsWith="/in/raw/"), "its form is /container/blobs/folder/"),
        (blob_trigger(blobPathBeginsWith="in/blobs/raw/"), "its form is /container/blobs/folder/"),
        (blob_trigger(blobPathBeginsWith="", blobPathEndsWith=""), "needs blobPathBeginsWith or"),
        (
            blob_trigger(events=["Microsoft.Storage.BlobRenamed"]),
            "may have only Microsoft.Storage.BlobCreated",
        ),
        (blob_trigger(events=[]), "events must be an array"),
        (blob_trigger(scope=None), "scope must be text"),
        (blob_trigger(ignoreEmptyBlobs="yes"), "ignoreEmptyBlobs must be true or false"),
        (blob_trigger(subjectBeginsWith="x"), "subjectBeginsWith is not supported"),
        (custom_trigger(advancedFilters=[]), "advancedFilters is not supported"),
        (custom_trigger(events="Orders.Placed"), "events must be an array"),
        ({**custom_trigger(), "calls": ["PutBlob"]}, "calls must be an array"),
        ({"name": "T", "properties": {"type": "ScheduleTrigger"}}, "must be BlobEventsTrigger or"),
        ({"name": "T"}, "properties must be an object"),
        ({"properties": {}}, "name must be text"),
        (5, "must be an object"),
        (blob_trigger(pipeline="a/b"), "is not a valid pipeline name"),
    ],
    ids=str,
)
def test_a_trigger_that_could_never_start_a_run_is_a_fault(document: Any, said: str) -> None:
    """The fault has the trigger's name; it is never left out silently."""
    assert said in faults_of(document)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("@concat('a', triggerBody().fileName)", "calls concat()"),
        ("@{formatDateTime(trigger().startTime, 'yyyy')}", "calls formatDateTime()"),
        ("@pipeline().TriggerTime", "calls pipeline()"),
        ("@trigger().scheduledTime", "trigger() has name, startTime, outputs"),
        ("@trigger().outputs.windowStartTime", "outputs has body"),
        ("@triggerBody().uri", "has fileName, folderPath, event"),
        ("@triggerBody().fileName.", "continues after"),
        ("@{triggerBody().fileName", "has no }"),
        ("@triggerBody(1)", "an argument"),
        ("@'text'", "is no reference"),
        ({"deep": ["@utcNow()"]}, "calls utcNow()"),
        ({"value": "@utcNow()", "type": "Expression"}, "calls utcNow()"),
        ("x" * 10_001, "more than 10000 characters"),
    ],
    ids=str,
)
def test_a_function_is_rejected_by_its_name(value: Any, said: str) -> None:
    """It is rejected when the settings are read, and not at the first event."""
    trigger = blob_trigger()
    trigger["properties"]["pipelines"][0]["parameters"]["p"] = value
    faults = faults_of(trigger)
    assert "OnFile: properties.pipelines[0].parameters.p " in faults
    assert said in faults


def test_a_file_name_is_only_for_blobs() -> None:
    """A custom event has none."""
    assert "triggerBody() has event in such a trigger" in faults_of(
        custom_trigger({"f": "@triggerBody().fileName"})
    )


def test_every_fault_of_every_trigger_is_reported() -> None:
    """They are in one error; a duplicate name is one, too."""
    faults = faults_of(
        blob_trigger(events=[]), custom_trigger({"a": "@utcNow()"}), blob_trigger("T"), blob_trigger("t")
    )
    assert [
        each in faults for each in ("events must be", "calls utcNow()", "t: is the name of two triggers")
    ] == [True] * 3


@pytest.mark.parametrize(
    ("triggers", "factories", "said"),
    [
        (setting(blob_trigger(events=[])), FACTORY_ID, "ADF_TRIGGER_TRIGGERS: OnFile: "),
        ("{", FACTORY_ID, "ADF_TRIGGER_TRIGGERS: is not JSON"),
        ("5", FACTORY_ID, "ADF_TRIGGER_TRIGGERS: must be an array"),
        (
            setting({**blob_trigger(), "factory": "us"}),
            FACTORY_ID,
            "OnFile: ADF_TRIGGER_FACTORIES has no alias us",
        ),
        (
            setting(blob_trigger()),
            f'{{"eu": "{FACTORY_ID}", "us": "{FACTORY_ID}2"}}',
            "OnFile: names no factory",
        ),
    ],
)
def test_a_faulty_trigger_is_a_fault_of_the_settings(triggers: str, factories: str, said: str) -> None:
    """It keeps the app from accepting requests, and is reported like any other fault."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(
            {
                "ADF_TRIGGER_FACTORIES": factories,
                "AzureWebJobsStorage": "UseDevelopmentStorage=true",
                "ADF_TRIGGER_TRIGGERS": triggers,
            }
        )
    (fault,) = caught.value.faults
    assert said in fault
