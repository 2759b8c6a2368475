"""A service with a rejected message, its requests queue, and steps at which it is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adf_trigger.messages.texts import MAX_QUEUE_BYTES
from adf_trigger.service.intake.overdue_messages import MARGIN
from adf_trigger.service.steering.rejected import ReplayOrder
from adf_trigger.service.steering.steerer import RunSelector
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

DEADLINE = 86_400.0
LATE = DEADLINE + MARGIN.total_seconds() + 1
SMALL = b'{"pipeline":"later","parameters":{"n":"x"}}'
LARGE = SMALL.replace(b'"x"', b'"' + b"x" * (MAX_QUEUE_BYTES - len(SMALL) + 1) + b'"')


class Killed(Exception):
    """The process ends."""


class Plan:
    """Steps of which one is the last, and a callback before or after one."""

    def __init__(self) -> None:
        self.kill: tuple[str, str] | None = None
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        if self.kill == ("before", name):
            raise Killed
        if name in self.before:
            self.before.pop(name)()
        yield
        if name in self.after:
            self.after.pop(name)()
        if self.kill == ("after", name):
            raise Killed


class Storage:
    """A service with a rejected message, and its requests queue."""

    def __init__(self, body: bytes = SMALL, **changes: str) -> None:
        self.plan = Plan()
        self.world = World(steps=self.plan, settings=settings(**changes))
        self.caller = Caller(self.world)
        self.delivered = 1
        self.caller.message(body, message_id="m-1", inserted_at=self.world.clock.now)
        self.world.factory.declare(
            "later", n={"type": "String"}, key={"type": "SecureString", "defaultValue": ""}
        )
        self.world.clock.forward(60)
        assert self.status() == "Rejected"

    def status(self, run: str = "m-1") -> str:
        """The status as GET shows it."""
        return self.world.services.query.show(run).status

    def replay(self, **order: Any) -> str:
        """The status of the answer to a replay."""
        return self.world.services.steering.replay(RunSelector("m-1"), ReplayOrder(**order)).status

    def replay_and_deliver(self) -> None:
        """Replay it and deliver it, and delete the accepted message from the queue."""
        self.replay()
        for text in self.texts():
            self.deliver(text)
        self.world.outbox.put_back_texts.clear()

    def texts(self) -> list[str]:
        """The messages of the queue."""
        return [text for text, _ in self.world.outbox.put_back_texts]

    def deliver(self, text: str | None = None) -> None:
        """Deliver a text, or all messages of the queue."""
        texts = self.texts() if text is None else [text]
        if text is None:
            self.world.outbox.put_back_texts.clear()
        for each in texts:
            self.delivered += 1
            self.caller.message(
                each.encode(), message_id=f"m-{self.delivered}", inserted_at=self.world.clock.now
            )
