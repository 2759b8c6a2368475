"""`adf-trigger events test`: which triggers match an event, with what parameters, and why the others do not."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Session, connected
from adf_trigger.client.command.texts import json_line
from adf_trigger.client.settings import TRIGGERS
from adf_trigger.errors import SettingsError
from adf_trigger.triggers.definitions import EVENT_TRIGGERS, Faulty, Trigger, read_triggers
from adf_trigger.triggers.judging import JudgedEvent, Judgement, judged

_MOST_BYTES = 4 * 1024 * 1024


@click.command("test", short_help="Show what the triggers would start on an event.")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False, path_type=Path))
@click.option(
    "-t",
    "--triggers",
    "places",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="File with trigger definitions, or a factory's trigger folder; default: ADF_TRIGGER_TRIGGERS.",
)
@connected
def events_test_command(session: Session, *, file: Path, places: tuple[Path, ...]) -> int:
    """Show which triggers match the events in FILE, with what parameters, and why the others do not.

    It starts nothing and calls no service. FILE, - for standard input, holds an event of Event Grid or a CloudEvent, or
    an array of them, as received. The exit code is 0 if each event starts a run, else 3.
    """
    triggers = _triggers(session, places)
    events = judged(_contents(file), triggers)
    if session.screen.as_json:
        session.screen.document([_as_document(each) for each in events])
    else:
        for each in events:
            _show(session.screen, each)
    return Exit.SUCCEEDED if all(_starts_a_run(each) for each in events) else Exit.REFUSED


def _starts_a_run(event: JudgedEvent) -> bool:
    requests = [request for judgement in event.judgements for request in judgement.requests]
    return bool(requests) and not any(request.faults for request in requests)


def _triggers(session: Session, places: Sequence[Path]) -> tuple[Trigger, ...]:
    if not places and not session.settings.triggers:
        raise SettingsError(
            [f"{TRIGGERS}: is not set; set it, or name the file with the definitions with --triggers"]
        )
    try:
        found: list[Any] = []
        for place in places:
            found += _entries(place)
        if not places:
            found = _listed(json.loads(session.settings.triggers or "[]"))
        return read_triggers(found)
    except Faulty as exc:
        raise SettingsError([f"{TRIGGERS}: {fault}" for fault in exc.faults]) from exc
    except (OSError, ValueError, RecursionError) as exc:
        raise SettingsError([f"{TRIGGERS}: cannot be read: {exc}"]) from exc


def _entries(place: Path) -> list[Any]:
    """The definitions in a file, or those of event triggers in a folder."""
    if place.is_file():
        return _listed(json.loads(place.read_text("utf-8-sig")))
    found = [json.loads(each.read_text("utf-8-sig")) for each in sorted(place.glob("*.json"))]
    return [each for each in found if _type_of(each) in EVENT_TRIGGERS]


def _listed(document: object) -> list[Any]:
    return document if isinstance(document, list) else [document]


def _type_of(document: object) -> object:
    properties = document.get("properties") if isinstance(document, dict) else None
    return properties.get("type") if isinstance(properties, dict) else None


def _contents(file: Path) -> bytes:
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(_MOST_BYTES)
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES)
    except OSError as exc:
        raise click.BadParameter(f"cannot be read: {exc.strerror}", param_hint="FILE") from exc


def _show(screen: Screen, judged_event: JudgedEvent) -> None:
    event = judged_event.event
    if event is None:
        screen.line(screen.mark("Rejected"), " This is not an event:")
        for fault in judged_event.faults:
            screen.line(f"{fault.pointer} {fault.message}".strip(), indent=2)
        return
    screen.line((event.type, "bold"), f"  {event.subject}  {event.id}")
    for each in judged_event.judgements:
        _show_judgement(screen, each)


def _show_judgement(screen: Screen, judgement: Judgement) -> None:
    if judgement.why_not is not None:
        screen.line(screen.mark("Cancelled"), f" {judgement.trigger}: {judgement.why_not}", indent=2)
    for request in judgement.requests:
        wrong = bool(request.faults)
        verb = "cannot start" if wrong else "would start"
        screen.line(
            screen.mark("Rejected" if wrong else "Succeeded"),
            f" {judgement.trigger} {verb} {request.document['pipeline']} as {request.key}",
            indent=2,
        )
        for fault in request.faults:
            screen.line(f"{fault.pointer} {fault.message}", indent=6)
        for name, value in request.document["parameters"].items():
            screen.line(f"{name} = {json_line(value)}", indent=6)


def _as_document(judged_event: JudgedEvent) -> dict[str, Any]:
    event = judged_event.event
    return {
        "event": None if event is None else {"id": event.id, "type": event.type, "subject": event.subject},
        "faults": [{"pointer": each.pointer, "message": each.message} for each in judged_event.faults],
        "triggers": [
            {
                "name": judgement.trigger,
                "whyNot": judgement.why_not,
                "starts": [
                    {
                        **{name: request.document[name] for name in ("requestId", "pipeline", "parameters")},
                        "faults": [
                            {"pointer": each.pointer, "message": each.message} for each in request.faults
                        ],
                    }
                    for request in judgement.requests
                ],
            }
            for judgement in judged_event.judgements
        ],
    }
