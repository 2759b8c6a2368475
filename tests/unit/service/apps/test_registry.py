"""Other apps on the same storage are noticed."""

import pytest

from adf_trigger.ledger.memory_notes import MemoryNotes
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.service.apps.own_notes import HEALTH_NOTE, OWN, TICK_NOTE, OwnNotes
from adf_trigger.service.apps.registry import APP_NOTES, MAX_FACTORIES, AppIdentity, AppRegistry, Owners
from adf_trigger.service.steps import logged_steps
from adf_trigger.settings.fingerprints import fingerprints
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, MovingClock, World, settings

QUEUE = "adf-run-requests"


@pytest.fixture
def world() -> World:
    """A storage account with one factory."""
    return World()


def app(
    notes: MemoryNotes,
    clock: MovingClock,
    name: str,
    *,
    version: str = "2",
    factory: str = FACTORY_ID,
    queue: str = QUEUE,
    **changes: str,
) -> AppRegistry:
    """An app on that storage."""
    identity = AppIdentity(name, version, (factory,), queue, fingerprints(settings(**changes)))
    return AppRegistry(identity, notes, clock, logged_steps)


def test_another_app_that_differs_is_found_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An older deployment with another factory that still reads the queue is named to the new app while it is alive."""
    notes, clock = MemoryNotes(), MovingClock()
    old = app(notes, clock, "old", version="1", factory=FACTORY_ID + "-2")
    new = app(notes, clock, "new")
    old.check()
    sentence = ""
    for _ in range(3):
        clock.forward(121)
        (sentence,) = new.check()
    assert "old" in sentence
    assert "other factories" in sentence
    assert "version 1" in sentence
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    clock.forward(600)
    assert new.check() == ()


def test_an_equivalent_app_is_not_reported() -> None:
    """Instances of one app, a twin with the same factories, and an app on another queue are as they should be."""
    notes, clock = MemoryNotes(), MovingClock()
    app(notes, clock, "mine", version="1").check()
    app(notes, clock, "twin", factory=FACTORY_ID.upper()).check()
    app(notes, clock, "elsewhere", factory=FACTORY_ID + "-2", queue="other-queue").check()
    assert app(notes, clock, "mine").check() == ()


@pytest.mark.parametrize("queue", [QUEUE, "other-queue"])
def test_another_app_that_publishes_elsewhere_is_named_with_the_settings_that_differ(queue: str) -> None:
    """Either of the two may publish an event first, to its own queue or by its own policy; no value is shown."""
    notes, clock = MemoryNotes(), MovingClock()
    policy = '{"load": {"unknownOutcome": "park"}}'
    app(
        notes, clock, "other", queue=queue, ADF_TRIGGER_EVENTS_QUEUE="theirs", ADF_TRIGGER_POLICY=policy
    ).check()
    (sentence,) = app(notes, clock, "mine").check()
    assert "ADF_TRIGGER_EVENTS_QUEUE, ADF_TRIGGER_POLICY" in sentence
    assert "theirs" not in sentence + str(notes.named(APP_SCOPE, APP_NOTES))


def test_settings_that_an_earlier_version_does_not_list_do_not_differ() -> None:
    """Such a version lists fewer settings."""
    notes, clock = MemoryNotes(), MovingClock()
    app(notes, clock, "old").check()
    (note,) = notes.named(APP_SCOPE, APP_NOTES)
    value = {name: each for name, each in note.value.items() if name != "settings"}
    notes.put(APP_SCOPE, note.name, value)
    assert app(notes, clock, "mine", ADF_TRIGGER_EVENTS_QUEUE="ours").check() == ()


def test_each_app_has_a_health_and_ticks_of_its_own(world: World) -> None:
    """The timer of one has stopped: the other's runs and hides nothing, whatever the app is called."""
    other = restarted(world, {"default": (FACTORY_ID + "-2", world.factory)}, WEBSITE_HOSTNAME="other")
    mine = restarted(world, {"default": (FACTORY_ID, world.factory)}, WEBSITE_HOSTNAME="mine")
    mine.tick.run()
    mine.observer.observe()
    before = [mine.notes.get(APP_SCOPE, name) for name in OWN]
    world.clock.forward(600)
    other.tick.run()
    other.observer.observe()
    assert [mine.notes.get(APP_SCOPE, name) for name in OWN] == before
    for name in (TICK_NOTE, HEALTH_NOTE):
        mine_note, theirs = (each.notes.get(APP_SCOPE, name) for each in (mine, other))
        assert mine_note is not None
        assert theirs is not None
        assert mine_note.value != theirs.value


def test_the_ledger_is_written_every_two_minutes_at_most_and_does_not_grow_without_bound() -> None:
    """An idle tick costs nothing, and apps that stopped long ago are removed."""
    notes, clock = MemoryNotes(), MovingClock()
    app(notes, clock, "gone").check()
    gone = AppIdentity("gone", "1", (), QUEUE)
    OwnNotes(notes, gone.mark).put(APP_SCOPE, TICK_NOTE, {})
    clock.forward(31 * 86_400)
    mine = app(notes, clock, "mine")
    mine.check()
    (note,) = notes.named(APP_SCOPE)
    clock.forward(60)
    mine.check()
    assert notes.named(APP_SCOPE, APP_NOTES) == [note]


@pytest.mark.parametrize(("listed", "may_have"), [(MAX_FACTORIES - 1, False), (MAX_FACTORIES, True)])
def test_an_app_that_lists_as_many_factories_as_fit_may_have_any(listed: int, *, may_have: bool) -> None:
    """The rest of its factories did not fit into its note."""
    owners = Owners([(frozenset(f"{FACTORY_ID}-{number}" for number in range(listed)), True)])
    assert owners.has("/subscriptions/another") is may_have
