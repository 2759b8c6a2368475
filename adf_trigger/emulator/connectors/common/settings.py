"""Reads typeProperties strictly: unknown properties are rejected by name, never ignored."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.contract.timespans import seconds_of

HARMLESS = frozenset({"type", "disableMetricsCollection"})


def forbid_unknown(properties: dict[str, Any], known: Collection[str], where: str) -> None:
    """Reject properties that are not emulated. Empty ones (null, "", [], {}, false) have no effect and are accepted.

    Raises:
        NotEmulated: there is such a property; the message names the first one.
    """
    for name, value in properties.items():
        if name not in known and name not in HARMLESS and _has_effect(value):
            raise NotEmulated(f"The property '{name}' of {where}")


def _has_effect(value: Any) -> bool:
    return bool(value) or (isinstance(value, int | float) and not isinstance(value, bool))


def text(properties: dict[str, Any], name: str, default: str = "") -> str:
    """A string; the default if it is missing or null."""
    value = properties.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise InvalidSettings(f"The property '{name}' must be a string.")
    return value


def required_text(properties: dict[str, Any], name: str, where: str) -> str:
    """A required, non-empty string."""
    value = text(properties, name)
    if not value:
        raise InvalidSettings(f"The property '{name}' of {where} is required.")
    return value


def flag(properties: dict[str, Any], name: str, *, default: bool = False) -> bool:
    """A boolean, or the text of one."""
    value = properties.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise InvalidSettings(f"The property '{name}' must be true or false.")


def whole_number(properties: dict[str, Any], name: str, default: int | None = None) -> int | None:
    """An integer, or the text of one."""
    value = properties.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
        raise InvalidSettings(f"The property '{name}' must be an integer.")
    return int(value)


def section(properties: dict[str, Any], name: str) -> dict[str, Any]:
    """A nested object; empty if it is missing or null."""
    value = properties.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidSettings(f"The property '{name}' must be an object.")
    return value


def seconds(properties: dict[str, Any], name: str, default: float) -> float:
    """A TimeSpan (`[d.]hh:mm:ss[.fff]`) in seconds; a bare number counts as seconds."""
    value = properties.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return seconds_of(str(value))
    except ValueError as exc:
        raise InvalidSettings(f"The property '{name}' must be a time span such as 00:01:40: {exc}.") from exc


def instant(properties: dict[str, Any], name: str) -> datetime | None:
    """A date and time (ISO 8601), converted to UTC; without a zone it is UTC."""
    value = properties.get(name)
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(value)))
    except ValueError as exc:
        raise InvalidSettings(f"The property '{name}' must be a UTC date and time, not '{value}'.") from exc
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
