"""An outbox in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from adf_trigger.news import CompletionEvent, RejectedMessage


@dataclass
class MemoryOutbox:
    """Keeps what was sent; fails where a test says so, before or after the effect."""

    events: list[CompletionEvent] = field(default_factory=list)
    rejected: list[RejectedMessage] = field(default_factory=list)
    put_back_texts: list[tuple[str, float]] = field(default_factory=list)
    lives: list[timedelta] = field(default_factory=list)
    put_back_as_poison: list[tuple[str, float]] = field(default_factory=list)
    before: list[Exception] = field(default_factory=list)
    after: list[Exception] = field(default_factory=list)
    mark: str | None = None

    def publish(self, event: CompletionEvent) -> None:
        """See Outbox."""
        self._fail(self.before)
        self.events.append(event)
        self._fail(self.after)

    def reject(self, message: RejectedMessage) -> None:
        """See Outbox."""
        self._fail(self.before)
        self.rejected.append(message)
        self._fail(self.after)

    def put_back(self, text: str, *, delay: float, life: timedelta, poison: bool = False) -> None:
        """See Outbox."""
        self._fail(self.before)
        self.lives.append(life)
        (self.put_back_as_poison if poison else self.put_back_texts).append((text, delay))

    def check(self) -> None:
        """See Outbox."""
        self._fail(self.before)

    def landmark(self) -> str | None:
        """See Landmark."""
        return self.mark

    def set_landmark(self, text: str) -> None:
        """See Landmark."""
        self.mark = text

    @staticmethod
    def _fail(planned: list[Exception]) -> None:
        if planned:
            raise planned.pop(0)


@dataclass
class MemoryRoutes:
    """Keeps what was sent along each route; fails where a test says so.

    Attributes:
        near: routes that the publisher waits for.
        down: route → the error that it raises.
        lost: routes that accept the event, and then report a failure.
    """

    near: set[str] = field(default_factory=set)
    down: dict[str, Exception] = field(default_factory=dict)
    lost: dict[str, Exception] = field(default_factory=dict)
    sent: dict[str, list[CompletionEvent]] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)

    def is_near(self, route: str) -> bool:
        """See RouteSender."""
        return route in self.near

    def send(self, route: str, event: CompletionEvent) -> None:
        """See RouteSender."""
        self.tried.append(route)
        if route in self.down:
            raise self.down[route]
        self.sent.setdefault(route, []).append(event)
        if route in self.lost:
            raise self.lost[route]


@dataclass
class MemoryCallbacks:
    """Keeps the callbacks that were made; answers as a test configures.

    Attributes:
        answers: address → statuses, or errors, one call each; 200 where there are none.
        during: called during a call.
    """

    answers: dict[str, list[int | Exception]] = field(default_factory=dict)
    calls: list[tuple[str, CompletionEvent]] = field(default_factory=list)
    during: Callable[[], None] | None = None

    def call(self, uri: str, event: CompletionEvent) -> int:
        """See CallbackSender."""
        self.calls.append((uri, event))
        if self.during is not None:
            self.during()
        planned = self.answers.get(uri)
        answer = planned.pop(0) if planned else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def reported(self) -> list[tuple[str, str]]:
        """The called addresses, each with the reported status."""
        return [(uri, event.data.status) for uri, event in self.calls]
