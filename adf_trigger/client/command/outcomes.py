"""Prints runs, active or ended, and why they failed."""

import json
from collections.abc import Sequence

from rich.text import Text

from adf_trigger.client.command.screen import STYLES, Screen
from adf_trigger.client.command.texts import PROGRAM, copy_error, duration_text, moment, plain, shell_quoted
from adf_trigger.client.shapes import HeldScope
from adf_trigger.contracts import PlaceInLine, RunStatus, RunView
from adf_trigger.orders import HoldView
from adf_trigger.readings import RunSummary
from adf_trigger.results import ActivityError, ChildRun

MAX_ERRORS = 10
_HINT_GAP = "    "


def show_outcome(screen: Screen, run: RunView, *, waited: float | None = None) -> None:
    """Print how a run has ended; where it did not succeed, also why, and commands to continue with.

    Args:
        screen: to print on.
        run: it has ended.
        waited: seconds; used where Data Factory reported no duration.
    """
    mark, style = screen.mark(run.status)
    spent = (
        run.duration_ms if run.duration_ms is not None else None if waited is None else round(waited * 1000)
    )
    after = f" after {duration_text(spent)}" if spent is not None and run.status != RunStatus.REJECTED else ""
    screen.line((f"{mark} {run.status}", f"bold {style}"), after)
    if run.status == RunStatus.SUCCEEDED:
        return
    show_errors(screen, run)
    show_hints(screen, hints_of(run))


def show_errors(screen: Screen, run: RunView, *, indent: int = 2) -> None:
    """Print each failed activity with code and message, with those of the child run that it started; else the reason.

    Only the JSON output has the whole messages.
    """
    errors = run.errors or []
    for error in errors[:MAX_ERRORS]:
        _show_error(screen, error, indent)
        child = next((each for each in run.children if each.run_id == error.child_run_id), None)
        if child is not None:
            screen.line(f"in run {child.run_id} of {child.pipeline or 'another pipeline'}:", indent=indent)
            for below in child.errors or ():
                _show_error(screen, below, indent + 2)
            if child.errors_left_out:
                screen.line(f"and {child.errors_left_out} more", indent=indent + 2)
    if left := len(errors[MAX_ERRORS:]) + run.errors_left_out:
        screen.line(f"and {left} more", indent=indent)
    if not errors and (why := run.reason or run.message):
        screen.line(why, indent=indent)


def _show_error(screen: Screen, error: ActivityError, indent: int) -> None:
    code, sentence = copy_error(error.message)
    kind = f" ({error.activity_type})" if error.activity_type else ""
    codes = "  ".join(each for each in (error.error_code, code) if each)
    cured = "  cured by a retry" if error.cured else ""
    screen.line((error.activity_name, "bold"), f"{kind}  ", (codes, "red"), (cured, "dim"), indent=indent)
    if error.user_properties:
        pairs = (f"{name}: {_value(value)}" for name, value in error.user_properties.items())
        screen.line(", ".join(pairs), indent=indent)
    if sentence:
        screen.line(sentence, indent=indent)


def hints_of(run: RunView) -> Sequence[str]:
    """Commands that are useful next."""
    name = shell_quoted(run.request_id)
    match run.status:
        case RunStatus.FAILED | RunStatus.CANCELLED:
            return (f"{PROGRAM} show {name}", f"{PROGRAM} rerun {name} --from-failure")
        case RunStatus.REJECTED:
            return (f"{PROGRAM} show {name}",)
        case RunStatus.UNKNOWN:
            return (f"{PROGRAM} show {name}", f"{PROGRAM} resolve --help")
        case RunStatus.SUCCEEDED:
            return ()
        case _:
            return (f"{PROGRAM} show {name}", f"{PROGRAM} cancel {name}")


def show_hints(screen: Screen, hints: Sequence[str], *, indent: int = 2) -> None:
    """Print the commands on one line where they fit, else one per line; a command is never split."""
    line = _HINT_GAP.join(hints)
    if screen.err.is_terminal and len(line) + indent > screen.err.width:
        for each in hints:
            screen.note((each, "dim"), indent=indent)
    elif hints:
        screen.note((line, "dim"), indent=indent)


def status_of(run: RunView | RunSummary) -> tuple[str, str]:
    """The status in its colour."""
    return run.status, STYLES.get(run.status, "")


