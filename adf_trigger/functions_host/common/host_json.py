"""host.json: the settings that this host honours. Unknown settings are ignored."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from adf_trigger.functions_host.common.app_settings import AppSettings
from adf_trigger.functions_host.common.errors import SettingError

MessageEncoding = Literal["base64", "none"]

UNBOUNDED = -1
_LARGEST_BATCH = 32
_POLLING_FLOOR_SECONDS = 0.1
_DEFAULT_TIMEOUT_SECONDS = 1800.0
_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,7})?))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """extensions.http. A limit of -1 means no limit, which is the default except on Windows Consumption."""

    route_prefix: str = "api"
    max_concurrent_requests: int = UNBOUNDED
    max_outstanding_requests: int = UNBOUNDED


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesOptions:
    """extensions.queues, with the platform's defaults. Times are in seconds."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0
    message_encoding: MessageEncoding = "base64"
    max_polling_interval: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostJson:
    """The contents of host.json. `function_timeout` is in seconds; None means no limit."""

    http: HttpOptions = HttpOptions()
    queues: QueuesOptions = QueuesOptions()
    function_timeout: float | None = _DEFAULT_TIMEOUT_SECONDS


def load_host_json(app: Path, settings: AppSettings) -> HostJson:
    """Read host.json, and the app settings AzureFunctionsJobHost__… that override it.

    Raises:
        SettingError: with every fault found.
    """
    path = app / "host.json"
    values: dict[str, object] = {}
    if path.exists():
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
        except ValueError as exc:
            raise SettingError(f"{path} is not JSON: {exc}") from exc
        if not isinstance(document, dict) or document.get("version") != "2.0":
            raise SettingError(f'{path} must be an object with "version": "2.0"')
        values.update(_flat(document))
    values.update(settings.section("AzureFunctionsJobHost"))
    reader = _Reader(values)
    found = _read(reader)
    if reader.faults:
        raise SettingError(f"{path}: " + "; ".join(reader.faults))
    return found


def _read(reader: "_Reader") -> HostJson:
    batch_size = reader.number("extensions__queues__batchSize", 16, low=1, high=_LARGEST_BATCH)
    encoding = reader.text("extensions__queues__messageEncoding", "base64").lower()
    if encoding not in {"base64", "none"}:
        reader.faults.append("extensions.queues.messageEncoding must be base64 or none")
    timeout = reader.text("functionTimeout", "")
    return HostJson(
        http=HttpOptions(
            route_prefix=reader.text("extensions__http__routePrefix", "api").strip("/"),
            max_concurrent_requests=reader.limit("extensions__http__maxConcurrentRequests"),
            max_outstanding_requests=reader.limit("extensions__http__maxOutstandingRequests"),
        ),
        queues=QueuesOptions(
            batch_size=batch_size,
            new_batch_threshold=reader.number(
                "extensions__queues__newBatchThreshold", batch_size // 2 * (os.cpu_count() or 1), low=0
            ),
            max_dequeue_count=reader.number("extensions__queues__maxDequeueCount", 5, low=1),
            visibility_timeout=reader.timespan("extensions__queues__visibilityTimeout", 0.0),
            message_encoding=cast("MessageEncoding", encoding),
            max_polling_interval=reader.timespan(
                "extensions__queues__maxPollingInterval", 60.0, low=_POLLING_FLOOR_SECONDS
            ),
        ),
        function_timeout=None
        if timeout == "-1"
        else reader.timespan("functionTimeout", _DEFAULT_TIMEOUT_SECONDS, low=1.0),
    )


def parse_timespan(text: str) -> float:
    """Seconds of a .NET TimeSpan: `hh:mm:ss`, optionally with days (`d.`) in front and a fraction at the end.

    Raises:
        ValueError: the text is not a TimeSpan.
    """
    match = _TIMESPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not hh:mm:ss")
    days, hours, minutes, seconds = match.groups(default="0")
    if int(hours) > 23 or int(minutes) > 59 or float(seconds) >= 60:  # noqa: PLR2004 - a clock's numbers
        raise ValueError(f"{text!r} is not hh:mm:ss")
    return int(days) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _flat(document: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in document.items():
        key = prefix + name.lower()
        if isinstance(value, dict):
            flat.update(_flat(value, key + "__"))
        else:
            flat[key] = value
    return flat


class _Reader:
    """Reads flat settings by type; collects the faults instead of stopping at the first."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        value = self._values.get(name.lower())
        return default if value is None else str(value)

    def number(self, name: str, default: int, *, low: int, high: int | None = None) -> int:
        text = self.text(name, str(default))
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if number < low or (high is not None and number > high):
            limits = f"at least {low}" if high is None else f"between {low} and {high}"
            self.faults.append(f"{_dotted(name)} must be a whole number, {limits}, not {text!r}")
            return default
        return number

    def limit(self, name: str) -> int:
        if self.text(name, "-1") == "-1":
            return UNBOUNDED
        return self.number(name, UNBOUNDED, low=1)

    def timespan(self, name: str, default: float, *, low: float = 0.0) -> float:
        text = self.text(name, "")
        if not text:
            return default
        try:
            seconds = parse_timespan(text)
        except ValueError:
            seconds = low - 1
        if seconds < low:
            self.faults.append(f"{_dotted(name)} must be hh:mm:ss, at least {low:g} s, not {text!r}")
            return default
        return seconds


def _dotted(name: str) -> str:
    return name.replace("__", ".")
