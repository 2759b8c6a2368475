"""Every boundary between two effects, killed on one side or the other on real processes (exit 137)."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from adf_trigger.service.steps import STEPS
from tests.acceptance.crash.admission_scenarios import taken_before
from tests.acceptance.crash.crashes import Crashes
from tests.acceptance.crash.scenarios import ALONE, SCENARIOS

KILLED = 137
_RECORDS = sorted(step for step in STEPS if step.startswith("records."))
_OTHERS = sorted(STEPS.difference(_RECORDS))


def _halves(steps: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    return steps[: len(steps) // 2], steps[len(steps) // 2 :]


_FIRST_RECORDS, _LAST_RECORDS = _halves(_RECORDS)
_FIRST_OTHERS, _LAST_OTHERS = _halves(_OTHERS)
SIDES = ("before", "after")
PARTS = {
    "first records": _FIRST_RECORDS,
    "last records": _LAST_RECORDS,
    "first others": _FIRST_OTHERS,
    "last others": _LAST_OTHERS,
}
"""The steps in parts that may be killed at once, on a stack each."""
DECIDED = (
    "adoption.claim",
    "adoption.release",
    "records.take_over",
    "records.resubmit",
    "replay.send",
    "rejected.mark_sent",
    "rejected.remove-sent_again",
)
"""Steps of requests that were told as unknown or rejected before somebody had them go on."""


def kill_at(crashes: Crashes, side: str, steps: Sequence[str]) -> None:
    """Kill the host once on one side of each step, by each way to it; in the end look at what has come of it all.

    Args:
        crashes: a stack that nothing was asked of.
        side: before or after.
        steps: names.
    """
    cases = [(step, scenario) for step in steps for scenario in SCENARIOS[step]]
    for step, scenario in cases:
        if scenario in {*ALONE, taken_before}:
            crashes.settle()
        crashes.kill_at(f"{side} {step}")
        scenario(crashes, f"{step}-{scenario.__name__}-{side}")
        crashes.go_on_until_killed()
        crashes.stack.control("DELETE", "faults")
    assert crashes.exit_codes == [KILLED] * len(cases)
    crashes.stack.eventually(crashes.all_over)
    crashes.settle()
    crashes.stack.eventually(lambda: not crashes.waiting())
    _check(crashes)
    assert set(crashes.hits.read_text().split()) >= set(steps)


def _check(crashes: Crashes) -> None:
    assert crashes.unpublished() == set(), "acknowledged and never told"
    assert {path for path in crashes.called_back() if path != "/"} == crashes.to_call_back
    ids = defaultdict(set)
    for event in crashes.events:
        ids[event["subject"]].add(event["id"])
    # A caller who asks again after a rejection is rejected anew, and that is other news.
    again = ("records.reclaim", "records.reject-refused_by_http", *DECIDED)
    doubled = {key: each for key, each in ids.items() if len(each) > 1 and not key.startswith(again)}
    assert doubled == {}, f"told under two ids: {doubled}"
    _check_one_at_once(crashes)
    runs = Counter(run["runId"] for run in crashes.stack.runs())
    owned = []
    for key in crashes.acknowledged:
        answer = crashes.stack.caller.get(key)
        if answer.status == 200 and answer.body["runId"]:
            owned.append(answer.body["runId"])
            lost = {"Unknown"} if "-gone-" in key else {"Cancelled"} if "-cancelled" in key else set()
            assert answer.body["status"] in {"Succeeded"} | lost, answer.body
    assert len(owned) == len(set(owned)), "two requests share a run"
    assert set(runs) == set(owned), "a run was started that belongs to no request, or a request was doubled"


def _check_one_at_once(crashes: Crashes) -> None:
    """Data Factory itself says when the runs went on of which there was to be one at once."""
    times = sorted((run["runStart"], run["runEnd"]) for run in crashes.stack.runs("single"))
    together = [(one, other) for one, other in pairwise(times) if other[0] < one[1]]
    assert not together, "two runs went on at once"