def title_of(run: RunView) -> Text:
    """Pipeline and id on one line."""
    return Text.assemble((plain(run.pipeline), "bold"), " ", plain(run.request_id))


def duration_of(run: RunView | RunSummary) -> str:
    """The duration of a run; from its start to its end where Data Factory reported none."""
    if run.duration_ms is not None or run.started_at is None or run.ended_at is None:
        return duration_text(run.duration_ms)
    return duration_text(round((run.ended_at - run.started_at).total_seconds() * 1000))


def line_of(run: RunView) -> str | None:
    """The number of requests ahead of one that waits in line, as text; None where it is in no line."""
    place = run.in_line
    if place is None:
        return None
    if place.before == 0:
        return "it is next in line" if place.exact else "it may be next in line"
    return f"{requests_text(place)} {'is' if place.before == 1 else 'are'} ahead of it"


def requests_text(place: PlaceInLine) -> str:
    """The number of requests as text, with "about" where it is an estimate."""
    many = "request" if place.before == 1 else "requests"
    return f"{'' if place.exact else 'about '}{place.before:,} {many}"


def waiting_reasons(run: RunView) -> Sequence[str]:
    """What an accepted request waits for, and its place in line; empty once it was started."""
    if run.status != RunStatus.ACCEPTED:
        return ()
    return tuple(each for each in (run.reason, line_of(run)) if each)


def show_run(screen: Screen, run: RunView) -> None:
    """Print everything about a run, for a person."""
    screen.line(title_of(run))
    mark, style = screen.mark(run.status)
    rows: list[tuple[str, str]] = [
        ("run", str(run.run_id or "-")),
        ("factory", run.factory or "-"),
        ("requested", f"{moment(run.requested_at)}{f' by {run.requested_by}' if run.requested_by else ''}"),
    ]
    rows += _admission(run)
    rows += _times(run)
    if run.return_value is not None:
        rows.append(("returns", _value(run.return_value)))
    rows += [("child", _child(each)) for each in run.children]
    rows += [
        (f"route {each.route}", f"{each.status}{f': {each.why}' if each.why else ''}") for each in run.routes
    ]
    if run.correlation_id:
        rows.append(("correlation", run.correlation_id))
    rows += [(f"label {name}", value) for name, value in run.metadata.items()]
    rows += [(f"-p {name}", _value(value)) for name, value in run.parameters.items()]
    if run.rerun_of:
        rows.append(("rerun of", str(run.rerun_of)))
    if run.links.studio:
        rows.append(("studio", run.links.studio))
    screen.line((f"{mark} {run.status}", f"bold {style}"), indent=2)
    show_errors(screen, run, indent=4)
    for name, value in rows:
        screen.line((f"{name:<12} ", "dim"), value, indent=2)
    for entry in run.history:
        by = f" by {entry.by}" if entry.by else ""
        note = f": {entry.note}" if entry.note else ""
        screen.line((f"{'history':<12} ", "dim"), f"{moment(entry.at)} {entry.action}{by}{note}", indent=2)


def _admission(run: RunView) -> list[tuple[str, str]]:
    joined = run.joined_to
    values = {
        "in line": line_of(run),
        "joined to": None if joined is None else f"{joined.request_id}, run {joined.run_id or '-'}",
        "counted by": run.admission_key,
    }
    return [(name, value) for name, value in values.items() if value is not None]


def _times(run: RunView) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    if run.started_at:
        rows.append(("started", moment(run.started_at)))
    if run.ended_at:
        duration = f", after {duration_of(run)}" if run.started_at else ""
        rows.append(("ended", f"{moment(run.ended_at)}{duration}"))
    if run.overdue_since:
        rows.append(("overdue", f"since {moment(run.overdue_since)}"))
    return rows


def _child(child: ChildRun) -> str:
    return " ".join(each for each in (child.pipeline, child.run_id, child.status) if each)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def show_hold(screen: Screen, factory: str, held: HoldView | HeldScope, *, indent: int = 0) -> None:
    """Print a hold: its scope, end, author and reason."""
    what = "the factory" if held.pipeline is None else f"pipeline {held.pipeline}"
    keyed = what if held.admission_key is None else f"key {held.admission_key} of {what}"
    by = f" by {held.by}" if held.by else ""
    words = f" until {moment(held.until)}{by}: {factory}, {keyed}: {held.reason}"
    screen.line(("held", "yellow"), words, indent=indent)
