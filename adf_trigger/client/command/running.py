"""`adf-trigger run`."""

import sys
from collections.abc import Mapping

import click

from adf_trigger.client.client import Client
from adf_trigger.client.command.exits import Exit, exit_of_status
from adf_trigger.client.command.outcomes import hints_of, show_hints, show_outcome, title_of, waiting_reasons
from adf_trigger.client.command.parameters import HELP, AskHidden, parameters_of, read_file
from adf_trigger.client.command.previews import show_preview
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Session, connected, session_of
from adf_trigger.client.command.texts import PROGRAM, plain, seconds_of, shell_quoted
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
@click.argument("pipeline", shell_complete=lambda ctx, _param, prefix: pipeline_names(ctx, prefix))
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help=HELP)
@click.option("-w", "--wait", is_flag=True, help="Wait for the end; the exit code reports the status.")
@click.option(
    "--timeout", type=DURATION, help="With --wait: the longest time to wait. The run continues after it."
)
@click.option(
    "-k", "--idempotency-key", "key", help="Idempotency key of the run: a repeated key starts nothing new."
)
@click.option("--factory", help="Alias of the factory, if there are several.")
@click.option("--correlation-id", help="Your own id, passed through to the event.")
@click.option("--label", "labels", multiple=True, type=Label(), help="A label, passed through to the event.")
@click.option("--dry-run", is_flag=True, help="Check the request without starting a run.")
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
    """Start one run of PIPELINE, even if responses are lost.

    With --wait the exit code is 0 for Succeeded, 1 Failed, 3 Rejected, 5 Unknown, 6 Cancelled, 124 timed out.
    2 is wrong usage, 3 also means that nothing was started, 4 that the key does not authorise the call.
    """
    if timeout is not None and not wait:
        raise click.UsageError("--timeout requires --wait")
    with session.client() as client:
        types = _types(session, client, pipeline, factory) if any("=" in each for each in given) else None
        values = parameters_of(given, types, read=read_file, ask=hidden_prompt())
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
        run_key = key or str(new_id())
        try:
            run = client.start(
                pipeline,
                values,
                key=run_key,
                factory=factory,
                correlation_id=correlation_id,
                metadata=dict(labels),
            )
        except (OutcomeUnknown, KeyboardInterrupt) as exc:
            text = str(exc) or "Interrupted: it is not known whether a run was started."
            session.screen.note((text, "bold magenta"))
            session.screen.note(
                f"To find out: {PROGRAM} show {shell_quoted(run_key)}    "
                f"To retry safely, add: -k {shell_quoted(run_key)}"
            )
            return Exit.UNKNOWN if isinstance(exc, OutcomeUnknown) else Exit.INTERRUPTED
        return show_or_wait(session, client, run, wait=wait, timeout=timeout)


def show_or_wait(session: Session, client: Client, run: RunView, *, wait: bool, timeout: float | None) -> int:
    """Show a run that was started, or wait for its end; return the exit code."""
    screen = session.screen
    if not wait:
        _show_started(screen, run)
        return Exit.SUCCEEDED
    try:
        ended = wait_for(client, screen, run, timeout=timeout)
    except WaitTimedOut as exc:
        if screen.as_json:
            screen.document(exc.run)
        screen.note(title_of(exc.run), f" is still {exc.run.status} after {timeout:g} s. The run continues:")
        show_hints(screen, hints_of(exc.run))
        return Exit.TIMED_OUT
    except KeyboardInterrupt:
        screen.note("Interrupted. The run continues:")
        show_hints(screen, hints_of(run))
        return Exit.INTERRUPTED
    except ClientError as exc:
        if screen.as_json:
            screen.document(run)
        screen.note((str(exc), "red"))
        screen.note("The wait has ended; the run continues:")
        show_hints(screen, hints_of(run))
        # Not REFUSED, which means that nothing was started: a run was.
        return Exit.NOT_AUTHORISED if isinstance(exc, NotAuthorised) else Exit.UNKNOWN
    if screen.as_json:
        screen.document(ended)
    else:
        if not screen.is_terminal or screen.err.is_terminal:
            screen.line(title_of(ended))
        show_outcome(screen, ended)
    return exit_of_status(ended.status)


def _show_started(screen: Screen, run: RunView) -> None:
    if screen.as_json:
        screen.document(run)
        return
    screen.line(title_of(run), f" {run.status}")
    for why in waiting_reasons(run):
        screen.line(why, indent=2)
    show_hints(screen, hints_of(run))


def _types(session: Session, client: Client, pipeline: str, factory: str | None) -> Mapping[str, str] | None:
    """Name → declared type of a pipeline's parameters; None where the service cannot provide them."""
    try:
        found = client.pipeline(pipeline, factory=factory)
    except ClientError as exc:
        if isinstance(exc, RequestRefused):
            raise  # such as a pipeline that does not exist: the start would be refused, too
        session.screen.note(
            "The pipeline's parameter types are not known; values of -p are sent as text (-p name:=5 for JSON): "
            f"{str(exc).splitlines()[0]}"
        )
        return None
    return {name: each.type for name, each in found.parameters.items()}


def pipeline_names(ctx: click.Context, prefix: str) -> list[str]:
    """Names of pipelines with this prefix, for shell completion; none where the service cannot be read."""
    try:
        with session_of(ctx, patient=False).client() as client:
            names = [each.name for each in client.pipelines().pipelines]
    except AdfTriggerError:
        return []
    return sorted({name for name in names if name.casefold().startswith(prefix.casefold())})


def hidden_prompt() -> AskHidden | None:
    """A function that prompts on the terminal for a value without echo; None without a terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    return lambda name: str(click.prompt(plain(name), hide_input=True, err=True))
