"""Commands that steer: cancel, rerun, resolve."""

import click

from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.outcomes import hints_of, show_hints, show_outcome, titled
from adf_trigger.client.command.running import DURATION, followed
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Session, connected
from adf_trigger.client.command.which import one_run
from adf_trigger.client.paths import RunName
from adf_trigger.contracts import RunView

NOTE = click.option("--note", help="Why; it stands in the run's history.")


@click.command("cancel", short_help="Cancel a run.")
@click.option(
    "--recursive/--not-recursive", default=True, help="The runs that it has started, too (the default)."
)
@NOTE
@connected
@one_run
def cancel_command(session: Session, run: RunName, *, recursive: bool, note: str | None) -> int:
    """Cancel a run, or a request that is not started yet. One that had ended already is no error, and is told."""
    with session.client() as client:
        cancelled = client.cancel(run, recursive=recursive, note=note)
    show_steered(session.screen, cancelled)
    if cancelled.ended and not any(entry.action == "cancel" for entry in cancelled.history):
        session.screen.note("It had ended already: there was nothing to cancel.")
    return Exit.SUCCEEDED


@click.command("rerun", short_help="Start a run again.")
@click.option("--from-failure", is_flag=True, help="Only from the activities on that failed.")
@click.option("--from-activity", metavar="NAME", help="Only from this activity on.")
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; the exit code tells it.")
@click.option("--timeout", type=DURATION, help="With --wait: for how long at most. The run goes on after it.")
@click.option("-k", "--idempotency-key", "key", help="Idempotency key of the new run.")
@NOTE
@connected
@one_run
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
    """Start a run again with its parameters: the whole of it, or from what failed on."""
    if from_failure and from_activity:
        raise click.UsageError("--from-failure and --from-activity do not go together")
    if timeout is not None and not wait:
        raise click.UsageError("--timeout goes with --wait")
    with session.client() as client:
        again = client.rerun(run, from_failure=from_failure, from_activity=from_activity, note=note, key=key)
        return followed(session, client, again, wait=wait, timeout=timeout)


@click.command("resolve", short_help="Decide about a request whose fate is unknown.")
@click.option(
    "--as",
    "choice",
    required=True,
    type=click.Choice(["adopt", "resubmit", "dismiss"]),
    help="Take a run of Data Factory's for this request's; start it anew; or leave it at that.",
)
@click.option("--run-id", metavar="RUNID", help="The run to adopt: one of the candidates.")
@click.option("--force", is_flag=True, help="With resubmit: although there are candidates.")
@NOTE
@connected
@one_run
def resolve_command(
    session: Session, run: RunName, *, choice: str, run_id: str | None, force: bool, note: str | None
) -> int:
    """Decide about a request whose fate cannot be told, or dismiss a rejected message."""
    if (choice == "adopt") != (run_id is not None):
        raise click.UsageError("--as adopt needs --run-id, and nothing else takes it")
    with session.client() as client:
        decided = client.resolve(run, choice, run_id=run_id, force=force, note=note)  # type: ignore[arg-type]
        show_steered(session.screen, decided)
    return Exit.SUCCEEDED


def show_steered(screen: Screen, run: RunView) -> None:
    """A run that something was done to."""
    if screen.as_json:
        screen.document(run)
        return
    screen.line(titled(run), "" if run.ended else f" {run.status}")
    if run.ended:
        show_outcome(screen, run)
    else:
        show_hints(screen, hints_of(run))
