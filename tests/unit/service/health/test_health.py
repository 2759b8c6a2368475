"""The health keeps what the timer found, and answers immediately whatever hangs."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.errors import CredentialError, LedgerError, TryLater
from adf_trigger.ledger.notes import APP_SCOPE, Note
from adf_trigger.service.apps.own_notes import HEALTH_NOTE, TICK_NOTE
from adf_trigger.service.health.health import Health, HealthReader, HealthStatus
from adf_trigger.service.health.ledger_identity import LEDGER_NOTE, LedgerIdentity
from adf_trigger.service.health.observe import Observer
from adf_trigger.service.steps import logged_steps
from adf_trigger.settings.schedule import Schedule
from tests.support.faulty_ledger import FaultyNotes
from tests.support.world import START, MovingClock

SCHEDULE = Schedule("*/15 * * * * *")
ANSWERED_WITHIN = 10.0
"""Seconds: below one on an idle machine."""
HANGING = 60.0


class HangingNotes(FaultyNotes):
    """Notes whose reads hang while a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.reads = 0

    def get(self, scope: str, name: str) -> Note | None:
        """See Notes."""
        self.reads += 1
        self.open.wait(HANGING)
        return super().get(scope, name)


class Seconds:
    """A monotonic clock that a test sets forward on top of the real one."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Lab:
    """A timer's observer and a reader on another instance, over the same notes."""

    def __init__(self, **checks: Callable[[], object]) -> None:
        self.clock, self.notes, self.seconds = MovingClock(), HangingNotes(), Seconds()
        self.observer = Observer(checks, self.notes, self.clock, SCHEDULE, logged_steps, limit=0.3)
        self.reader = self.new_reader()

    def new_reader(self) -> HealthReader:
        """An instance that has just started."""
        return HealthReader(self.notes, self.clock, SCHEDULE, seconds=self.seconds)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.forward(seconds)
        self.seconds.ahead += seconds

    def timed(self) -> Health:
        """An answer, which must not take longer than a second."""
        begun = time.monotonic()
        answer = asyncio.run(self.reader.answer())
        assert time.monotonic() - begun < ANSWERED_WITHIN
        return answer


@pytest.fixture
def lab() -> Iterator[Lab]:
    """One component that answers."""
    lab = Lab(table=lambda: None)
    yield lab
    lab.notes.open.set()


def test_an_instance_is_starting_until_the_timer_has_reported(lab: Lab) -> None:
    """Nothing is known before the first report; from then on all is well."""
    assert lab.timed().status is HealthStatus.STARTING
    lab.observer.observe()
    lab.later(4)
    answer = lab.timed()
    assert (answer.status, answer.since) == (HealthStatus.OK, START)


def test_a_component_that_does_not_answer_is_named_with_its_reason_and_since_when() -> None:
    """The report keeps the instant of the change through later reports, until the component answers again."""
    troubles: list[Exception] = []

    def token() -> None:
        if troubles:
            raise troubles[0]

    lab = Lab(table=lambda: None, credential=token)
    lab.observer.observe()
    lab.later(15)
    troubles.append(CredentialError("the secret has expired"))
    lab.observer.observe()
    lab.later(15)
    lab.observer.observe()
    answer = lab.timed()
    assert (answer.status, answer.since) == (HealthStatus.UNAVAILABLE, START + timedelta(seconds=15))
    assert [trouble.what for trouble in answer.troubles] == [
        "credential: CredentialError: the secret has expired"
    ]
    troubles.clear()
    lab.observer.observe()
    lab.later(4)
    assert (lab.timed().status, lab.timed().since) == (HealthStatus.OK, START + timedelta(seconds=30))


def test_a_component_that_hangs_is_reported_and_is_not_called_again_meanwhile() -> None:
    """It delays neither the report nor the others, and its calls do not pile up."""
    asked = []
    release = threading.Event()

    def hang() -> None:
        asked.append(1)
        release.wait(HANGING)

    lab = Lab(table=lambda: None, factory=hang)
    begun = time.monotonic()
    for _ in range(3):
        lab.observer.observe()
    assert time.monotonic() - begun < ANSWERED_WITHIN
    assert len(asked) == 1
    assert [trouble.what for trouble in lab.timed().troubles] == [
        "factory: gave no answer within 0.3 seconds"
    ]
    assert {thread.daemon for thread in threading.enumerate() if thread.name == "observe"} == {True}
    release.set()


def test_a_timer_that_stands_still_shows(lab: Lab) -> None:
    """Some periods after its last report the service is not healthy, since the time when the timer was due."""
    lab.observer.observe()
    lab.later(60)
    assert lab.timed().status is HealthStatus.OK
    lab.later(31)
    answer = lab.timed()
    assert (answer.status, answer.since) == (HealthStatus.UNAVAILABLE, START + timedelta(seconds=15))
    assert "timer" in answer.troubles[0].what


