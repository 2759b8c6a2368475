"""A judge of places: from Data Factory's runs, and from the records, whether each was given once and in order."""

import json
from collections import Counter, defaultdict

from adf_trigger.ledger.records import RunRecord
from adf_trigger.settings import Settings
from tests.support.admitted import policy
from tests.support.world import FACTORY_ID, World, settings

PIPELINE = "single"
POLICY = policy(1)
JOINS = policy(1, overflow="join")
UNDER_WAY = {"Queued", "InProgress", "Canceling"}


TRACED = {"correlationParameter": "trace"}


def settings_of(*, correlated: bool, joins: bool) -> Settings:
    """Settings of a service, perhaps with our correlation, or with requests that join equal ones."""
    counted = JOINS if joins else POLICY
    traced = {"*": TRACED, PIPELINE: {**counted, **TRACED}}
    return settings(ADF_TRIGGER_POLICY=json.dumps(traced if correlated else {PIPELINE: counted}))


def records_of(world: World) -> list[RunRecord]:
    """The records of the pipeline that runs once at a time for each customer."""
    page = world.ledger.runs(FACTORY_ID, since=None, limit=1_000, continuation=None)
    return [record for record in page.records if record.pipeline == PIPELINE]


def judge(world: World) -> None:
    """No customer has two concurrent runs.

    It runs at every step, and reads records only if one has. After an operator has dismissed an unknown fate, its run
    may be active beside the next one.
    """
    active = Counter(
        f'"{run.parameters["customer"]}"'
        for run in world.factory.runs.values()
        if run.pipeline == PIPELINE and run.status in UNDER_WAY
    )
    if any(count > 1 for count in active.values()):
        given_up = _given_up(records_of(world))
        assert {key for key, count in active.items() if count > 1} <= given_up, f"too many: {active}"


def _given_up(records: list[RunRecord]) -> set[str | None]:
    return {record.admission_key for record in records if record.dismissed or record.unknowns}


def judge_order(world: World) -> None:
    """The waiting requests of each customer have started in the order of their numbers."""
    records = records_of(world)
    given_up = _given_up(records)
    begun = {run_id: number for number, run_id in enumerate(world.factory.runs)}
    lines = defaultdict(list)
    for record in records:
        if record.run_id in begun and record.place_number is not None and not record.unknowns:
            lines[record.admission_key].append((record.place_number, begun[record.run_id]))
    for key, line in lines.items():
        if key not in given_up:
            order = [number for _, number in sorted(line)]
            assert order == sorted(order), f"not in order: {line}"
