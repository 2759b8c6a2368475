"""`adf-trigger run`."""

import sys
from collections.abc import Mapping

import click

from adf_trigger.client.client import Client
from adf_trigger.client.command.exits import Exit, exit_of_status
from adf_trigger.client.command.outcomes import hints_of, show_hints, show_outcome, titled, waits_for
from adf_trigger.client.command.parameters import HELP, AskHidden, parameters_of, read_file
from adf_trigger.client.command.previews import show_preview
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Session, connected, session_of
from adf_trigger.client.command.texts import PROGRAM, plain, seconds_of, word
from adf_trigger.client.command.waiting import wait_for
from adf_trigger.client.errors import ClientError, NotAuthorised, OutcomeUnknown, RequestRefused, WaitTimedOut
from adf_trigger.clock import new_id
from adf_trigger.contracts import RunView
from adf_trigger.errors import AdfTriggerError


class Duration(click.ParamType[float]):
    """A duration: 90, 90s, 5m, 1h30m, 2d."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds."""
        try:
            return value if isinstance(value, float) else seconds_of(str(value))
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


DURATION = Duration()


class Label(click.ParamType[tuple[str, str]]):
    """NAME=VALUE."""

    name = "name=value"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Both."""
        name, equals, text = str(value).partition("=")
        if not (name and equals):
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        return name, text


@click.command(
    "run",
    short_help="Start a run of a pipeline.",
    epilog="adf-trigger run LoadOrders -p day=2026-11-30 --wait",
)
@click.argument("pipeline", shell_complete=lambda ctx, _param, begun: pipeline_names(ctx, begun))
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help=HELP)
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; the exit code tells it.")
@click.option("--timeout", type=DURATION, help="With --wait: for how long at most. The run goes on after it.")
@click.option(
    "-k", "--idempotency-key", "key", help="Idempotency key of the run: the same key starts nothing twice."
)
@click.option("--factory", help="Alias of the factory, where there are several.")
@click.option("--correlation-id", help="Your own id, carried through to the event.")
@click.option("--label", "labels", multiple=True, type=Label(), help="A label, carried through to the event.")
@click.option("--dry-run", is_flag=True, help="Check the request, and start nothing.")
@connected
def run_command(
    session: Session,
    pipeline: str,
    given: tuple[str, ...],
    *,
    wait: bool,
    timeout: float | None,
    key: str | None,
    factory: str | None,
    correlation_id: str | None,
    labels: tuple[tuple[str, str], ...],
    dry_run: bool,
) -> int:
    """Start a run of PIPELINE, once, whatever becomes of the answers.

    With --wait the exit code is 0 for Succeeded, 1 Failed, 3 Rejected, 5 Unknown, 6 Cancelled, 124 when the time was
    over. 2 is wrong usage, 3 also that nothing was started, 4 that the key does not open this.
    """
    if timeout is not None and not wait:
        raise click.UsageError("--timeout goes with --wait")
    with session.client() as client:
        types = _types(session, client, pipeline, factory) if any("=" in each for each in given) else None
        values = parameters_of(given, types, read=read_file, ask=ask_hidden())
        if dry_run:
            preview = client.check(
                pipeline,
                values,
                key=key,
                factory=factory,
                correlation_id=correlation_id,
                metadata=dict(labels),
            )
            return show_preview(session.screen, preview)
        known_by = key or str(new_id())
        try:
            run = client.start(
                pipeline,
                values,
                key=known_by,
                factory=factory,
                correlation_id=correlation_id,
                metadata=dict(labels),
            )
        except (OutcomeUnknown, KeyboardInterrupt) as exc:
            words = str(exc) or "Interrupted: it is not known whether a run was started."
            session.screen.note((words, "bold magenta"))
            session.screen.note(
                f"To find out: {PROGRAM} show {word(known_by)}    To ask again, safely, add: -k {word(known_by)}"
            )
            return Exit.UNKNOWN if isinstance(exc, OutcomeUnknown) else Exit.INTERRUPTED
        return followed(session, client, run, wait=wait, timeout=timeout)


def followed(session: Session, client: Client, run: RunView, *, wait: bool, timeout: float | None) -> int:
    """Show a run that was started, or wait for its end; the exit code."""
    screen = session.screen
    if not wait:
        _show_begun(screen, run)
        return Exit.SUCCEEDED
    try:
        ended = wait_for(client, screen, run, timeout=timeout)
    except WaitTimedOut as exc:
        if screen.as_json:
            screen.document(exc.run)
        screen.note(titled(exc.run), f" is still {exc.run.status} after {timeout:g} s. The run goes on:")
        show_hints(screen, hints_of(exc.run))
        return Exit.TIMED_OUT
    except KeyboardInterrupt:
        screen.note("Interrupted. The run goes on:")
        show_hints(screen, hints_of(run))
        return Exit.INTERRUPTED
    except ClientError as exc:
        if screen.as_json:
            screen.document(run)
        screen.note((str(exc), "red"))
        screen.note("The wait has ended, and the run goes on:")
        show_hints(screen, hints_of(run))
        # Not that nothing was started: something was.
        return Exit.NOT_AUTHORISED if isinstance(exc, NotAuthorised) else Exit.UNKNOWN
    if screen.as_json:
        screen.document(ended)
    else:
        if not screen.is_terminal or screen.err.is_terminal:
            screen.line(titled(ended))
        show_outcome(screen, ended)
    return exit_of_status(ended.status)


def _show_begun(screen: Screen, run: RunView) -> None:
    if screen.as_json:
        screen.document(run)
        return
    screen.line(titled(run), f" {run.status}")
    for why in waits_for(run):
        screen.line(why, indent=2)
    show_hints(screen, hints_of(run))


def _types(session: Session, client: Client, pipeline: str, factory: str | None) -> Mapping[str, str] | None:
    """Name → declared type of a pipeline's parameters; None where the service does not tell."""
    try:
        found = client.pipeline(pipeline, factory=factory)
    except ClientError as exc:
        if isinstance(exc, RequestRefused):
            raise  # such as that there is no such pipeline: the start would meet it, too
        session.screen.note(
            "What the pipeline declares is not known, so that values of -p go as text (-p name:=5 for JSON): "
            f"{str(exc).splitlines()[0]}"
        )
        return None
    return {name: each.type for name, each in found.parameters.items()}


def pipeline_names(ctx: click.Context, begun: str) -> list[str]:
    """Names of pipelines that begin so, for a shell that completes; none where the service does not tell."""
    try:
        with session_of(ctx, patient=False).client() as client:
            names = [each.name for each in client.pipelines().pipelines]
    except AdfTriggerError:
        return []
    return sorted({name for name in names if name.casefold().startswith(begun.casefold())})


def ask_hidden() -> AskHidden | None:
    """What asks the person at the terminal for a value without echo; None where there is none."""
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    return lambda name: str(click.prompt(plain(name), hide_input=True, err=True))
