"""`adf-trigger rejected`: messages that could not become runs."""

from collections.abc import Callable, Sequence

import click

from adf_trigger.client.client import Client
from adf_trigger.client.command.exits import Exit, exit_of_error
from adf_trigger.client.command.looking import show_list
from adf_trigger.client.command.outcomes import show_run
from adf_trigger.client.command.parameters import parameters_of, read_file
from adf_trigger.client.command.running import hidden_prompt
from adf_trigger.client.command.session import Session, connected
from adf_trigger.client.command.which import run_argument
from adf_trigger.client.errors import ClientError, NotAuthorised
from adf_trigger.client.paths import RunName
from adf_trigger.contracts import RunStatus, RunView


@click.group("rejected", short_help="Inspect, replay or discard rejected messages.")
def rejected_group() -> None:
    """Inspect, replay or discard requests and messages that were rejected permanently."""


@rejected_group.command("list")
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Maximum number."
)
@connected
def list_rejected(session: Session, *, limit: int) -> int:
    """List rejected messages, newest first."""
    with session.client() as client:
        found = list(client.list(status=RunStatus.REJECTED, limit=limit))
    if session.screen.as_json:
        session.screen.document(found)
    elif found:
        show_list(session.screen, found)
    else:
        session.screen.note("None found.")
    return Exit.SUCCEEDED


@rejected_group.command("show")
@connected
@run_argument
def show_rejected(session: Session, run: RunName) -> int:
    """Show a rejected message, and why it was rejected."""
    with session.client() as client:
        view = client.get(run)
    if session.screen.as_json:
        session.screen.document(view)
    else:
        show_run(session.screen, view)
    return Exit.SUCCEEDED


@rejected_group.command("replay")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--force", is_flag=True, help="Even if it may start a second run, or still waits in the queue.")
@click.option(
    "-p",
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value that was not stored because the pipeline declares it secure; NAME alone prompts without echo.",
)
@connected
def replay_rejected(session: Session, *, ids: Sequence[str], force: bool, given: Sequence[str]) -> int:
    """Send rejected messages again under their keys. Those that were replayed before are only shown."""
    values = parameters_of(given, None, read=read_file, ask=hidden_prompt())
    return _each(session, ids, lambda client, run: client.replay(run, force=force, parameters=values or None))


@rejected_group.command("discard")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--note", help="Reason, recorded in the history.")
@connected
def discard_rejected(session: Session, *, ids: Sequence[str], note: str | None) -> int:
    """Remove rejected messages permanently. Those that were removed before are only shown."""
    return _each(session, ids, lambda client, run: client.resolve(run, "dismiss", note=note))


def _each(session: Session, ids: Sequence[str], work: Callable[[Client, str], RunView]) -> int:
    """Apply `work` to each id; an error does not stop the others, and the last error determines the exit code."""
    screen, code, done = session.screen, Exit.SUCCEEDED, []
    with session.client() as client:
        for each in ids:
            try:
                view = work(client, each)
            except NotAuthorised:
                raise
            except ClientError as exc:
                screen.note((f"{each}: ", "bold"), (str(exc), "red"))
                code = exit_of_error(exc)
            else:
                done.append(view)
                if not screen.as_json:
                    screen.line("  ".join(filter(None, (each, view.status, view.reason))))
    if screen.as_json:
        screen.document(done)
    return code
