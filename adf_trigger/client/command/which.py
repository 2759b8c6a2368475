"""The argument that names a run, and its options."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from adf_trigger.client.paths import RunName


def run_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass a command the run that its argument ID names, and add the options that disambiguate it."""

    @click.argument("named", metavar="ID")
    @click.option("--factory", help="Alias or resource id of the factory, if several know the id.")
    @click.option(
        "--by", type=click.Choice(["requestId", "runId"]), help="Kind of the id, if it could be either."
    )
    @wraps(command)
    def with_run(*args: Any, named: str, factory: str | None, by: Any, **options: Any) -> Any:
        return command(*args, RunName(named, factory, by), **options)

    return with_run
