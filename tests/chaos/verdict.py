"""What a history shows: what was lost, doubled, not published, or published twice with different content."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.history import Line
from tests.chaos.load import KEY_PARAMETER
from tests.chaos.official import CALL_PARAMETER
from tests.chaos.places import judge_places

ENDED = frozenset({"Succeeded", "Failed", "Cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Official:
    """What the official SDK made of as many requests.

    Attributes:
        requests: keys.
        calls: of create_run.
        raised: calls that raised.
        not_started: requests that the first call left without a run, whatever it said.
        with_two_runs: requests with more than one run, since the caller called again after a call that raised.
        doubled_by_one_call: requests of which a single call started more than one run.
        runs: in all.
        most_runs: of one request.
        factory_calls: that the emulator saw, those that the SDK repeated by itself among them.
        factory_faults: injected by the emulator.
    """

    requests: int = 0
    calls: int = 0
    raised: int = 0
    not_started: int = 0
    with_two_runs: int = 0
    doubled_by_one_call: int = 0
    runs: int = 0
    most_runs: int = 0
    factory_calls: int = 0
    factory_faults: int = 0


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What became of the requests. In `lost` and the three after it each entry is a sentence with its request.

    Attributes:
        requests: keys that were asked for.
        acknowledged: keys that were answered with 200 or 202, or whose message is on the queue.
        calls: by HTTP, each try counted.
        failed_calls: of them, without an answer, or with one that means to try again.
        messages: on the requests queue.
        kills: hosts killed.
        pauses: hosts paused.
        outages: of storage.
        factory_calls: that the emulator saw while there was trouble.
        factory_faults: injected by the emulator.
        storage_faults: injected by the proxy.
        deaths: hosts that ended in error without being asked to, or did not start.
        ended: hosts that ended by themselves for a fault that the platform's host does not survive either.
        row_faults: of a row's own kinds, how often each was met.
        rejected: keys that were acknowledged, and rejected afterwards.
        runs: started by the factory for these requests.
        most_runs: of one request.
        with_two_runs: requests with more than one run.
        events: read, repeats among them.
        lost: acknowledged, but without a record, without a run, or not ended as the factory says.
        doubled: with more than one run or answer, or a run of no request.
        events_missing: acknowledged and never published.
        ids_differing: published under more than one event id, or for another run.
        too_many: times at which more runs were in progress than an admission policy allows.
        out_of_order: runs of one key that began before one whose request had been taken when theirs was first made.
        ordered_pairs: of requests of one key of which that is so.
        refused: asked for, and answered with a refusal.
        seconds: from the first request to the settled end.
        official: by what the factory does with ids.
    """

    requests: int = 0
    acknowledged: int = 0
    calls: int = 0
    failed_calls: int = 0
    messages: int = 0
    kills: int = 0
    pauses: int = 0
    outages: int = 0
    factory_calls: int = 0
    factory_faults: int = 0
    storage_faults: int = 0
    deaths: int = 0
    ended: int = 0
    row_faults: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    runs: int = 0
    most_runs: int = 0
    with_two_runs: int = 0
    events: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    events_missing: list[str] = field(default_factory=list)
    ids_differing: list[str] = field(default_factory=list)
    too_many: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    ordered_pairs: int = 0
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0
    official: dict[str, Official] = field(default_factory=dict)

    @property
    def violations(self) -> list[str]:
        """Every promise that was broken."""
        return [
            *(*self.lost, *self.doubled, *self.events_missing, *self.ids_differing),
            *(*self.too_many, *self.out_of_order),
        ]

    @property
    def unmet(self) -> list[str]:
        """The faults of a row that never came, so that it has shown nothing."""
        return [kind for kind, count in self.row_faults.items() if not count]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(slots=True)
class _Story:
    """Everything in the history about one key."""

    expect: str = ""
    rejections: int = 0
    acknowledged: bool = False
    accepted: int = 0
    answered_runs: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    events: list[Line] = field(default_factory=list)
    runs: list[Mapping[str, Any]] = field(default_factory=list)
    view: Line | None = None


