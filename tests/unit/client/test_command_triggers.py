"""`adf-trigger events test`: what the triggers would start on an event, without any call."""

import json
from pathlib import Path
from typing import Any

import pytest

from adf_trigger.triggers.definitions import read_triggers
from adf_trigger.triggers.judging import judged
from tests.support.grid_events import as_cloud_event, blob_created, blob_trigger, custom_trigger, order_placed
from tests.unit.client.service import Service, silent
from tests.unit.client.terminal import Printed, command


@pytest.fixture
def triggers(tmp_path: Path) -> Path:
    """Definitions in a file."""
    file = tmp_path / "triggers.json"
    file.write_text(json.dumps([blob_trigger(), custom_trigger()]))
    return file


def output_for(tmp_path: Path, triggers: Path, event: Any, *options: str) -> Printed:
    """The output for an event; the service is not called."""
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    service = Service(silent(500))
    done = command(service, "events", "test", str(file), "--triggers", str(triggers), *options)
    assert service.asked == []
    return done


@pytest.mark.parametrize("schema", [dict, as_cloud_event])
def test_it_shows_which_triggers_match_and_why_others_do_not(
    tmp_path: Path, triggers: Path, schema: Any
) -> None:
    """Each match has the pipeline and its parameters."""
    done = output_for(tmp_path, triggers, schema(blob_created("Größe.csv")))
    assert done.code == 0
    assert "OnFile would start load as event-" in done.out
    assert 'file = "Größe.csv"' in done.out
    assert "OnOrder: it starts on Orders.Placed; this is Microsoft.Storage.BlobCreated" in done.out


def test_the_output_is_what_the_service_does(tmp_path: Path, triggers: Path) -> None:
    """Key, pipeline and parameters as JSON are those of the resulting request."""
    done = output_for(tmp_path, triggers, [blob_created(), order_placed()], "-o", "json")
    printed = json.loads(done.out)
    (start,) = printed[0]["triggers"][0]["starts"]
    (event,) = judged(json.dumps(blob_created()).encode(), read_triggers(json.loads(triggers.read_text())))[
        :1
    ]
    document = event.judgements[0].requests[0].document
    assert start == {
        **{name: document[name] for name in ("requestId", "pipeline", "parameters")},
        "faults": [],
    }
    assert printed[1]["triggers"][0]["whyNot"].startswith("it starts on Microsoft.Storage.BlobCreated")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (blob_created(api="CreateFile"), "data.api is CreateFile"),
        ({"specversion": "1.0"}, "This is not an event"),
        ({"pipeline": "load"}, "neither specversion"),
        (5, "neither specversion"),
    ],
)
def test_an_event_that_would_start_nothing_has_an_exit_code(
    tmp_path: Path, triggers: Path, event: Any, said: str
) -> None:
    """The exit code is that of a rejected request."""
    done = output_for(tmp_path, triggers, event)
    assert (done.code, said in done.out) == (3, True)


def test_a_missing_field_of_an_event_is_reported(tmp_path: Path) -> None:
    """The error has the parameter and its reference."""
    file = tmp_path / "t.json"
    file.write_text(json.dumps(custom_trigger({"d": "@triggerBody().event.data.gone"})))
    done = output_for(tmp_path, file, order_placed())
    assert (done.code, "cannot start load" in done.out, "the event has no gone" in done.out) == (
        3,
        True,
        True,
    )


def test_a_factory_s_folder_of_triggers_is_read(tmp_path: Path) -> None:
    """Triggers that start on no event are skipped."""
    folder = tmp_path / "trigger"
    folder.mkdir()
    (folder / "OnFile.json").write_text(json.dumps(blob_trigger()), "utf-8-sig")
    (folder / "Nightly.json").write_text('{"name": "Nightly", "properties": {"type": "ScheduleTrigger"}}')
    assert "OnFile would start load" in output_for(tmp_path, folder, blob_created()).out


def test_invalid_definitions_are_reported(tmp_path: Path) -> None:
    """The faults are those of the app."""
    file = tmp_path / "t.json"
    file.write_text(json.dumps(custom_trigger({"d": "@utcNow()"})))
    done = output_for(tmp_path, file, order_placed())
    assert (done.code, "OnOrder: properties.pipelines[0].parameters.d calls utcNow()" in done.err) == (
        2,
        True,
    )


def test_without_definitions_there_is_nothing_to_test(tmp_path: Path) -> None:
    """The error names the options."""
    file = tmp_path / "event.json"
    file.write_text("{}")
    done = command(Service(silent(500)), "events", "test", str(file))
    assert (done.code, "--triggers" in done.err) == (2, True)
