"""Neighbours of a service that is a state machine: Data Factory, the ledger and the queue, which fail and lag."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from adf_trigger.errors import (
    CredentialError,
    Forbidden,
    LedgerError,
    NotSent,
    PublishError,
    ScopeLocked,
    ScopeNotFound,
    Throttled,
    Unavailable,
)
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import World

TROUBLES = [
    Forbidden("the role is not effective yet", status=403),
    ScopeNotFound("Resource group 'rg' could not be found.", status=404, code="ResourceGroupNotFound"),
    ScopeLocked("locked", status=409, code="ScopeLocked"),
    CredentialError("the client secret is expired"),
]
"""The errors that hold a factory for a while."""

ENDED = ("Succeeded", "Failed", "Cancelled")


class FaultyNeighbours(RuleBasedStateMachine):
    """Faults of neighbours beside the rules of a machine."""

    world: World

    @rule(
        error=st.sampled_from(
            [Throttled("slow", retry_after=20), NotSent("down"), CredentialError("no token"), LOST_REPLY]
        )
    )
    def create_run_fails_without_effect(self, error: Exception) -> None:
        """Throttling, no connection, no token, or a reset before the effect."""
        self.world.factory.fail_next("create_run", error)

    @rule(error=st.sampled_from(TROUBLES), operation=st.sampled_from(["create_run", "*"]))
    def the_factory_cannot_be_used(self, error: Exception, operation: str) -> None:
        """Until it is over a role, a scope or a token is missing, or a lock is set."""
        self.world.factory.always[operation] = error

    @rule()
    def the_factory_can_be_used_again(self) -> None:
        """The trouble ends."""
        self.world.factory.always.clear()

    @rule()
    def create_run_loses_its_reply(self) -> None:
        """The run starts, and its answer is lost."""
        self.world.factory.fail_next("create_run", LOST_REPLY, after=True)

    @rule(operation=st.sampled_from(["get_run", "query_runs", "query_activity_runs", "get_pipeline"]))
    def a_read_fails(self, operation: str) -> None:
        """An outage of reads."""
        self.world.factory.fail_next(operation, Unavailable("down", status=503))

    @rule(method=st.sampled_from(["claim", "save"]), after=st.booleans())
    def the_ledger_fails(self, method: str, *, after: bool) -> None:
        """A write of the ledger fails, or its answer is lost."""
        planned = self.world.ledger.after if after else self.world.ledger.before
        planned.setdefault(method, []).append(LedgerError("the table is away"))

    @rule(after=st.booleans())
    def the_queue_fails(self, *, after: bool) -> None:
        """An event is not written, or its answer is lost."""
        (self.world.outbox.after if after else self.world.outbox.before).append(PublishError("no queue"))

    @rule(lag=st.sampled_from([0, 5, 50]))
    def new_runs_show_late(self, lag: int) -> None:
        """Reads lag behind createRun, by less than the grace period."""
        self.world.factory.lag = timedelta(seconds=lag)

    @precondition(lambda self: self.world.factory.runs)
    @rule(data=st.data(), status=st.sampled_from(["Succeeded", "Failed", "Cancelled", "Canceling", "Queued"]))
    def a_run_moves(self, data: st.DataObject, status: str) -> None:
        """A run that has not ended takes another status."""
        going = [key for key, run in self.world.factory.runs.items() if run.status not in ENDED]
        if going:
            self.world.factory.finish(data.draw(st.sampled_from(going)), status)
