"""`adf-trigger hold` and `adf-trigger release`."""

import json
from datetime import UTC, datetime, timedelta

import click
from pydantic import JsonValue

from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.outcomes import show_hold
from adf_trigger.client.command.running import DURATION
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Session, connected
from adf_trigger.client.steering import ONLY_FACTORY
from adf_trigger.clock import utcnow
from adf_trigger.orders import HoldList


class Instant(click.ParamType[datetime]):
    """An instant: 2026-11-30T18:00:00Z, or with +01:00."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time: write it as 2026-11-30T18:00:00Z", param, ctx)
        if instant.tzinfo is None:
            self.fail(
                f"{value!r} has no time zone: write it as 2026-11-30T18:00:00Z, or with +01:00", param, ctx
            )
        return instant.astimezone(UTC)


FACTORY = click.option(
    "--factory",
    default=ONLY_FACTORY,
    help=f"Alias of the factory; default: `{ONLY_FACTORY}`, its alias if it is the only one.",
)
PIPELINE = click.option("--pipeline", help="Only requests for this pipeline.")
KEY = click.option("--key", help="Only requests with this value of the policy's admission key.")
JSON_KEY = click.option("--json-key", is_flag=True, help="--key is JSON: a number, true, an object.")


@click.command(
    "hold",
    short_help="Accept requests, but start none until they are released.",
    epilog='adf-trigger hold --reason "deploying release 41" --for 2h',
)
@click.option("--reason", required=True, help="Reason, shown to callers whose requests wait.")
@click.option("--until", type=Instant(), help="End of the hold; default: in 24 hours, at most in 30 days.")
@click.option("--for", "lasts", type=DURATION, help="Duration of the hold, instead of --until: 90m, 2h, 3d.")
@FACTORY
@PIPELINE
@KEY
@JSON_KEY
@connected
def hold_command(
    session: Session,
    *,
    reason: str,
    until: datetime | None,
    lasts: float | None,
    factory: str,
    pipeline: str | None,
    key: str | None,
    json_key: bool,
) -> int:
    """Accept requests for a factory, but start none until `release` or the end of the hold.

    Requests that arrive meanwhile wait in order, and their deadlines are paused. Active runs are not affected. A second
    hold of the same scope replaces reason and end.
    """
    if until is not None and lasts is not None:
        raise click.UsageError("--until and --for cannot be combined")
    if lasts is not None:
        until = utcnow() + timedelta(seconds=lasts)
    value = _key(key, as_json=json_key)
    with session.client() as client:
        held = client.hold(reason, factory=factory, pipeline=pipeline, key=value, until=until)
    _show(session.screen, held)
    return Exit.SUCCEEDED


@click.command("release", short_help="Start the held requests.", epilog="adf-trigger release")
@FACTORY
@PIPELINE
@KEY
@JSON_KEY
@connected
def release_command(
    session: Session, *, factory: str, pipeline: str | None, key: str | None, json_key: bool
) -> int:
    """Start the held requests in order of arrival. A hold of a pipeline or key is released with the same options."""
    value = _key(key, as_json=json_key)
    with session.client() as client:
        held = client.release(factory=factory, pipeline=pipeline, key=value)
    _show(session.screen, held)
    return Exit.SUCCEEDED


def _key(text: str | None, *, as_json: bool) -> JsonValue:
    if text is None or not as_json:
        if as_json:
            raise click.UsageError("--json-key requires --key")
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError as exc:
        raise click.BadParameter(f"is not JSON: {exc}", param_hint="--key") from exc
    return value


def _show(screen: Screen, held: HoldList) -> None:
    if screen.as_json:
        screen.document(held)
        return
    for warning in held.warnings:
        screen.note(("warning", "yellow"), f": {warning}")
    if not held.holds:
        screen.line(f"{held.factory} has no holds.")
    for each in held.holds:
        show_hold(screen, held.factory, each)
