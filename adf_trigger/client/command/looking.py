"""Commands that only read: list, show, activities, pipelines, health."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from adf_trigger.client.client import Client
from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.outcomes import duration_of, show_hold, show_run, status_of
from adf_trigger.client.command.screen import STYLES, Screen
from adf_trigger.client.command.session import Session, connected
from adf_trigger.client.command.texts import copy_error, duration_text, json_line, moment, seconds_of
from adf_trigger.client.command.which import run_argument
from adf_trigger.client.errors import NotAuthorised
from adf_trigger.client.paths import RunName
from adf_trigger.client.shapes import Health
from adf_trigger.clock import utcnow
from adf_trigger.contracts import RunStatus
from adf_trigger.readings import ActivityView, PipelineView, RunSummary

ACTIVE = (RunStatus.ACCEPTED, RunStatus.QUEUED, RunStatus.IN_PROGRESS, RunStatus.CANCELING)
SHORTEST_STATUS = 11
STARTING = "starting"
"""Status of an app whose timer has not reported yet."""
START_SECONDS = 30
"""The timer reports at its first tick, every 15 seconds by default."""
LONGEST_START = 600


class Moment(click.ParamType[datetime]):
    """An instant, as 2026-11-30 or 2026-11-30T06:00:00Z, or an age, as 90s, 5m, 1h30m or 2d."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant; UTC where the text has no time zone."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        try:
            return utcnow() - timedelta(seconds=seconds_of(text))
        except (ValueError, OverflowError):
            pass
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                f"{text!r} is neither an instant like 2026-11-30T06:00:00Z nor an age like 90s, 5m, 1h30m or 2d",
                param,
                ctx,
            )
        return found if found.tzinfo else found.replace(tzinfo=UTC)


MOMENT = Moment()


@click.command("list", short_help="List runs, newest first.")
@click.option(
    "--status",
    multiple=True,
    type=click.Choice([*RunStatus], case_sensitive=False),
    help="Only runs with this status.",
)
@click.option("--active", is_flag=True, help="Only runs that have not ended.")
@click.option("--pipeline", help="Only runs of this pipeline.")
@click.option("--factory", help="Only runs of this factory: its alias or resource id.")
@click.option("--since", type=MOMENT, help="Requested since this time, or within this age: 2026-11-30, 1h.")
@click.option("--until", type=MOMENT, help="Requested before this time.")
@click.option("--correlation-id", help="Only runs with this correlation id.")
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Maximum number."
)
@connected
def list_command(session: Session, *, status: Sequence[str], active: bool, limit: int, **where: Any) -> int:
    """List runs, newest first, including rejected messages and runs whose outcome is unknown."""
    wanted = [*status, *(ACTIVE if active else ())]
    with session.client() as client:
        runs = list(client.list(status=wanted or None, limit=limit, **where))
    if session.screen.as_json:
        session.screen.document(runs)
    elif not runs:
        session.screen.note("None found.")
    else:
        show_list(session.screen, runs)
    return Exit.SUCCEEDED


def show_list(screen: Screen, runs: Sequence[RunSummary]) -> None:
    """Print runs: two lines each on a terminal, since ids are long; one tab-separated line each where it is piped."""
    if not screen.is_terminal:
        screen.columns([_row(run) for run in runs])
        return
    for run in runs:
        status, style = status_of(run)
        screen.line(
            (f"{status:<{SHORTEST_STATUS}}", style),
            f"  {moment(run.requested_at)[5:-1]}  {duration_of(run):>8}  {run.request_id}",
        )
        why = f"  {run.reason}" if run.reason else ""
        screen.line((run.pipeline, "bold"), why, indent=2)


def _row(run: RunSummary) -> list[str]:
    return [
        run.status,
        moment(run.requested_at),
        duration_of(run),
        run.request_id,
        run.pipeline,
        run.reason or "",
    ]


@click.command("show", short_help="Show one run with all its details.")
@connected
@run_argument
def show_command(session: Session, run: RunName) -> int:
    """Show the run with this requestId or runId, or the rejected message with this id.

    The exit code is 0 whatever the status of the run; `run --wait` and `rerun --wait` report the status by theirs.
    """
    with session.client() as client:
        view = client.get(run)
    if session.screen.as_json:
        session.screen.document(view)
    else:
        show_run(session.screen, view)
    return Exit.SUCCEEDED


