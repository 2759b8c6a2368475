"""`adf-trigger events`: how runs end, as they end."""

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from adf_trigger.client.client import Client
from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.looking import ACTIVE, MOMENT
from adf_trigger.client.command.outcomes import spent, status_of
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Session, connected
from adf_trigger.client.command.texts import json_line, moment
from adf_trigger.client.errors import NotReached, NotTaken, UnexpectedAnswer
from adf_trigger.clock import Clock, utcnow
from adf_trigger.contracts import RunView
from adf_trigger.readings import RunSummary

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

PAUSE_SECONDS = 3.0
OVERLAP = timedelta(minutes=2)
"""Overlap of each poll with the one before: clocks differ, and a list may lag."""
REMEMBERED = 10_000
_DENIED = (401, 403)


@click.group("events", invoke_without_command=True, short_help="How runs end, as they end.")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl+C.")
@click.option(
    "--since", type=MOMENT, default="1h", show_default=True, help="Runs requested since then, or for so long."
)
@click.option(
    "--consume",
    "queue",
    metavar="QUEUE",
    help="Take the events off this queue instead: nobody else gets them then.",
)
@click.option(
    "--account",
    metavar="URL",
    help="With --consume: of its queues, signed in by azure-identity. Else AZURE_STORAGE_CONNECTION_STRING.",
)
@click.pass_context
@connected
def events_command(
    session: Session,
    ctx: click.Context,
    *,
    follow: bool,
    since: datetime,
    queue: str | None,
    account: str | None,
) -> int:
    """One line for each run that has ended, in the order of their ends; with --follow also for those that will.

    It asks the service, and takes nothing off a queue, unless it is told to --consume one.
    """
    if ctx.invoked_subcommand is not None:
        return Exit.SUCCEEDED
    if queue is not None:
        return consume(session, queue, account)
    with session.client() as client:
        ends = Ends(client, since)
        try:
            for run in ends.so_far():
                show_end(session.screen, run)
            while follow:
                ends.pause()
                _follow(session.screen, ends)
        except KeyboardInterrupt:
            return Exit.INTERRUPTED
    return Exit.SUCCEEDED


def _follow(screen: Screen, ends: "Ends") -> None:
    """Show what is new; an outage is told, and ends nothing."""
    try:
        for run in ends.new():
            show_end(screen, run)
    except (NotReached, NotTaken, UnexpectedAnswer) as exc:
        screen.note((str(exc), "yellow"))


def show_end(screen: Screen, run: RunView | RunSummary) -> None:
    """One line: when, how, after how long, what, and why."""
    if screen.as_json:
        screen.out.file.write(json_line(run.model_dump(mode="json")) + "\n")
        screen.out.file.flush()
        return
    ended = moment(run.ended_at or run.requested_at)
    cells = [ended, run.status, spent(run), run.pipeline, run.request_id, run.reason or ""]
    if not screen.is_terminal:
        screen.columns([cells])
        screen.out.file.flush()
        return
    status, style = status_of(run)
    screen.line(
        f"{ended[11:-1]}  ",
        (f"{status:<9}", style),
        f"  {spent(run):>8}  ",
        (run.pipeline, "bold"),
        f" {run.request_id}",
    )
    if run.reason:
        screen.line(run.reason, indent=10)


class Ends:
    """Finds out which runs have ended, at the cost of a look at the new ones and one at the active ones.

    Args:
        client: asks the service.
        since: runs that were requested since then.
        clock: returns the current time.
    """

    def __init__(self, client: Client, since: datetime, *, clock: Clock = utcnow) -> None:
        self._client = client
        self._since = since
        self._clock = clock
        self._open: dict[str, RunSummary] = {}
        self._told: OrderedDict[str, None] = OrderedDict()

    def so_far(self) -> Iterator[RunView | RunSummary]:
        """Those that have ended, in the order of their ends; from then on `new` has what is new."""
        ended = list(self._look())
        self._open |= {_name(run): run for run in self._client.list(status=ACTIVE) if not run.ended}
        return iter(sorted(ended, key=lambda run: run.ended_at or run.requested_at))

    def new(self) -> Iterator[RunView | RunSummary]:
        """Those that have ended since the last look."""
        yield from self._look()
        active = {_name(run): run for run in self._client.list(status=ACTIVE) if not run.ended}
        gone = [each for each in self._open if each not in active]
        # One that was asked for long before it was taken, as a message is, is among the active ones alone.
        self._open |= active
        for name in gone:
            run = self._client.get(self._open[name])
            if run.ended:
                yield from self._tell(run)

    def pause(self) -> None:
        """Wait until it is worth looking again."""
        self._client.pause(PAUSE_SECONDS)

    def _look(self) -> Iterator[RunView | RunSummary]:
        begun = self._clock()
        found = list(self._client.list(since=self._since))
        self._since = max(self._since, begun - OVERLAP)
        for run in reversed(found):
            if run.ended:
                yield from self._tell(run)
            else:
                self._open[_name(run)] = run

    def _tell(self, run: RunView | RunSummary) -> Iterator[RunView | RunSummary]:
        name = _name(run)
        self._open.pop(name, None)
        if name in self._told:
            return
        self._told[name] = None
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        yield run


def _name(run: RunView | RunSummary) -> str:
    return run.links.self


def consume(session: Session, queue: str, account: str | None) -> int:
    """Take events off a queue until Ctrl+C; an event that is shown is gone."""
    try:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - Azure's packages take their time

        from adf_trigger.client.events import EventConsumer  # noqa: PLC0415 - the same
    except ImportError as exc:
        raise click.UsageError(
            "--consume needs azure-storage-queue: pip install '.[client]', in the project's folder"
        ) from exc
    try:
        if account is None:
            consumer = EventConsumer.of_connection_string(session.storage(), queue=queue)
        else:
            consumer = EventConsumer.of_account(account, _signed_in(), queue=queue)
        with consumer:
            consumer.run(lambda event: show_end(session.screen, event.data))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except (AzureError, ValueError) as exc:  # ValueError: no connection string, no name of a queue
        why = str(exc).strip().splitlines()
        session.screen.note(
            (f"The queue {queue} cannot be read: ", "red"), why[0] if why else type(exc).__name__
        )
        return Exit.NOT_AUTHORISED if getattr(exc, "status_code", None) in _DENIED else Exit.REFUSED
    return Exit.SUCCEEDED


def _signed_in() -> "TokenCredential":
    try:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - wanted for this alone
    except ImportError as exc:
        raise click.UsageError(
            "--account signs in through azure-identity: pip install azure-identity"
        ) from exc
    return DefaultAzureCredential()
