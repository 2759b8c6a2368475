"""What a tick does for one factory: every part, in order, with its share of the time."""

from dataclasses import dataclass

from adf_trigger.ledger.port import LedgerReader
from adf_trigger.service.callbacks.caller import CallbackCaller
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.dispatching.dispatch import Dispatcher
from adf_trigger.service.other_runs.publisher import OtherRunPublisher
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.publishing.routes import Router
from adf_trigger.service.steering.cancel import Canceller
from adf_trigger.service.timer.purge import Purger
from adf_trigger.service.timer.turn import FactoryTurn, Part, Stages
from adf_trigger.service.watching.joined_ends import JoinedEnder
from adf_trigger.service.watching.monitor import Monitor
from adf_trigger.service.watching.overdue_runs import OverdueRunWatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnParts:
    """The use cases that a tick runs for each factory.

    Attributes:
        gate: says whether a factory may be called now; what is known of them is published all the same.
        ledger: the run ledger.
        dispatcher: starts what is accepted.
        canceller: cancels what Data Factory has not confirmed to be cancelled.
        monitor: watches what is started.
        joined: ends those who have joined the runs of other requests.
        others: publishes the ends of runs that others have started.
        publisher: publishes what has ended.
        overdue_runs: publishes runs that go on for too long.
        caller: calls back the callers that wait for the end of a run.
        purger: removes what is older than the retention.
        router: delivers news to further consumers.
    """

    gate: Gate
    ledger: LedgerReader
    dispatcher: Dispatcher
    canceller: Canceller
    monitor: Monitor
    joined: JoinedEnder
    others: OtherRunPublisher
    publisher: Publisher
    overdue_runs: OverdueRunWatcher
    caller: CallbackCaller
    purger: Purger
    router: Router

    def stages(self, *, has_threads: bool) -> Stages:
        """All parts, in order.

        Args:
            has_threads: whether the parts of one stage run concurrently; else one leaves time for the next.
        """
        share = 4 / 5 if has_threads else 1 / 2
        return (
            [Part("probe", 1 / 6, lambda turn, _: self.gate.probe(turn.factory))],
            [Part("read", 1 / 2, self._read)],
            [Part("note_doubts", 1 / 2, lambda turn, _: self.others.note_doubts(turn.factory, turn.active))],
            [
                Part("dispatch", share, self._dispatch),
                Part("cancel", share, self._cancel),
                Part("monitor", 4 / 5, self._watch),
            ],
            [Part("let_in", 1 / 2, self._let_in)],
            [Part("end_joined", 4 / 5, self._end_joined)],
            [Part("observe", 1 / 2, self._observe)],
            [Part("publish", 4 / 5, self._publish)],
            [Part("publish_overdue", 4 / 5, self._publish_overdue)],
            [Part("call_back", 4 / 5, self._call_back)],
            [Part("purge", 1, lambda turn, _: self.purger.purge(turn.factory.id))],
            [Part("deliver", 1, lambda turn, budget: self.router.deliver(turn.factory, budget))],
        )

    def _read(self, turn: FactoryTurn, _: Budget) -> None:
        turn.active = self.ledger.active(turn.factory.id)
        turn.is_read = True

    def _dispatch(self, turn: FactoryTurn, budget: Budget) -> None:
        if turn.is_read:  # else it would look as if no request waited
            turn.ended = self.dispatcher.dispatch(turn.factory, turn.active, budget)

    def _cancel(self, turn: FactoryTurn, budget: Budget) -> None:
        self.canceller.repeat(turn.factory, turn.active, budget)

    def _watch(self, turn: FactoryTurn, budget: Budget) -> None:
        if self.gate.may_read(turn.factory):
            turn.listed = self.monitor.poll(
                turn.factory, turn.active, budget, turn.over, self.others.may_want
            )

    def _let_in(self, turn: FactoryTurn, budget: Budget) -> None:
        """Places of runs that were seen to have ended are taken in the same tick."""
        turn.ended = [*turn.ended, *self.dispatcher.let_in(turn.factory, turn.active, budget)]

    def _end_joined(self, turn: FactoryTurn, budget: Budget) -> None:
        self.joined.end(turn.factory.id, turn.active, turn.ended, turn.over, budget)

    def _observe(self, turn: FactoryTurn, budget: Budget) -> None:
        self.others.publish(turn.factory, turn.listed, budget)

    def _publish(self, turn: FactoryTurn, budget: Budget) -> None:
        self.publisher.publish(turn.factory, turn.active, turn.ended, budget)

    def _publish_overdue(self, turn: FactoryTurn, budget: Budget) -> None:
        self.overdue_runs.publish(turn.factory, turn.active, budget)

    def _call_back(self, turn: FactoryTurn, budget: Budget) -> None:
        self.caller.call(turn.factory.id, turn.active, budget.while_it_lasts)
