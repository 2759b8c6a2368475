"""`up`: runs the whole stack until it is stopped."""

import sys
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from azure.core.exceptions import AzureError
from requests import RequestException

from adf_trigger.emulator.commands.messages import say
from adf_trigger.errors import AdfTriggerError
from adf_trigger.local.demo.quickstart import PARAM_PIPELINE, PLAIN_PIPELINE, Quickstart
from adf_trigger.local.following import Follower
from adf_trigger.local.processes.process import StartFailed
from adf_trigger.local.running import is_alone
from adf_trigger.local.screen.texts import example, ready
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import Stack, StackConfig
from adf_trigger.local.stack.stack_config import Progress
from adf_trigger.local.stopping import Parent, Stopped, StopRequest, stopped_by_signals
from adf_trigger.local.terminal import Terminal

_WATCH_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """The options of `up`.

    Attributes:
        config: of the stack.
        as_json: print only one line of JSON once everything is ready.
        restart: restart the functions host if it dies.
    """

    config: StackConfig
    as_json: bool = False
    restart: bool = False


class StderrProgress(Progress):
    """Prints notes on standard error; standard output is only for the line of JSON."""

    def note(self, line: str) -> None:
        """Print a sentence."""
        say(line)


class ProcessDied(Exception):
    """A process of the stack has ended by itself. The text has the end of its log."""


def up(options: UpOptions) -> int:
    """Run the stack until it is stopped; return the exit code.

    Raises:
        ProcessDied: a process of the stack has ended by itself.
        StartFailed: or another error of entering a Stack.
    """
    parent = Parent()
    terminal = None if options.as_json else Terminal()
    config = options.config if options.as_json else replace(options.config, usual_ports=True)
    stack = Stack(config, StderrProgress() if terminal is None else terminal)
    try:
        with stopped_by_signals() as request, ExitStack() as running:
            if terminal is not None:
                running.enter_context(terminal)
            endpoints = running.enter_context(stack)
            if terminal is None:
                sys.stdout.write(endpoints.to_json() + "\n")
                sys.stdout.flush()
            else:
                try:
                    _show(terminal, endpoints, kept=config.data is not None, failing=stack.failing)
                except (AdfTriggerError, AzureError, RequestException) as error:
                    raise failure(stack, error) from error
                running.enter_context(Follower(endpoints, terminal.ended))
            _watch(stack, (request, parent), restart=options.restart)
    except Stopped as reason:
        say(f"Stopped: {reason}.")
    return 0


class Watched(Protocol):
    """The part of a stack that reports on its processes."""

    @property
    def logs(self) -> Path:
        """The folder of their logs."""

    def dead(self) -> str | None:
        """The name of a process that has ended without being stopped; None if all are running."""

    def exit_report(self, name: str) -> str:
        """How it ended, with the end of its log."""


def failure(stack: Watched, error: Exception) -> ProcessDied | StartFailed:
    """The error to raise if a part of the stack does not answer: of a dead process, else of the call."""
    if (name := stack.dead()) is not None:
        return ProcessDied(stack.exit_report(name))
    return StartFailed(
        f"The stack has started, but does not answer: {error}\nThe logs are kept: {stack.logs}"
    )


def _show(terminal: Terminal, endpoints: Endpoints, *, kept: bool, failing: Collection[str]) -> None:
    quickstart = Quickstart(endpoints)
    pipelines = {pipeline.name: pipeline.properties for pipeline in quickstart.client.list_pipelines()}
    if set(pipelines) <= {PLAIN_PIPELINE, PARAM_PIPELINE}:
        for _ in quickstart.provision():
            continue
        quickstart.upload()
        terminal.started("Quickstart", f"{PLAIN_PIPELINE}, {PARAM_PIPELINE}")
        pipelines = {PLAIN_PIPELINE: {}}
    data = Path(endpoints.ca_file).parents[1]
    console = f"{endpoints.functions_url}/api/console"
    now = ready(
        run=example(pipelines, failing=failing),
        data=data,
        kept=kept,
        alone=is_alone(),
        console=console,
        key=endpoints.functions_key,
    )
    for line in now:
        terminal.shown(line)


def _watch(stack: Stack, reasons: Sequence[StopRequest | Parent], *, restart: bool) -> None:
    """Wait until the stack must end.

    Raises:
        Stopped: a signal has arrived, or the process that started this one has ended.
        ProcessDied: a process of the stack has ended by itself.
    """
    while True:
        time.sleep(_WATCH_SECONDS)
        for reason in reasons:
            reason.check()
        name = stack.dead()
        if name == "functions" and restart:
            say(stack.exit_report(name))
            stack.restart_functions()
            say("functions is running again")
        elif name is not None:
            raise ProcessDied(stack.exit_report(name))
