"""How a timer starts with the stored status."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.functions_host.timers.ncrontab import Schedule
from adf_trigger.functions_host.timers.past_due import after_run, on_startup
from adf_trigger.functions_host.timers.ports import NEVER, ScheduleStatus

EVERY_FIVE_MINUTES = Schedule("0 */5 * * * *")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_new_timer_waits_for_its_first_occurrence_and_stores_it() -> None:
    """Without a status nothing was missed, and one is stored so that the first can be missed."""
    startup = on_startup(EVERY_FIVE_MINUTES, None, NOON)
    assert (startup.past_due, startup.changed) == (False, True)
    assert startup.status == ScheduleStatus(last=NEVER, next=NOON + 5 * MINUTE, last_updated=NOON)


def test_a_new_timer_whose_host_dies_before_the_first_occurrence_is_past_due() -> None:
    """The stored status of a timer that never ran shows that its first occurrence was missed."""
    saved = on_startup(EVERY_FIVE_MINUTES, None, NOON).status
    startup = on_startup(EVERY_FIVE_MINUTES, saved, NOON + 6 * MINUTE)
    assert (startup.past_due, startup.changed, startup.status) == (True, False, saved)


def test_a_timer_in_time_is_not_past_due() -> None:
    """A restart between two occurrences misses none."""
    saved = ScheduleStatus(last=NOON, next=NOON + 5 * MINUTE, last_updated=NOON)
    startup = on_startup(EVERY_FIVE_MINUTES, saved, NOON + 4 * MINUTE)
    assert (startup.past_due, startup.changed) == (False, False)


def test_a_new_schedule_has_missed_nothing() -> None:
    """After a change of the schedule, the old one's next is ignored."""
    saved = ScheduleStatus(last=NOON, next=NOON + 5 * MINUTE, last_updated=NOON)
    startup = on_startup(Schedule("0 0 13 * * *"), saved, NOON + 120 * MINUTE)
    assert (startup.past_due, startup.changed) == (False, True)
    assert startup.status.next == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    assert startup.status.last == NEVER


def test_a_changed_schedule_with_a_future_next_keeps_its_basis() -> None:
    """A new schedule is computed from the last run, as long as its next is in the future."""
    saved = ScheduleStatus(last=NOON, next=NOON + 5 * MINUTE, last_updated=NOON)
    startup = on_startup(Schedule("0 0 * * * *"), saved, NOON + 1 * MINUTE)
    assert startup.status == ScheduleStatus(last=NEVER, next=NOON + 60 * MINUTE, last_updated=NOON)


def test_a_run_that_began_early_counts_as_on_time() -> None:
    """The same occurrence does not fire twice when the clock was a little ahead."""
    status = ScheduleStatus(last=NOON, next=NOON + 5 * MINUTE, last_updated=NOON)
    early = status.next - timedelta(milliseconds=300)
    assert after_run(EVERY_FIVE_MINUTES, status, early, on_schedule=True).next == NOON + 10 * MINUTE


def test_a_run_on_startup_does_not_replace_the_next_occurrence() -> None:
    """A run that the schedule did not cause leaves the schedule's next unchanged."""
    status = ScheduleStatus(last=NOON, next=NOON + 5 * MINUTE, last_updated=NOON)
    ran = NOON + 2 * MINUTE
    assert after_run(EVERY_FIVE_MINUTES, status, ran, on_schedule=False).next == NOON + 5 * MINUTE


@settings(deadline=None)
@given(st.timedeltas(timedelta(0), timedelta(days=3)), st.integers(0, 10**7))
def test_one_run_catches_up_on_all_missed_occurrences(missed: timedelta, took_ms: int) -> None:
    """After the past-due run, a restart finds nothing past due unless another occurrence has passed."""
    saved = ScheduleStatus(last=NOON, next=NOON + 5 * MINUTE, last_updated=NOON)
    now = NOON + 5 * MINUTE + timedelta(microseconds=1) + missed
    assert on_startup(EVERY_FIVE_MINUTES, saved, now).past_due
    after = after_run(EVERY_FIVE_MINUTES, saved, now, on_schedule=False)
    later = now + timedelta(milliseconds=took_ms)
    assert on_startup(EVERY_FIVE_MINUTES, after, later).past_due == (later > after.next)


def test_a_status_survives_its_json() -> None:
    """A written status is read back, the never time included."""
    status = ScheduleStatus(last=NEVER, next=NOON + MINUTE, last_updated=NOON)
    assert ScheduleStatus.from_json(status.to_json()) == status
