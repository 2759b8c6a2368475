"""The command `adf-trigger`: its subcommands, and how their errors are reported."""

import io
import os
import sys
from collections.abc import Mapping, Sequence

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from adf_trigger import __version__
from adf_trigger.client.command.exits import Exit, exit_of_error
from adf_trigger.client.command.following import events_command
from adf_trigger.client.command.holding import hold_command, release_command
from adf_trigger.client.command.local import COMMANDS, local_command
from adf_trigger.client.command.looking import (
    activities_command,
    health_command,
    list_command,
    pipelines_command,
    show_command,
)
from adf_trigger.client.command.rejected import rejected_group
from adf_trigger.client.command.running import run_command
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Surroundings
from adf_trigger.client.command.steering import cancel_command, rerun_command, resolve_command
from adf_trigger.client.command.texts import PROGRAM, json_line, moment, shell_quoted
from adf_trigger.client.command.triggering import events_test_command
from adf_trigger.client.errors import AmbiguousRun, AtCapacity, Conflict, OutcomeUnknown
from adf_trigger.errors import AdfTriggerError, InvalidRequest, SettingsError

BROKEN_PIPE = 141
"""Exit code, as in shells, after the reader has closed the output."""
_COMPLETIONS: Mapping[str, type[ShellComplete]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}


class ReaderGone(Exception):
    """The reader has closed the output. This is not an error, and there is nothing left to do."""


class Commands(click.Group):
    """The command group; flushes the output of a command when the command ends."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the requested command.

        Raises:
            ReaderGone: the reader has closed the output.
        """
        try:
            code: object = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
        except BrokenPipeError as exc:
            raise ReaderGone from exc
        return code


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name=PROGRAM)
def adf_trigger() -> None:
    """Start pipelines of Azure Data Factory, wait for them, inspect and control them.

    It calls the app at ADF_TRIGGER_URL with the key ADF_TRIGGER_KEY; where no URL is set, the running local stack.
    Exit codes: 0 Succeeded, 1 Failed, 2 usage, 3 refused and nothing started, 4 not authorised, 5 Unknown,
    6 Cancelled, 124 timed out while the run continues.
    """


@click.command(
    "completion",
    short_help="Print the shell's completion script.",
    epilog='eval "$(adf-trigger completion bash)"',
)
@click.argument("shell", type=click.Choice([*_COMPLETIONS]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> int:
    """Print the script that makes a shell complete this command."""
    click.echo(_COMPLETIONS[shell](ctx.find_root().command, {}, PROGRAM, _COMPLETE).source())
    return Exit.SUCCEEDED


_COMPLETE = "_ADF_TRIGGER_COMPLETE"

events_command.add_command(events_test_command)
for _command in (
    run_command,
    list_command,
    show_command,
    activities_command,
    cancel_command,
    rerun_command,
    resolve_command,
    hold_command,
    release_command,
    rejected_group,
    events_command,
    pipelines_command,
    health_command,
    *(local_command(name, text) for name, text in COMMANDS.items()),
    completion_command,
):
    adf_trigger.add_command(_command)


def main(arguments: Sequence[str] | None = None, around: Surroundings | None = None) -> int:
    """Run a command; return the exit code.

    Args:
        arguments: of the command line; default: those of this process.
        around: environment, clients and screen; default: those of this process.
    """
    found = around or Surroundings()
    try:
        code = adf_trigger.main(
            None if arguments is None else list(arguments),
            prog_name=PROGRAM,
            complete_var=_COMPLETE,
            standalone_mode=False,
            obj=found,
        )
    except click.ClickException as exc:
        text = io.StringIO()
        exc.show(text)
        for line in text.getvalue().splitlines():
            found.screen(False).note(line)
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        found.screen(False).note("Interrupted.")
        return Exit.INTERRUPTED
    except ReaderGone:
        # Python would raise once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except AdfTriggerError as exc:
        _report(found.screen(False), exc)
        return exit_of_error(exc)
    return code if isinstance(code, int) else Exit.SUCCEEDED


def _report(screen: Screen, error: AdfTriggerError) -> None:
    """Print an error for a person: its text line by line, and the options or commands that resolve it."""
    for line in _lines_of(error):
        indent = len(line) - len(line.lstrip())
        screen.note(line.lstrip(), indent=indent)
    if isinstance(error, AmbiguousRun):
        for each in error.choices:
            which = f"--factory {shell_quoted(each.factory)} --by requestId"
            screen.note(
                f"{moment(each.requested_at)}  {each.status}  {each.pipeline}  {each.request_id}", indent=2
            )
            screen.note(f"{shell_quoted(each.request_id)} {which}", indent=4)
    if isinstance(error, AtCapacity):
        for each in error.in_the_way:
            screen.note(
                f"{moment(each.requested_at)}  {each.status}  {each.pipeline}  {each.request_id}", indent=2
            )
    if isinstance(error, Conflict):
        for found in error.candidates:
            started, status = found.get("startedAt") or "not started yet", found.get("status")
            screen.note(f"{started}  {status}  {json_line(found.get('parameters') or {})}", indent=2)
            screen.note(f"--as adopt --run-id {shell_quoted(str(found.get('runId')))}", indent=4)
    if isinstance(error, OutcomeUnknown) and error.key:
        screen.note(f"To find out: {PROGRAM} show {shell_quoted(error.key)}")


def _lines_of(error: AdfTriggerError) -> Sequence[str]:
    match error:
        case SettingsError():
            return error.faults
        case InvalidRequest():
            return [fault.in_words for fault in error.faults]
        case _:
            return str(error).splitlines()
