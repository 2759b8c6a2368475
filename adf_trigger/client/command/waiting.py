"""Waits for a run: a live line on a terminal, a line for each change where it is piped."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from adf_trigger.client.client import Client
from adf_trigger.client.command.outcomes import line_of, status_of, title_of, waiting_reasons
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.texts import clock, plain
from adf_trigger.client.errors import ClientError
from adf_trigger.contracts import RunView
from adf_trigger.readings import ActivityView

HOLD = 2.0
"""Seconds between two polls on a terminal."""
LONG_HOLD = 60.0
MAX_SHOWN = 4
"""Maximum activities on the live line: the last ones."""


def wait_for(
    client: Client,
    screen: Screen,
    run: RunView,
    *,
    timeout: float | None,
    timer: Callable[[], float] = time.monotonic,
) -> RunView:
    """Wait for the end of a run, showing its progress.

    Raises:
        WaitTimedOut: the run has not ended in time; it continues.
        ClientError: the service can no longer be reached; the run continues.
    """
    watched = screen.err.is_terminal
    last = run
    with _shown(screen, run, timer) as show:
        show(run, ())
        if run.ended:
            return run
        look = _Activities(client) if watched else None
        for view in client.watch(run, timeout=timeout, hold=HOLD if watched else LONG_HOLD):
            last = view
            show(view, look.of(view) if look and not view.ended else ())
    return last


class _Activities:
    """Reads the activities of a run until a call fails."""

    def __init__(self, client: Client) -> None:
        self._client: Client | None = client

    def of(self, run: RunView) -> Sequence[ActivityView]:
        if self._client is None or run.run_id is None:
            return ()
        try:
            return self._client.activities(run).activities
        except ClientError:
            self._client = None  # only decoration: its failure must not end the wait
            return ()


_Show = Callable[[RunView, Sequence[ActivityView]], None]


@contextmanager
def _shown(screen: Screen, run: RunView, timer: Callable[[], float]) -> Iterator[_Show]:
    if not screen.err.is_terminal:
        yield _Lines(screen)
        return
    line = LiveLine(screen, run, timer)
    with Live(line, console=screen.err, transient=True, refresh_per_second=8):
        yield line.show


class _Lines:
    """A line for each change of the status."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._status = ""

    def __call__(self, run: RunView, _: Sequence[ActivityView]) -> None:
        if run.status != self._status and not run.ended:
            self._screen.note(title_of(run), f" {run.status}")
            for why in waiting_reasons(run):
                self._screen.note(why, indent=2)
        self._status = run.status


class LiveLine:
    """The live line: pipeline, id, status, time, activities. Its end is cut where it does not fit."""

    def __init__(self, screen: Screen, run: RunView, timer: Callable[[], float]) -> None:
        self._screen = screen
        self._timer = timer
        self._started = timer()
        self._spinner = Spinner("line" if screen.err.options.ascii_only else "dots")
        self._run = run
        self._activities: Sequence[ActivityView] = ()

    def show(self, run: RunView, activities: Sequence[ActivityView]) -> None:
        """Update the line."""
        self._run, self._activities = run, activities or self._activities

    def __rich__(self) -> Table:
        grid = Table.grid(padding=(0, 1))
        for _ in range(2):
            grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        run = self._run
        title = Text.assemble((plain(run.pipeline), "bold"), " ", shortened_id(run.request_id))
        spent = clock(self._timer() - self._started)
        why = "; ".join(each for each in (line_of(run), run.reason) if each)
        waits = Text(f"  {plain(why)}", "dim") if why and not self._activities else Text()
        grid.add_row(
            title,
            self._spinner,
            Text.assemble(status_of(run), " ", spent, "   ", self._of_activities(), waits),
        )
        return grid

    def _of_activities(self) -> Text:
        shown = Text()
        for each in self._activities[-MAX_SHOWN:]:
            mark, style = self._screen.mark(each.status)
            shown.append(f"{plain(each.activity_name)} ").append(f"{mark}  ", style)
        return shown


def shortened_id(request_id: str) -> str:
    """An id, shortened for a line that it shares."""
    text = plain(request_id)
    is_guid = len(text) == 36 and text.count("-") == 4  # noqa: PLR2004 - length of a GUID
    return f"{text[:4]}…" if is_guid else text if len(text) <= 24 else f"{text[:23]}…"  # noqa: PLR2004