def judge(history: Iterable[Line]) -> Verdict:
    """Judge a history."""
    by_kind: defaultdict[str, list[Line]] = defaultdict(list)
    for line in history:
        by_kind[line["kind"]].append(line)
    verdict = _counted(by_kind)
    stories, strangers = _stories(by_kind)
    may_reject = any(line.get("may_reject") for line in by_kind["row"])
    for key, story in stories.items():
        if may_reject:
            _set_rejections_apart(verdict, key, story)
        _judge(verdict, key, story)
    verdict.rejected = sum(story.acknowledged and story.rejections > 0 for story in stories.values())
    verdict.requests = len(stories)
    verdict.acknowledged = sum(story.acknowledged for story in stories.values())
    verdict.runs = sum(len(story.runs) for story in stories.values())
    verdict.most_runs = max((len(story.runs) for story in stories.values()), default=0)
    verdict.with_two_runs = sum(len(story.runs) > 1 for story in stories.values())
    verdict.doubled += strangers
    places = judge_places(by_kind, moved=bool(by_kind["factory_moved"]))
    verdict.too_many, verdict.out_of_order = places.too_many, places.out_of_order
    verdict.ordered_pairs = places.ordered_pairs
    verdict.official = _official(by_kind)
    return verdict


def _counted(by_kind: Mapping[str, list[Line]]) -> Verdict:
    returns = by_kind["return"]
    by_http = [line for line in returns if line["by"] == "http"]
    times = [line["at"] for kind in ("invoke", "event") for line in by_kind[kind]]
    return Verdict(
        calls=len(by_http),
        failed_calls=sum(not line.get("acknowledged") for line in by_http),
        messages=sum(line["by"] == "queue" for line in returns),
        kills=len(by_kind["kill"]),
        pauses=len(by_kind["pause"]),
        outages=len(by_kind["storage_outage"]),
        factory_calls=_total(by_kind["factory"], "calls"),
        factory_faults=_total(by_kind["factory"], "faults"),
        storage_faults=_total(by_kind["storage"], "faults"),
        deaths=len(by_kind["start_failed"])
        + sum(not line["asked"] and line["exit_code"] != 0 for line in by_kind["end"]),
        ended=sum(not line["asked"] and line["exit_code"] == 0 for line in by_kind["end"]),
        row_faults={kind: count for line in by_kind["row"] for kind, count in line["faults"].items()},
        events=len(by_kind["event"]),
        seconds=round(max(times) - min(times), 1) if times else 0.0,
    )


def _stories(by_kind: Mapping[str, list[Line]]) -> tuple[dict[str, _Story], list[str]]:
    """The story of each key that was asked for, and what belongs to none of them."""
    stories = {line["key"]: _Story(expect=line.get("expect", "")) for line in by_kind["invoke"]}
    strangers: list[str] = []
    for line in by_kind["return"]:
        _add_answer(stories[line["key"]], line)
    for line in by_kind["event"]:
        if line["key"] in stories:
            stories[line["key"]].events.append(line)
        else:
            strangers.append(f"{line['key']} was never requested, and was published by {line['id']}")
    for line in by_kind["view"]:
        stories[line["key"]].view = line
    for line in by_kind["run"]:
        owner = stories.get(line["parameters"].get(KEY_PARAMETER))
        if owner is not None:
            owner.runs.append(line)
        else:
            strangers.append(f"run {line['runId']} belongs to no request")
    return stories, strangers


def _add_answer(story: _Story, line: Line) -> None:
    status = line.get("status")
    if line.get("acknowledged"):
        story.acknowledged = True
        story.accepted += status == 202
        story.answered_runs |= {line["runId"]} if "runId" in line else set()
    elif status is not None and status < 500 and status != 429:
        story.refusals.append(f"{status} {line.get('said')}")


