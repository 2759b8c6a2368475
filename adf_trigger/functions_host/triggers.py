"""Assembles the listeners of an app's queue and timer functions."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from azure.functions.meta import Datum

from adf_trigger.functions_host.common.app_settings import AppSettings
from adf_trigger.functions_host.common.clock import Clock
from adf_trigger.functions_host.common.config import HostConfig
from adf_trigger.functions_host.common.errors import Crash, FunctionFailed, SettingError
from adf_trigger.functions_host.common.host_json import HostJson
from adf_trigger.functions_host.common.storage import DEFAULT_CONNECTION, StorageAccount, storage_account
from adf_trigger.functions_host.queues.azure import AzureQueue
from adf_trigger.functions_host.queues.listener import QueueListener, QueueTriggerOptions, poison_name
from adf_trigger.functions_host.queues.ports import LeasedMessage
from adf_trigger.functions_host.timers.azure import CONTAINER, BlobStatusStore, BlobTimerLock
from adf_trigger.functions_host.timers.holding import LockHolder
from adf_trigger.functions_host.timers.listener import TimerListener
from adf_trigger.functions_host.timers.ncrontab import InvalidSchedule, Schedule
from adf_trigger.functions_host.worker.index import IndexedFunction, QueueTrigger, TimerTrigger
from adf_trigger.functions_host.worker.invoker import Invoker


def queue_datum(trigger: QueueTrigger, body: bytes) -> Datum:
    """A message's body as the platform sends it: text, or bytes if the trigger's data type is binary.

    Raises:
        FunctionFailed: it must be text, and is not UTF-8.
    """
    if trigger.binary:
        return Datum(body, "bytes")
    try:
        return Datum(body.decode(), "string")
    except UnicodeDecodeError as exc:
        raise FunctionFailed("the message is not UTF-8 text") from exc


def queue_metadata(message: LeasedMessage, value: Datum | None = None) -> dict[str, Datum]:
    """The metadata of a message that the platform sends with its body.

    If the body is text and a JSON object, its properties replace those of the message, ignoring case; only arrays
    and nulls are skipped. A binary body replaces nothing.

    Args:
        message: as received.
        value: the body, as passed to the function.
    """
    own = {
        "Id": message.id,
        "DequeueCount": message.dequeue_count,
        "PopReceipt": message.pop_receipt,
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return _overwritten(own, value)


def metadata_by_hand(now: datetime, value: Datum) -> dict[str, Datum]:
    """The metadata of a message that was started manually and was never on a queue.

    Args:
        now: the current time.
        value: the body, as passed to the function.
    """
    never = datetime.max.replace(tzinfo=UTC)
    own = {"DequeueCount": 0, "InsertionTime": now, "ExpirationTime": never, "NextVisibleTime": now}
    return _overwritten({"Id": None, "PopReceipt": None, **own}, value)


def _overwritten(own: Mapping[str, object], value: Datum | None) -> dict[str, Datum]:
    metadata = {name: _metadatum(given) for name, given in own.items() if given is not None}
    names = {name.lower(): name for name in own}
    for name, given in _properties(value):
        if given is not None and not isinstance(given, list):
            metadata[names.setdefault(name.lower(), name)] = _metadatum(given)
    return metadata


def _metadatum(value: object) -> Datum:
    return Datum(json.dumps(value, default=lambda instant: instant.isoformat()), "json")


def _properties(value: Datum | None) -> list[tuple[str, object]]:
    """The top-level properties of a text that is a JSON object, in order, including repeated ones."""
    if value is None or value.type != "string":
        return []
    text = value.value.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return []
    try:
        document = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return []
    return [(name, _plain(given)) for name, given in document]


class _Pairs(list[tuple[str, Any]]):
    """The name-value pairs of a JSON object, in order."""


def _plain(value: object) -> object:
    if isinstance(value, _Pairs):
        return {name: _plain(given) for name, given in value}
    return [_plain(each) for each in value] if isinstance(value, list) else value


class Listeners:
    """Creates the listeners of an app.

    Args:
        config: of the host.
        host_json: host.json.
        settings: the app's.
        host_id: see HostConfig.
        invoker: runs the functions.
        threads: pool for blocking calls to storage.
        clock: returns the current time, for timers.
        random: source of the order of messages, and of the back-off's spread.
        stopping: set once the host stops.
        crash: ends the host; None for a forgiving host.
    """

    def __init__(
        self,
        config: HostConfig,
        host_json: HostJson,
        settings: AppSettings,
        *,
        host_id: str,
        invoker: Invoker,
        threads: Executor,
        clock: Clock,
        random: Random,
        stopping: asyncio.Event,
        crash: Crash | None,
    ) -> None:
        self._crash = crash
        self._shuffle = random if config.shuffle else None
        self._times = config.times.scaled(config.time_scale)
        scaled = host_json.queues.visibility_timeout * config.time_scale
        self._queues = replace(host_json.queues, visibility_timeout=scaled)
        self._settings = settings
        self._host_id = host_id
        self._invoker = invoker
        self._threads = threads
        self._clock = clock
        self._random = random
        self._stopping = stopping

    def queue(self, function: IndexedFunction, trigger: QueueTrigger) -> QueueListener:
        """The listener of a queue function.

        Raises:
            SettingError: the trigger's connection is not set.
        """
        account = self._account(trigger.connection)
        queue = AzureQueue(account.queue(trigger.queue), self._threads)
        poison = poison_name(trigger.queue)

        async def work(message: LeasedMessage, body: bytes) -> None:
            reason = f"message {message.id} of {trigger.queue}, delivery {message.dequeue_count}"
            value = queue_datum(trigger, body)
            await self._invoker.invoke(function, value, queue_metadata(message, value), reason=reason)

        return QueueListener(
            queue,
            AzureQueue(account.queue(poison), self._threads) if poison else None,
            QueueTriggerOptions(self._queues, self._times, self._shuffle, self._random),
            work,
            self._crash,
        )

    def timer(self, function: IndexedFunction, trigger: TimerTrigger) -> TimerListener:
        """The listener of a timer function.

        Raises:
            SettingError: the schedule is invalid, or AzureWebJobsStorage is not set.
        """
        try:
            schedule = Schedule(trigger.schedule)
        except InvalidSchedule as exc:
            raise SettingError(str(exc)) from exc
        container = self._account(DEFAULT_CONNECTION).container(CONTAINER)
        place = (container, self._host_id, function.name, self._threads)

        async def work(value: Datum, reason: str) -> None:
            await self._invoker.invoke(function, value, reason=reason)

        return TimerListener(
            function.name,
            schedule,
            run_on_startup=trigger.run_on_startup,
            store=BlobStatusStore(*place) if trigger.use_monitor else None,
            lock=LockHolder(
                BlobTimerLock(*place),
                function.name,
                period=self._times.lock_seconds,
                recovery=self._times.lock_recovery,
                retry=self._times.listener_retry,
                stopping=self._stopping,
                crash=self._crash,
            ),
            work=work,
            clock=self._clock,
            stopping=self._stopping,
        )

    def _account(self, connection: str) -> StorageAccount:
        return storage_account(self._settings, connection, retry_pause=self._times.storage_retry)