def test_a_timer_that_runs_again_is_well_since_its_first_report(lab: Lab) -> None:
    """Without reports nothing was well: the time counts from the first report after the gap."""
    lab.observer.observe()
    lab.later(3600)
    assert lab.timed().status is HealthStatus.UNAVAILABLE
    for _ in range(3):
        lab.observer.observe()
        lab.later(15)
    assert (lab.timed().status, lab.timed().since) == (HealthStatus.OK, START + timedelta(seconds=3600))


def test_a_timer_that_never_runs_is_reported(lab: Lab) -> None:
    """An instance that waits for the first report shows `starting` for some periods only."""
    assert lab.timed().status is HealthStatus.STARTING
    lab.later(91)
    assert lab.timed().status is HealthStatus.UNAVAILABLE


def test_a_tick_that_is_never_completed_is_reported(lab: Lab) -> None:
    """A timer that fires and does not complete is as dead as one that does not fire."""
    lab.notes.put(APP_SCOPE, TICK_NOTE, {"at": START.isoformat(), "by": "timer", "seconds": 1.0})
    lab.later(91)
    lab.observer.observe()
    assert "complete tick" in lab.timed().troubles[0].what


def test_a_long_tick_is_not_a_dead_timer(lab: Lab) -> None:
    """A long tick is given the time that it needs in addition."""
    lab.notes.put(APP_SCOPE, TICK_NOTE, {"at": START.isoformat(), "by": "timer", "seconds": 60.0})
    lab.later(91)
    lab.observer.observe()
    assert lab.timed().status is HealthStatus.OK


def test_it_answers_within_a_second_while_the_ledger_hangs(lab: Lab) -> None:
    """All of sixty concurrent callers, before and after the first reading, are answered, and one reading is made."""
    lab.notes.open.clear()

    async def ask() -> tuple[HealthStatus, float]:
        begun = time.monotonic()
        return (await lab.reader.answer()).status, time.monotonic() - begun

    async def ask_sixty_times() -> list[tuple[HealthStatus, float]]:
        return await asyncio.gather(*(ask() for _ in range(60)))

    answers = asyncio.run(ask_sixty_times())
    assert {status for status, _ in answers} == {HealthStatus.STARTING}
    assert max(seconds for _, seconds in answers) < ANSWERED_WITHIN
    assert lab.notes.reads == 1


def test_a_ledger_that_has_stopped_answering_is_reported(lab: Lab) -> None:
    """The last reading is valid for a while; then the missing answer is reported."""
    lab.observer.observe()
    assert lab.timed().status is HealthStatus.OK
    lab.notes.open.clear()
    lab.later(10)
    assert lab.timed().status is HealthStatus.OK
    lab.later(30)
    assert "no answer" in lab.timed().troubles[0].what


def test_an_instance_without_callers_does_not_take_an_old_report_for_a_dead_timer(lab: Lab) -> None:
    """While its first new reading is slow it uses what it knew then, for a bounded time only."""
    lab.observer.observe()
    assert lab.timed().status is HealthStatus.OK
    lab.later(3600)
    lab.observer.observe()
    lab.notes.open.clear()
    assert lab.timed().status is HealthStatus.OK
    lab.later(31)
    assert lab.timed().status is HealthStatus.UNAVAILABLE
    lab.notes.open.set()


def test_a_ledger_that_cannot_be_read_is_reported_with_since_and_reason(lab: Lab) -> None:
    """The instant is that of the first failed reading."""
    lab.observer.observe()
    lab.timed()
    lab.later(10)
    lab.notes.before["get"] = [LedgerError("away")] * 2
    assert (lab.timed().since, lab.timed().troubles[0].what) == (
        START + timedelta(seconds=10),
        "the ledger cannot be read: away",
    )
    lab.later(4)
    lab.timed()
    lab.later(4)
    assert lab.timed().status is HealthStatus.OK


class MemoryLandmark:
    """A landmark in memory."""

    def __init__(self) -> None:
        self.text: str | None = None

    def landmark(self) -> str | None:
        """See Landmark."""
        return self.text

    def set_landmark(self, text: str) -> None:
        """See Landmark."""
        self.text = text


