"""`adf-trigger events`: reports runs as they end."""

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from adf_trigger.client.client import Client
from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.looking import ACTIVE, MOMENT
from adf_trigger.client.command.outcomes import duration_of, status_of
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
"""Overlap of each poll with the previous one: clocks differ, and a list may lag."""
REMEMBERED = 10_000
_DENIED = (401, 403)


@click.group("events", invoke_without_command=True, short_help="Show runs as they end.")
@click.option("-f", "--follow", is_flag=True, help="Keep following until Ctrl+C.")
@click.option(
    "--since",
    type=MOMENT,
    default="1h",
    show_default=True,
    help="Only runs requested since this time, or within this duration.",
)
@click.option(
    "--consume",
    "queue",
    metavar="QUEUE",
    help="Take the events off this queue instead; no other consumer receives them then.",
)
@click.option(
    "--account",
    metavar="URL",
    help="With --consume: the queue account, signed in by azure-identity. Default: AZURE_STORAGE_CONNECTION_STRING.",
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
    """Print one line for each run that has ended, in the order of their ends; with --follow, also as more runs end.

    It polls the service, and takes nothing off a queue unless --consume names one.
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
    """Show the runs that have newly ended; report an outage and continue."""
    try:
        for run in ends.new():
            show_end(screen, run)
    except (NotReached, NotTaken, UnexpectedAnswer) as exc:
        screen.note((str(exc), "yellow"))


def show_end(screen: Screen, run: RunView | RunSummary) -> None:
    """Print one line: end time, status, duration, pipeline, id and reason."""
    if screen.as_json:
        screen.out.file.write(json_line(run.model_dump(mode="json")) + "\n")
        screen.out.file.flush()
        return
    ended = moment(run.ended_at or run.requested_at)
    cells = [ended, run.status, duration_of(run), run.pipeline, run.request_id, run.reason or ""]
    if not screen.is_terminal:
        screen.columns([cells])
        screen.out.file.flush()
        return
    status, style = status_of(run)
    screen.line(
        f"{ended[11:-1]}  ",
        (f"{status:<9}", style),
        f"  {duration_of(run):>8}  ",
        (run.pipeline, "bold"),
        f" {run.request_id}",
    )
    if run.reason:
        screen.line(run.reason, indent=10)


class Ends:
    """Finds the runs that have ended, with one list call for new runs and one for active runs.

    Args:
        client: of the service.
        since: considers runs requested since then.
        clock: returns the current time.
    """

    def __init__(self, client: Client, since: datetime, *, clock: Clock = utcnow) -> None:
        self._client = client
        self._since = since
        self._clock = clock
        self._open: dict[str, RunSummary] = {}
        self._reported: OrderedDict[str, None] = OrderedDict()

    def so_far(self) -> Iterator[RunView | RunSummary]:
        """Runs that have ended, in the order of their ends. Later ones are returned by `new`."""
        ended = list(self._look())
        self._open |= {_name(run): run for run in self._client.list(status=ACTIVE) if not run.ended}
        return iter(sorted(ended, key=lambda run: run.ended_at or run.requested_at))

    def new(self) -> Iterator[RunView | RunSummary]:
        """Runs that have ended since the last call."""
        yield from self._look()
        active = {_name(run): run for run in self._client.list(status=ACTIVE) if not run.ended}
        gone = [each for each in self._open if each not in active]
        # A run requested long before it was accepted, as by a message, appears only in the active list.
        self._open |= active
        for name in gone:
            run = self._client.get(self._open[name])
            if run.ended:
                yield from self._report_once(run)

    def pause(self) -> None:
        """Wait until the next poll is due."""
        self._client.pause(PAUSE_SECONDS)

    def _look(self) -> Iterator[RunView | RunSummary]:
        started = self._clock()
        found = list(self._client.list(since=self._since))
        self._since = max(self._since, started - OVERLAP)
        for run in reversed(found):
            if run.ended:
                yield from self._report_once(run)
            else:
                self._open[_name(run)] = run

    def _report_once(self, run: RunView | RunSummary) -> Iterator[RunView | RunSummary]:
        name = _name(run)
        self._open.pop(name, None)
        if name in self._reported:
            return
        self._reported[name] = None
        while len(self._reported) > REMEMBERED:
            self._reported.popitem(last=False)
        yield run


def _name(run: RunView | RunSummary) -> str:
    return run.links.self


def consume(session: Session, queue: str, account: str | None) -> int:
    """Take events off a queue until Ctrl+C; an event that was shown is deleted."""
    try:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - Azure's packages are slow to import

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
    except (AzureError, ValueError) as exc:  # ValueError: invalid connection string or queue name
        why = str(exc).strip().splitlines()
        session.screen.note(
            (f"The queue {queue} cannot be read: ", "red"), why[0] if why else type(exc).__name__
        )
        return Exit.NOT_AUTHORISED if getattr(exc, "status_code", None) in _DENIED else Exit.REFUSED
    return Exit.SUCCEEDED


def _signed_in() -> "TokenCredential":
    try:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - needed only here
    except ImportError as exc:
        raise click.UsageError(
            "--account signs in through azure-identity: pip install azure-identity"
        ) from exc
    return DefaultAzureCredential()
