"""Prints the preview of `adf-trigger run --dry-run`."""

from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.outcomes import requests_text
from adf_trigger.client.command.screen import Screen
from adf_trigger.readings import RunPreview


def show_preview(screen: Screen, preview: RunPreview) -> Exit:
    """Print a preview; the exit code is that of a refused start where the request would be refused."""
    if screen.as_json:
        screen.document(preview)
    else:
        screen.line(f"{_summary(preview)} Nothing was started.")
        if preview.message:
            screen.line(preview.message, indent=2)
        for each in preview.in_the_way:
            screen.line(f"in the way: {each.request_id} {each.status}, run {each.run_id or '-'}", indent=2)
    return Exit.REFUSED if preview.outcome == "refuse" else Exit.SUCCEEDED


def _summary(preview: RunPreview) -> str:
    match preview.outcome:
        case "start":
            return f"{preview.pipeline} would be started now."
        case "repeat":
            status = "" if preview.run is None else f", which is {preview.run.status}"
            return f"The response would be the run of the same request{status}."
        case "held":
            return f"{preview.pipeline} would be accepted, and not started while it is held{_line(preview)}."
        case "wait":
            return f"{preview.pipeline} would be accepted, and wait{_line(preview)}."
        case "join":
            other = "another request" if preview.joined_to is None else preview.joined_to.request_id
            return f"It would join the run of {other}, and end with it."
        case "refuse":
            return f"{preview.pipeline} would be refused."


def _line(preview: RunPreview) -> str:
    return "" if preview.in_line is None else f", with {requests_text(preview.in_line)} ahead of it"
