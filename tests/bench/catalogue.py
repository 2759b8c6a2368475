"""Which benches there are, how often each is measured, and how long that takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from tests.bench import (
    beside_waiting,
    ceilings,
    concurrent_runs,
    console_load,
    create_run,
    end_to_event,
    expressions,
    importing,
    many_factories,
    peers,
    soak,
    submit,
    watching,
)
from tests.bench.figures import Bench


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A bench.

    Attributes:
        measure: what measures.
        short: the same in a few seconds, to see that it works: its figures mean nothing.
        repeats: how often it is measured by default.
        minutes: that this takes on two idle cores, roughly.
        alone: whether it is measured only where it is named, since it takes long.
    """

    measure: Bench
    short: Bench
    repeats: int = 3
    minutes: float = 1.0
    alone: bool = False


BENCHES: Mapping[str, Listed] = {
    "import": Listed(
        measure=importing.measure, short=partial(importing.measure, times=1), repeats=5, minutes=1
    ),
    "expressions": Listed(
        measure=expressions.measure, short=partial(expressions.measure, evaluations=10), minutes=0.1
    ),
    "concurrent-runs": Listed(
        measure=concurrent_runs.measure,
        short=partial(concurrent_runs.measure, runs=20, wait=2),
        repeats=1,
        minutes=0.5,
    ),
    "create-run": Listed(
        measure=create_run.measure, short=partial(create_run.measure, calls=20), minutes=0.5
    ),
    "submit": Listed(measure=submit.measure, short=partial(submit.measure, calls=16), repeats=5, minutes=1),
    "console": Listed(measure=console_load.measure, short=console_load.measure, minutes=0.3),
    "end-to-event": Listed(
        measure=end_to_event.measure, short=partial(end_to_event.measure, runs=2), minutes=0.7
    ),
    "beside-waiting": Listed(
        measure=beside_waiting.measure,
        short=partial(beside_waiting.measure, callers=10, starts=5, waits=10),
        repeats=1,
        minutes=1,
    ),
    "end-to-event-in-production": Listed(
        measure=end_to_event.in_production,
        short=partial(end_to_event.in_production, runs=2),
        repeats=1,
        minutes=1,
    ),
    "watching": Listed(
        measure=watching.measure, short=partial(watching.measure, sizes=(20,)), repeats=1, minutes=3
    ),
    "many-factories": Listed(
        measure=many_factories.measure,
        short=partial(many_factories.measure, factories=3, active=5),
        minutes=0.7,
    ),
    "peers": Listed(measure=peers.measure, short=partial(peers.measure, calls=16), minutes=0.5),
    "burst": Listed(measure=ceilings.burst, short=partial(ceilings.burst, count=20), repeats=1, minutes=3.5),
    "ends-together": Listed(
        measure=ceilings.together, short=partial(ceilings.together, count=20), repeats=1, minutes=1.5
    ),
    "queue-drain": Listed(
        measure=ceilings.drain, short=partial(ceilings.drain, count=20), repeats=1, minutes=1
    ),
    "soak": Listed(
        measure=soak.measure,
        short=partial(soak.measure, minutes=0.5, warm_up=20, filling=0.1),
        repeats=1,
        minutes=17,
        alone=True,
    ),
}
"""By name, in the order in which they are measured and shown."""