def test_a_recreated_ledger_is_reported_until_it_is_acknowledged(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    """A fresh ledger is not reported; one that has lost its content is an ERROR and 503 until it is acknowledged."""
    landmark = MemoryLandmark()

    def identity() -> LedgerIdentity:
        return LedgerIdentity(lab.notes, landmark, lab.clock, uuid4, logged_steps)

    with pytest.raises(TryLater):
        identity().acknowledge("me")
    identity().check()
    lab.observer.observe()
    assert lab.timed().status is HealthStatus.OK
    lab.notes.remove(APP_SCOPE, LEDGER_NOTE)
    lab.later(15)
    long_running = identity()
    for _ in range(2):
        long_running.check()
    assert [record.levelname for record in caplog.records if record.action == "ledger_lost"] == ["ERROR"]  # type: ignore[attr-defined]
    identity().check()
    lab.observer.observe()
    answer = lab.timed()
    assert answer.since == START + timedelta(seconds=15)
    assert answer.troubles[0].what.startswith("ledger new since 2026-01-05T12:00:15")
    identity().acknowledge("me")
    lab.later(4)
    assert lab.timed().status is HealthStatus.OK
    assert lab.timed().details["ledger"]["acknowledgedBy"] == "me"
    lab.notes.remove(APP_SCOPE, LEDGER_NOTE)
    lab.later(4)
    long_running.check()
    assert lab.timed().status is HealthStatus.UNAVAILABLE


def test_a_ledger_that_is_lost_with_its_landmark_is_missed_by_a_running_process(lab: Lab) -> None:
    """Queue and table are both recreated: a process that has known the ledger notices that it is another one."""
    landmark = MemoryLandmark()
    identity = LedgerIdentity(lab.notes, landmark, lab.clock, uuid4, logged_steps)
    identity.check()
    landmark.text = None
    lab.notes.remove(APP_SCOPE, LEDGER_NOTE)
    identity.check()
    note = lab.notes.get(APP_SCOPE, LEDGER_NOTE)
    assert note is not None
    assert note.value["acknowledged"] is False
    assert landmark.text == note.value["id"]


def test_many_factories_are_checked_in_turn() -> None:
    """A new factory is checked directly, then a few each time; for the others the last result stands."""
    asked: list[str] = []
    lab = Lab()
    factories = {f"factory:{number}": (lambda name=str(number): asked.append(name)) for number in range(10)}
    lab.observer = Observer({}, lab.notes, lab.clock, SCHEDULE, logged_steps, in_turn=factories)
    lab.observer.observe()
    assert len(asked) == 10
    asked.clear()
    for _ in range(5):
        lab.observer.observe()
    assert len(asked) == 20
    assert set(asked) == {str(number) for number in range(10)}
    note = lab.notes.get(APP_SCOPE, HEALTH_NOTE)
    assert note is not None
    assert len(note.value["components"]) == 10


@pytest.mark.parametrize("name", [HEALTH_NOTE, TICK_NOTE, LEDGER_NOTE])
@pytest.mark.parametrize(
    "value", [{}, {"at": 5}, {"at": "2026-01-05T12:00:00", "components": []}, {"since": "?"}]
)
def test_a_note_of_another_version_breaks_nothing(lab: Lab, name: str, value: dict[str, Any]) -> None:
    """A note that cannot be read counts as missing, and is overwritten."""
    lab.observer.observe()
    lab.notes.put(APP_SCOPE, name, value)
    assert lab.timed().status in {HealthStatus.OK, HealthStatus.STARTING}
    lab.observer.observe()
    lab.later(4)
    assert lab.timed().status is HealthStatus.OK


def test_a_faulty_check_is_reported_and_spoils_no_report(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in one check is an ERROR with its traceback, and the others are reported."""

    def broken() -> None:
        raise ZeroDivisionError

    lab = Lab(broken=broken, table=lambda: None)
    lab.observer.observe()
    assert [trouble.what for trouble in lab.timed().troubles] == [
        "broken: its check has failed: ZeroDivisionError"
    ]
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f600", '"'])
def test_a_report_of_many_factories_fits_into_a_note(letter: str) -> None:
    """Components that do not answer are listed first, each reason is cut, and the rest is left out."""

    def fail() -> None:
        raise LedgerError(letter * 5000)

    lab = Lab(**{f"{number}:{'f' * 64}": (fail if number % 2 else (lambda: None)) for number in range(200)})
    lab.observer = Observer(
        lab.observer._checks,
        lab.notes,
        lab.clock,
        SCHEDULE,
        logged_steps,
        warnings=lambda: [letter * 600] * 20,
    )
    lab.observer.observe()
    note = lab.notes.get(APP_SCOPE, HEALTH_NOTE)
    assert note is not None
    assert len(note.value["components"]) == 60
    assert len(note.value["warnings"]) == 20
    few = Lab(factory=fail)
    few.observer.observe()
    assert len(few.timed().troubles[0].what) > 100
    assert not any(each["ok"] for each in note.value["components"].values())
