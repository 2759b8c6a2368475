"""Operators of a service that is a state machine: they hold and release, whatever else happens."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adf_trigger.errors import AdfTriggerError
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.steering.holding import HoldOrder
from adf_trigger.service.steps import STEPS
from tests.support.script import Crashed, Script
from tests.support.world import World

SCOPES = (None, "LOAD", "secret")
"""Pipelines that are held, in any letter case; None for the factory."""

BEFORE_A_CALL = sorted(STEPS & {"records.claim", "records.reclaim", "records.lease_to_send", "records.admit"})
"""Steps after which the holds are checked once more, before createRun."""


class Operators(RuleBasedStateMachine):
    """Holds that come and go beside the rules of a machine."""

    world: World
    script: Script

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str | None, tuple[datetime, set[UUID]]] = {}

    @rule(pipeline=st.sampled_from(SCOPES), hours=st.sampled_from([1, 600]))
    def hold(self, pipeline: str | None, hours: int) -> None:
        """An operator holds the factory or a pipeline."""
        until = self.world.clock() + timedelta(hours=hours)
        order = HoldOrder(scope=Scope(pipeline=pipeline), reason="a deployment", until=until)
        try:
            self.world.services.holder.hold("default", order)
        except Crashed:
            self.world.restart()
        except AdfTriggerError:
            return
        else:
            self.held[pipeline] = (until, set(self.world.factory.runs))

    @rule(pipeline=st.sampled_from(SCOPES))
    def release(self, pipeline: str | None) -> None:
        """An operator releases it, perhaps without an answer."""
        self.held.pop(pipeline, None)
        try:
            self.world.services.holder.release("default", Scope(pipeline=pipeline))
        except Crashed:
            self.world.restart()
        except AdfTriggerError:
            return

    @rule(step=st.sampled_from(BEFORE_A_CALL))
    def hold_in_the_middle(self, step: str) -> None:
        """An operator holds the factory while another process is paused before a step."""
        self.script.meanwhile = (step, lambda: self.hold(None, 1))

    @invariant()
    def nothing_that_is_held_is_started(self) -> None:
        """While a hold stands no createRun of its scope is sent."""
        for pipeline, (until, before) in self.held.items():
            if self.world.clock() < until:
                since = [run for key, run in self.world.factory.runs.items() if key not in before]
                covered = [run for run in since if pipeline is None or pipeline.lower() == run.pipeline]
                assert covered == [], f"{pipeline} is held"

    def release_all(self) -> None:
        """Every hold is released."""
        for pipeline in SCOPES:
            self.release(pipeline)