def _set_rejections_apart(verdict: Verdict, key: str, story: _Story) -> None:
    """Each rejection under a key is news of its own, with one id; the key may be used again after it."""
    rejections = [event for event in story.events if event["status"] == "Rejected"]
    ids = {event["id"] for event in rejections}
    if len(ids) != len({event["requestedAt"] for event in rejections}):
        verdict.ids_differing.append(f"{key} was rejected under {sorted(ids)}")
    story.rejections = len(ids)
    story.events = [event for event in story.events if event["id"] not in ids]


def _judge(verdict: Verdict, key: str, story: _Story) -> None:
    runs = {run["runId"] for run in story.runs}
    ids = sorted({event["id"] for event in story.events})
    published = {event["runId"] for event in story.events if event.get("runId")}
    if len(story.runs) > 1:
        verdict.doubled.append(f"{key} has {len(story.runs)} runs: {sorted(runs)}")
    if story.accepted > 1 + story.rejections or len(story.answered_runs) > 1:
        verdict.doubled.append(
            f"{key} was accepted {story.accepted} times, with the runs {sorted(story.answered_runs)}"
        )
    if len(ids) > 1 or published - runs:
        verdict.ids_differing.append(f"{key} was published under {ids}, and its runs are {sorted(runs)}")
    verdict.refused += [f"{key} was answered {refusal}" for refusal in story.refusals]
    if not story.acknowledged:
        return
    if not story.events and (story.runs or not story.rejections):
        verdict.events_missing.append(f"{key} was never published")
    if story.expect:
        verdict.lost += [
            f"{key} was published as {event['status']}, not as {story.expect}"
            for event in story.events
            if event["status"] != story.expect
        ]
        return
    loss = _loss(story)
    if loss:
        verdict.lost.append(f"{key} {loss}")


def _loss(story: _Story) -> str | None:
    """Why an acknowledged request counts as lost."""
    if story.view is None or story.view["status"] != 200:
        return f"has no record: {story.view}"
    record = story.view["run"]
    if not story.runs:
        rejected = story.rejections and record["status"] == "Rejected"
        return (
            None if rejected else f"has no run; its record says {record['status']}: {record.get('message')}"
        )
    ends = {run["runId"]: run["status"] for run in story.runs}
    if record["status"] not in ENDED or ends.get(record.get("runId")) != record["status"]:
        return f"has the record {record.get('runId')} {record['status']}, and the factory says {ends}"
    if any(run not in ends for run in story.answered_runs):
        return f"was answered with the runs {sorted(story.answered_runs)}, and the factory has {ends}"
    return None


def _official(by_kind: Mapping[str, list[Line]]) -> dict[str, Official]:
    runs: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for run in by_kind["official_run"]:
        runs[run["parameters"][KEY_PARAMETER]][run["parameters"][CALL_PARAMETER]] += 1
    return {
        line["ids"]: _official_verdict(
            [call for call in by_kind["official"] if call["ids"] == line["ids"]], runs, line
        )
        for line in by_kind["official_factory"]
    }


def _official_verdict(calls: list[Line], runs: Mapping[str, Counter[str]], factory: Line) -> Official:
    keys = {call["key"] for call in calls}
    started = [runs.get(key, Counter[str]()) for key in sorted(keys)]
    return Official(
        requests=len(keys),
        calls=len(calls),
        raised=sum("error" in call for call in calls),
        not_started=sum(by_call["1"] == 0 for by_call in started),
        with_two_runs=sum(by_call.total() > 1 for by_call in started),
        doubled_by_one_call=sum(max(by_call.values(), default=0) > 1 for by_call in started),
        runs=sum(by_call.total() for by_call in started),
        most_runs=max((by_call.total() for by_call in started), default=0),
        factory_calls=_total([factory], "calls"),
        factory_faults=_total([factory], "faults"),
    )


def _total(lines: Iterable[Line], counts: str) -> int:
    """The sum of all counts of one name."""
    return sum(sum(line[counts].values()) for line in lines)
