"""Definitions of triggers: taken as a factory has them, or refused with every fault."""

from typing import Any

import pytest

from adf_trigger.errors import SettingsError
from adf_trigger.settings import Settings
from adf_trigger.triggers.definitions import Faulty, read_triggers
from tests.support.grid_events import blob_trigger, custom_trigger, setting
from tests.support.world import FACTORY_ID


def faults_of(*documents: Any) -> str:
    """What is wrong with triggers."""
    with pytest.raises(Faulty) as caught:
        read_triggers(list(documents))
    return "; ".join(caught.value.faults)


def test_definitions_are_taken_as_git_and_the_api_have_them() -> None:
    """With what the API adds, alone or in an array; runtimeState is Data Factory's own."""
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
def test_what_could_never_start_anything_is_a_fault(document: Any, said: str) -> None:
    """With the trigger's name, and never left out in silence."""
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
def test_a_function_is_refused_by_its_name(value: Any, said: str) -> None:
    """When the settings are read, and not at the first event."""
    trigger = blob_trigger()
    trigger["properties"]["pipelines"][0]["parameters"]["p"] = value
    told = faults_of(trigger)
    assert "OnFile: properties.pipelines[0].parameters.p " in told
    assert said in told


def test_a_file_s_name_is_of_blobs_alone() -> None:
    """A custom event has none."""
    assert "triggerBody() has event in such a trigger" in faults_of(
        custom_trigger({"f": "@triggerBody().fileName"})
    )


def test_every_fault_of_every_trigger_is_told() -> None:
    """Together, and two of one name, too."""
    told = faults_of(
        blob_trigger(events=[]), custom_trigger({"a": "@utcNow()"}), blob_trigger("T"), blob_trigger("t")
    )
    assert [
        each in told for each in ("events must be", "calls utcNow()", "t: is the name of two triggers")
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
    """It keeps the app from taking anything, and is told as any other fault."""
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
