"""A hold of a missing pipeline is accepted, and the operator is warned."""

import pytest

from adf_trigger.errors import AdfTriggerError, CredentialError, Forbidden, NotSent, Unavailable
from tests.support.holding import a_world, hold, record_of, release, started
from tests.support.world import World


def warnings(world: World, pipeline: str | None) -> list[str]:
    """The warnings to an operator who holds a pipeline."""
    return list(hold(world, pipeline).warnings)


def test_a_pipeline_that_comes_later_is_held_from_then_on() -> None:
    """A deployment may bring it; held again, the warning is gone."""
    world = a_world()
    assert warnings(world, "new") == ["the factory default has no pipeline new: it is held once there is one"]
    world.factory.declare("New")
    assert warnings(world, "new") == []
    assert world.submit("key-1", "new").record.held is not None
    world.tick(after=15)
    assert started(world) == []
    release(world, "new")
    world.tick(after=15)
    assert started(world) == ["New"]


def test_a_deleted_pipeline_is_noticed_though_it_was_there_a_minute_ago() -> None:
    """A cached declaration is no more than two seconds old; an accepted hold stays accepted."""
    world = a_world()
    world.factory.always["create_run"] = NotSent("no")
    world.submit("key-1")
    world.factory.always.clear()
    del world.factory.pipelines["load"]
    world.clock.forward(3)
    assert len(warnings(world, "load")) == 1
    assert record_of(world, "key-1").status == "Accepted"


@pytest.mark.parametrize(
    "error",
    [Unavailable("503 it is down"), Forbidden("no role", status=403), CredentialError("no token")],
    ids=lambda error: type(error).__name__,
)
def test_a_factory_that_cannot_be_asked_is_held_all_the_same(error: AdfTriggerError) -> None:
    """The warning says that the state is not known, and why; once that is known the factory is not asked again."""
    world = a_world()
    world.factory.always["*"] = error
    (warning,) = warnings(world, "laod")
    assert warning == f"it is not known whether the factory default has a pipeline laod: {error}"
    if isinstance(error, Forbidden):
        (warning,) = warnings(world, "laod")
        assert warning.endswith("has a pipeline laod: it cannot be read now")


def test_a_hold_of_a_whole_factory_makes_no_call() -> None:
    """There is no name to be mistyped."""
    world = a_world()
    assert warnings(world, None) == []
    assert world.factory.calls == []
