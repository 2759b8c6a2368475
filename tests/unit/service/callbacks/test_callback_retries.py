"""A callback that is not accepted is retried for a limited time, by one tick at a time."""

import pytest

from adf_trigger.errors import (
    PublishError,
)
from adf_trigger.service.callbacks.caller import FAILURES_A_TICK
from tests.support.callbacks import URI, finished, kept, uri_of
from tests.support.world import World, settings


@pytest.fixture
def world() -> World:
    """A service with a pipeline."""
    world = World()
    world.factory.declare("load", n={"type": "Int", "defaultValue": 0})
    return world


def test_a_callback_that_is_not_accepted_is_retried_ever_less_often_and_given_up_after_days(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The address is then erased, too, and no log line contains it."""
    caplog.set_level("DEBUG")
    world.submit(call_back_uri=URI)
    finished(world)
    world.called_back.answers[URI] = [503] * 10_000
    world.tick(after=15)
    world.tick(after=4)
    assert len(world.called_back.calls) == 1
    for _ in range(3 * 24 * 4 + 4):
        world.tick(after=900)
    assert 200 < len(world.called_back.calls) < 400
    assert kept(world) == []
    actions = [getattr(each, "action", "") for each in caplog.records]
    assert actions.count("callback_given_up") == 1
    assert actions.count("callback_failed") == len(world.called_back.calls) - 1
    assert "secret-part" not in caplog.text
    assert all("secret-part" not in str(vars(each)) for each in caplog.records)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_an_activity_that_no_longer_waits_is_not_called_again(world: World, status: int) -> None:
    """It has timed out, or its run was cancelled."""
    world.submit(call_back_uri=URI)
    finished(world)
    world.called_back.answers[URI] = [status]
    world.tick(after=15)
    assert kept(world) == []
    world.tick(after=900)
    assert len(world.called_back.calls) == 1


@pytest.mark.parametrize(
    "answer", [301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504, PublishError("cut")]
)
def test_every_other_answer_is_retried(world: World, answer: int | Exception) -> None:
    """A redirect does not count as accepted."""
    world.submit(call_back_uri=URI)
    finished(world)
    world.called_back.answers[URI] = [answer]
    world.tick(after=15)
    world.tick(after=15)
    assert world.called_back.reported == [(URI, "Succeeded")] * 2
    assert kept(world) == []


def test_two_ticks_do_not_make_the_same_call(world: World) -> None:
    """The second finds the callback claimed while the first one's call hangs."""
    world.submit(call_back_uri=URI)
    finished(world)

    def meanwhile() -> None:
        world.called_back.during = None
        world.tick()

    world.called_back.during = meanwhile
    world.tick(after=15)
    assert len(world.called_back.calls) == 1
    assert kept(world) == []


def test_a_callback_of_a_killed_process_is_called_again(world: World) -> None:
    """It is called at least once more, after its claim has expired."""
    world.submit(call_back_uri=URI)
    finished(world)

    def killed() -> None:
        raise KeyboardInterrupt

    world.called_back.during = killed
    with pytest.raises(KeyboardInterrupt):
        world.tick(after=15)
    world.called_back.during = None
    world.restart()
    world.tick(after=15)
    assert len(world.called_back.calls) == 1
    world.tick(after=60)
    assert world.called_back.reported == [(URI, "Succeeded")] * 2
    assert kept(world) == []


def test_a_failing_host_delays_no_other(world: World) -> None:
    """It is skipped until the next tick, and callbacks that had no turn come first then."""
    world.settings = settings(
        ADF_TRIGGER_CALLBACK_HOSTS='["*.svc.datafactory.azure.com", "hooks.example.com"]'
    )
    world.restart()
    world.factory.declare("load")
    down = [uri_of(number) for number in range(FAILURES_A_TICK + 3)]
    for number, uri in enumerate(down):
        world.submit(f"key-{number}", call_back_uri=uri)
        world.called_back.answers[uri] = [PublishError("no answer")]
    world.clock.forward(1)
    world.submit("last", call_back_uri="https://hooks.example.com/a")
    for key in (*(f"key-{number}" for number in range(len(down))), "last"):
        finished(world, key)
    world.tick(after=15)
    assert ("https://hooks.example.com/a", "Succeeded") in world.called_back.reported
    assert len(world.called_back.calls) == FAILURES_A_TICK + 1
    world.tick(after=60)
    world.tick(after=60)
    assert {uri for uri, _ in world.called_back.calls} == {*down, "https://hooks.example.com/a"}
    assert kept(world) == []
