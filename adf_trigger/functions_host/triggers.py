"""The listeners of an app's queue and timer functions, put together."""

import asyncio
import json
from concurrent.futures import Executor
from dataclasses import replace
from random import Random

from azure.functions.meta import Datum

from adf_trigger.functions_host.app_settings import AppSettings
from adf_trigger.functions_host.clock import Clock
from adf_trigger.functions_host.config import HostConfig
from adf_trigger.functions_host.errors import SettingError
from adf_trigger.functions_host.host_json import HostJson
from adf_trigger.functions_host.index import IndexedFunction, QueueTrigger, TimerTrigger
from adf_trigger.functions_host.invoker import Invoker
from adf_trigger.functions_host.queues.azure import AzureQueue
from adf_trigger.functions_host.queues.listener import QueueListener, QueueTriggerOptions, poison_name
from adf_trigger.functions_host.queues.ports import LeasedMessage
from adf_trigger.functions_host.storage import DEFAULT_CONNECTION, storage_account
from adf_trigger.functions_host.timers.azure import CONTAINER, BlobStatusStore, BlobTimerLock
from adf_trigger.functions_host.timers.holding import LockHolder
from adf_trigger.functions_host.timers.listener import TimerListener
from adf_trigger.functions_host.timers.ncrontab import InvalidSchedule, Schedule


def queue_datum(trigger: QueueTrigger, body: bytes) -> Datum:
    """A message's body as the platform sends it: text, unless the trigger's data type is binary."""
    return Datum(body, "bytes") if trigger.binary else Datum(body.decode(errors="replace"), "string")


def queue_metadata(message: LeasedMessage) -> dict[str, Datum]:
    """What the platform tells of a message besides its body."""
    values = {
        "Id": message.id,
        "DequeueCount": message.dequeue_count,
        "PopReceipt": message.pop_receipt,
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        name: Datum(json.dumps(value, default=lambda instant: instant.isoformat()), "json")
        for name, value in values.items()
        if value is not None
    }


class Listeners:
    """Makes the listeners of an app.

    Args:
        config: how this host is run.
        host_json: host.json.
        settings: the app's.
        host_id: see HostConfig.
        invoker: runs the functions.
        threads: where storage calls block.
        clock: tells the time to timers.
        random: order of messages, and spread of the back-off.
        stopping: set once the host stops.
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
    ) -> None:
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

    async def queue(self, function: IndexedFunction, trigger: QueueTrigger) -> QueueListener:
        """The listener of a queue function, its queue made if it was not there.

        Raises:
            SettingError: the trigger's connection is not set.
            StorageFault: storage did not answer.
        """
        account = storage_account(self._settings, trigger.connection)
        queue = AzureQueue(account.queue(trigger.queue), self._threads)
        poison = poison_name(trigger.queue)
        await queue.create()

        async def work(message: LeasedMessage, body: bytes) -> None:
            reason = f"message {message.id} of {trigger.queue}, delivery {message.dequeue_count}"
            metadata = queue_metadata(message)
            await self._invoker.invoke(function, queue_datum(trigger, body), metadata, reason=reason)

        return QueueListener(
            queue,
            AzureQueue(account.queue(poison), self._threads) if poison else None,
            QueueTriggerOptions(self._queues, self._times, self._shuffle, self._random),
            work,
        )

    def timer(self, function: IndexedFunction, trigger: TimerTrigger) -> TimerListener:
        """The listener of a timer function.

        Raises:
            SettingError: the schedule is none, or AzureWebJobsStorage is not set.
        """
        try:
            schedule = Schedule(trigger.schedule)
        except InvalidSchedule as exc:
            raise SettingError(f"{function.name}: {exc}") from exc
        container = storage_account(self._settings, DEFAULT_CONNECTION).container(CONTAINER)
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
                stopping=self._stopping,
            ),
            work=work,
            clock=self._clock,
            stopping=self._stopping,
        )