@click.command("activities", short_help="List the activities of a run.")
@connected
@run_argument
def activities_command(session: Session, run: RunName) -> int:
    """List the activities of a run as Data Factory reports them now. -o json includes their inputs and outputs.

    The exit code is 0 whatever the status of the run; `run --wait` and `rerun --wait` report the status by theirs.
    """
    with session.client() as client:
        found = client.activities(run)
    screen = session.screen
    if screen.as_json:
        screen.document(found)
        return Exit.SUCCEEDED
    for each in found.activities:
        _show_activity(screen, each)
    if not found.activities:
        screen.note("None yet.")
    if found.truncated:
        screen.note("The list is truncated: there are more.")
    return Exit.SUCCEEDED


def _show_activity(screen: Screen, activity: ActivityView) -> None:
    if not screen.is_terminal:
        code = activity.error.error_code if activity.error else ""
        name, kind = activity.activity_name, activity.activity_type
        screen.columns([[activity.status, duration_text(activity.duration_ms), name, kind, code]])
        return
    mark, style = screen.mark(activity.status)
    retry = f"  retry {activity.retry_attempt}" if activity.retry_attempt else ""
    screen.line(
        (f"{mark} {activity.status:<{SHORTEST_STATUS}}", style),
        f"  {duration_text(activity.duration_ms):>8}  ",
        (activity.activity_name, "bold"),
        f" ({activity.activity_type}){retry}",
    )
    if activity.error:
        code, sentence = copy_error(activity.error.message)
        codes = " ".join(each for each in (activity.error.error_code, code) if each)
        screen.line((codes, "red"), f"  {sentence}", indent=4)
    for child in activity.child_run_ids:
        screen.line(f"started {child}", indent=4)


@click.command("pipelines", short_help="List the pipelines and their parameters.")
@click.option("--factory", help="Only pipelines of this factory: its alias or resource id.")
@connected
def pipelines_command(session: Session, *, factory: str | None) -> int:
    """List the pipelines that can be started, with their parameters, types and defaults."""
    with session.client() as client:
        found = client.pipelines(factory=factory)
    screen = session.screen
    if screen.as_json:
        screen.document(found)
        return Exit.SUCCEEDED
    several = len({each.factory for each in found.pipelines}) > 1
    for each in found.pipelines:
        _show_pipeline(screen, each, several=several)
    if not found.pipelines:
        screen.note("None found.")
    for unread in found.unread:
        screen.note((f"{unread.factory} could not be read: ", "yellow"), unread.reason)
    if found.truncated:
        screen.note("The list is truncated: there are more.")
    return Exit.SUCCEEDED


def _show_pipeline(screen: Screen, pipeline: PipelineView, *, several: bool) -> None:
    where = f"  in {pipeline.factory}" if several else ""
    screen.line((pipeline.name, "bold"), where)
    for name, each in pipeline.parameters.items():
        default = each.default if isinstance(each.default, str) else json_line(each.default)
        suffix = "" if each.required else "  (has a default)" if each.secure else f"  = {default}"
        screen.line(f"-p {name}=", (each.type, "cyan"), suffix, indent=2)


def _health(client: Client) -> Health:
    try:
        return client.health()
    except NotAuthorised:
        return client.health(details=False)


@click.command("health", short_help="Show the health of the app.")
@click.option(
    "--wait",
    "seconds",
    type=click.IntRange(0, LONGEST_START),
    default=START_SECONDS,
    show_default=True,
    help="Seconds to wait for the first report of an app that is still starting.",
)
@connected
def health_command(session: Session, *, seconds: int) -> int:
    """Show the health of the app, with its troubles where the key permits that. The exit code is 1 unless it is ok."""
    with session.client() as client:
        health = _health(client)
        for _ in range(seconds):
            if health.status != STARTING:
                break
            client.pause(1)
            health = _health(client)
    screen = session.screen
    if screen.as_json:
        screen.document(health)
    else:
        since = f" since {moment(health.since)}" if health.since else ""
        well = health.status == "ok"
        screen.line((health.status, STYLES["Succeeded" if well else "Failed"]), since)
        for trouble in health.troubles:
            screen.line(f"{moment(trouble.since)}  {trouble.what}", indent=2)
        for warning in health.warnings:
            screen.line(("warning  ", "yellow"), warning, indent=2)
        for held in health.holds:
            show_hold(screen, held.factory, held, indent=2)
            if held.waiting:
                many = "1 request waits" if held.waiting == 1 else f"{held.waiting:,} requests wait"
                screen.line(f"{many} for it", indent=4)
        for each in health.lines:
            many = "1 line" if each.lines == 1 else f"{each.lines:,} lines"
            since = f", the first since {moment(each.since)}" if each.since else ""
            screen.line(f"{each.waiting:,} waiting in {many} of {each.factory}{since}", indent=2)
    return Exit.SUCCEEDED if health.status == "ok" else Exit.FAILED
