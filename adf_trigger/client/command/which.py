"""The run that an argument means."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from adf_trigger.client.paths import RunName


def one_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the run that its argument ID means, and the options that tell it from others."""

    @click.argument("named", metavar="ID")
    @click.option("--factory", help="Alias or resource id of its factory, where the id is known in several.")
    @click.option(
        "--by", type=click.Choice(["requestId", "runId"]), help="What the id is, where it may be both."
    )
    @wraps(command)
    def with_run(*args: Any, named: str, factory: str | None, by: Any, **options: Any) -> Any:
        return command(*args, RunName(named, factory, by), **options)

    return with_run
