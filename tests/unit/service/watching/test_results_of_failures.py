"""The code of a failed activity is part of its result, and only of its."""

from adf_trigger.contracts import RunView
from tests.support.activity_runs import activity, failed
from tests.support.world import World


def test_an_activity_that_failed_has_its_code_and_another_has_none() -> None:
    """In the event and in the run's view."""
    world = World()
    world.factory.declare("load")
    run_id = world.submit().record.run_id
    world.factory.finish(
        run_id, "Failed", failed=[activity("Wait", "Wait", began=1), failed("Copy", "2200", began=2)]
    )
    world.tick(after=15)
    (event,) = world.outbox.events
    shown = world.services.query.show("key-1")
    assert isinstance(shown, RunView)
    for view in (event.data, shown):
        assert {each.activity_name: each.error_code for each in view.activities or ()} == {
            "Wait": None,
            "Copy": "2200",
        }
