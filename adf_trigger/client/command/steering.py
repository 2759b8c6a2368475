"""Commands that change a run: cancel, rerun, resolve."""

import click

from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.outcomes import hints_of, show_hints, show_outcome, title_of
from adf_trigger.client.command.running import DURATION, show_or_wait
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Session, connected
from adf_trigger.client.command.which import run_argument
from adf_trigger.client.paths import RunName
from adf_trigger.contracts import RunView

NOTE = click.option("--note", help="Reason, recorded in the run's history.")


@click.command("cancel", short_help="Cancel a run.")
@click.option(
    "--recursive/--not-recursive",
    default=True,
    help="Also cancel the runs that it has started (the default).",
)
@NOTE
@connected
@run_argument
def cancel_command(session: Session, run: RunName, *, recursive: bool, note: str | None) -> int:
    """Cancel a run, or a request that is not started yet. A run that has already ended is reported, and is no error."""
    with session.client() as client:
        cancelled = client.cancel(run, recursive=recursive, note=note)
    show_steered(session.screen, cancelled)
    if cancelled.ended and not any(entry.action == "cancel" for entry in cancelled.history):
        session.screen.note("The run had already ended: there was nothing to cancel.")
    return Exit.SUCCEEDED


@click.command("rerun", short_help="Start a run again.")
@click.option("--from-failure", is_flag=True, help="Start from the activities that failed.")
@click.option("--from-activity", metavar="NAME", help="Start from this activity.")
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; the exit code reports the status.")
@click.option(
    "--timeout", type=DURATION, help="With --wait: the longest time to wait. The run continues after it."
)
@click.option("-k", "--idempotency-key", "key", help="Idempotency key of the new run.")
@NOTE
@connected
@run_argument
def rerun_command(
    session: Session,
    run: RunName,
    *,
    from_failure: bool,
    from_activity: str | None,
    wait: bool,
    timeout: float | None,
    key: str | None,
    note: str | None,
) -> int:
    """Start a run again with its parameters: all of it, or from the failed activities."""
    if from_failure and from_activity:
        raise click.UsageError("--from-failure and --from-activity cannot be combined")
    if timeout is not None and not wait:
        raise click.UsageError("--timeout requires --wait")
    with session.client() as client:
        again = client.rerun(run, from_failure=from_failure, from_activity=from_activity, note=note, key=key)
        return show_or_wait(session, client, again, wait=wait, timeout=timeout)


@click.command("resolve", short_help="Resolve a request whose outcome is unknown.")
@click.option(
    "--as",
    "choice",
    required=True,
    type=click.Choice(["adopt", "resubmit", "dismiss"]),
    help="Adopt one of Data Factory's runs as this request's run, start a new run, or close the request.",
)
@click.option("--run-id", metavar="RUNID", help="The run to adopt: one of the candidates.")
@click.option("--force", is_flag=True, help="With resubmit: even if there are candidates.")
@NOTE
@connected
@run_argument
def resolve_command(
    session: Session, run: RunName, *, choice: str, run_id: str | None, force: bool, note: str | None
) -> int:
    """Resolve a request whose outcome is unknown, or dismiss a rejected message."""
    if (choice == "adopt") != (run_id is not None):
        raise click.UsageError("--run-id is required with --as adopt, and not allowed otherwise")
    with session.client() as client:
        decided = client.resolve(run, choice, run_id=run_id, force=force, note=note)  # type: ignore[arg-type]
        show_steered(session.screen, decided)
    return Exit.SUCCEEDED


def show_steered(screen: Screen, run: RunView) -> None:
    """Print a run that was cancelled or resolved."""
    if screen.as_json:
        screen.document(run)
        return
    screen.line(title_of(run), "" if run.ended else f" {run.status}")
    if run.ended:
        show_outcome(screen, run)
    else:
        show_hints(screen, hints_of(run))
