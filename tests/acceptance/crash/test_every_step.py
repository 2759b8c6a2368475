"""What the tests beside this one kill is all that there is."""

from adf_trigger.service.steps import STEPS
from tests.acceptance.crash.scenarios import SCENARIOS


def test_every_step_has_a_scenario() -> None:
    """A new effect cannot escape: each named step is killed, before and after it."""
    assert set(SCENARIOS) == STEPS
