"""Fault rules and visibility without a server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.faults.rules import FAULTS, FaultBook
from adf_trigger.emulator.faults.visibility import Visibility

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def book(*rules: dict[str, Any], seed: int = 1) -> FaultBook:
    """A fault book with these rules."""
    made = FaultBook(uuid4, seed)
    made.add(FAULTS.validate_python(list(rules)))
    return made


def test_delays_add_up_and_the_first_end_wins() -> None:
    """Of several rules on one request all delays add up, and the first outcome wins."""
    plan = book(
        {"fault": "delay", "seconds": 1},
        {"fault": "delay", "seconds": 2, "when": "after"},
        {"fault": "delay", "seconds": 3},
        {"fault": "reset"},
        {"fault": "status", "status": 500},
    ).plan("GetRun")
    assert (plan.delay_before, plan.delay_after) == (4, 2)
    assert plan.before is not None
    assert plan.before.fault == "reset"
    assert plan.after is None
    assert plan.fired == ["delay", "delay", "delay", "reset", "status"]


def test_a_rule_applies_to_its_operation() -> None:
    """Other operations are not affected, and do not count."""
    under_test = book({"operation": "CreateRun", "fault": "reset", "count": 1})
    assert under_test.plan("GetRun").before is None
    assert under_test.plan("CreateRun").before is not None
    assert under_test.plan("CreateRun").before is None


def test_a_rule_may_apply_to_one_factory() -> None:
    """Its name matches in any case; calls of other factories, and of none, do not count."""
    here = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataFactory/factories/here"
    under_test = book({"fault": "reset", "factory": here.upper(), "count": 1})
    for other in (None, f"{here}-not", here.replace("/g/", "/h/")):
        assert under_test.plan("GetRun", other).before is None
    assert under_test.plan("GetRun", here).before is not None
    assert under_test.plan("GetRun", here).before is None


def test_a_lag_may_apply_to_the_runs_of_one_factory() -> None:
    """Runs of other factories are shown."""
    here = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataFactory/factories/here"
    runs = Runs()
    visibility = Visibility(book({"fault": "missing", "seconds": 5, "factory": here}), runs.clock)
    run = runs.at("Queued", 0)
    assert shown(visibility, run) == "Queued"
    assert shown(visibility, replace(run, factory_id=here)) is None


def test_probability_is_the_share_of_requests() -> None:
    """One in ten fires about one time in ten."""
    under_test = book({"fault": "reset", "probability": 0.1}, seed=3)
    fired = sum(under_test.plan("GetRun").before is not None for _ in range(2000))
    assert 140 < fired < 260


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "status"},
        {"fault": "status", "status": 200},
        {"fault": "delay"},
        {"fault": "delay", "seconds": 0},
        {"fault": "truncate", "when": "before"},
        {"fault": "reset", "probability": 2},
        {"fault": "reset", "count": 0},
        {"fault": "reset", "sooner": True},
        {"fault": "reset", "factory": "here"},
        {"fault": "missing"},
        {"fault": "missing", "reads": 1, "seconds": 1},
        {"fault": "stale", "reads": 1, "operation": "CreateRun"},
    ],
)
def test_an_invalid_rule_is_rejected(rule: dict[str, Any]) -> None:
    """Rules are validated."""
    with pytest.raises(ValidationError):
        FAULTS.validate_python([rule])


class Runs:
    """A run through its life, and a clock."""

    def __init__(self) -> None:
        self.now = NOW

    def at(self, status: str, seconds: float) -> PipelineRun:
        return PipelineRun(
            factory_id="/f",
            run_id="r",
            run_group_id="r",
            pipeline_name="p",
            definition={},
            trigger_time=NOW,
            last_updated=NOW + timedelta(seconds=seconds),
            status=status,
        )

    def clock(self) -> datetime:
        return self.now


def shown(visibility: Visibility, run: PipelineRun) -> str | None:
    """The status that is shown."""
    seen = visibility.shown("GetRun", run)
    return None if seen is None else seen.status


def test_a_run_is_missing_until_it_is_old_enough() -> None:
    """Its age is counted in seconds of the emulator's clock since createRun."""
    runs = Runs()
    visibility = Visibility(book({"fault": "missing", "seconds": 5}), runs.clock)
    assert shown(visibility, runs.at("Queued", 0)) is None
    runs.now += timedelta(seconds=5)
    assert shown(visibility, runs.at("Queued", 0)) == "Queued"


def test_each_change_is_seen_late_by_reads() -> None:
    """Each new state is hidden behind the last one shown, for the rule's number of reads."""
    runs = Runs()
    visibility = Visibility(book({"fault": "stale", "reads": 1}), runs.clock)
    seen = [shown(visibility, runs.at("InProgress", 1)) for _ in range(3)]
    seen += [shown(visibility, runs.at("Succeeded", 2)) for _ in range(2)]
    assert seen == ["Queued", "InProgress", "InProgress", "InProgress", "Succeeded"]


def test_each_change_is_seen_late_by_seconds() -> None:
    """It is hidden for the rule's number of seconds after the change."""
    runs = Runs()
    visibility = Visibility(book({"fault": "stale", "seconds": 10}), runs.clock)
    seen = []
    for status, changed, now in (
        ("InProgress", 1, 2),
        ("InProgress", 1, 11),
        ("Succeeded", 12, 13),
        ("Succeeded", 12, 22),
    ):
        runs.now = NOW + timedelta(seconds=now)
        seen.append(shown(visibility, runs.at(status, changed)))
    assert seen == ["Queued", "InProgress", "InProgress", "Succeeded"]


def test_without_rules_everything_is_shown() -> None:
    """The run is returned unchanged."""
    run = Runs().at("Queued", 0)
    assert Visibility(FaultBook(uuid4), lambda: NOW).shown("GetRun", run) is run
