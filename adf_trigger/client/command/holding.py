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
            self.fail(f"{value!r} is no time: write it as 2026-11-30T18:00:00Z", param, ctx)
        if instant.tzinfo is None:
            self.fail(
                f"{value!r} has no time zone: write it as 2026-11-30T18:00:00Z, or with +01:00", param, ctx
            )
        return instant.astimezone(UTC)


FACTORY = click.option(
    "--factory",
    default=ONLY_FACTORY,
    help=f"Its alias; `{ONLY_FACTORY}` unless told, which an only factory has.",
)
PIPELINE = click.option("--pipeline", help="Only requests of this pipeline.")
KEY = click.option("--key", help="Only requests with this value of the key that the policy counts by.")
JSON_KEY = click.option("--json-key", is_flag=True, help="--key is JSON: a number, true, an object.")


@click.command(
    "hold",
    short_help="Take requests, and start none until they are released.",
    epilog='adf-trigger hold --reason "deploying release 41" --for 2h',
)
@click.option("--reason", required=True, help="Why; whoever waits is told.")
@click.option("--until", type=Instant(), help="When it is over; in 24 hours unless told, in 30 days at most.")
@click.option("--for", "lasts", type=DURATION, help="For how long, in place of --until: 90m, 2h, 3d.")
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
    """Take requests of a factory, and start none, until `release` or the end of the hold.

    Whatever is asked for meanwhile waits, in order, and its deadline stands still. Runs that go on are left alone. Held
    again, reason and end are the new ones.
    """
    if until is not None and lasts is not None:
        raise click.UsageError("--until and --for do not go together")
    if lasts is not None:
        until = utcnow() + timedelta(seconds=lasts)
    value = _key(key, as_json=json_key)
    with session.client() as client:
        held = client.hold(reason, factory=factory, pipeline=pipeline, key=value, until=until)
    _show(session.screen, held)
    return Exit.SUCCEEDED


@click.command("release", short_help="Start what was held.", epilog="adf-trigger release")
@FACTORY
@PIPELINE
@KEY
@JSON_KEY
@connected
def release_command(
    session: Session, *, factory: str, pipeline: str | None, key: str | None, json_key: bool
) -> int:
    """Start what waits for a hold, in order of arrival: what was held with a pipeline or a key, with the same."""
    value = _key(key, as_json=json_key)
    with session.client() as client:
        held = client.release(factory=factory, pipeline=pipeline, key=value)
    _show(session.screen, held)
    return Exit.SUCCEEDED


def _key(text: str | None, *, as_json: bool) -> JsonValue:
    if text is None or not as_json:
        if as_json:
            raise click.UsageError("--json-key goes with --key")
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError as exc:
        raise click.BadParameter(f"it is no JSON: {exc}", param_hint="--key") from exc
    return value


def _show(screen: Screen, held: HoldList) -> None:
    if screen.as_json:
        screen.document(held)
        return
    for warning in held.warnings:
        screen.note(("warning", "yellow"), f": {warning}")
    if not held.holds:
        screen.line(f"Nothing of {held.factory} is held.")
    for each in held.holds:
        show_hold(screen, held.factory, each)
