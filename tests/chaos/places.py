"""What a history shows of admission: whether too many runs were in progress, and whether they began in order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, permutations

from tests.chaos.history import Line
from tests.chaos.load import AT_ONCE, COUNTED, CUSTOMER_PARAMETER, KEY_PARAMETER, ORDERED


@dataclass(slots=True, kw_only=True)
class Places:
    """See Verdict."""

    too_many: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    ordered_pairs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A run, and what is known of its request.

    Attributes:
        asked_at: when it was first requested, in seconds since the epoch.
        taken_at: when its request had certainly been claimed: a call was answered with that. None where it came by
            message alone: its claim is reported to no caller.
    """

    key: str
    began: datetime
    ended: datetime
    asked_at: float
    taken_at: float | None


def judge_places(by_kind: Mapping[str, Sequence[Line]], *, moved: bool) -> Places:
    """Judge what the factory says of its runs.

    Args:
        by_kind: the lines of a history.
        moved: whether the factory has moved meanwhile: two hosts that use two of its ids may let in one each.
    """
    asked, taken = _first_asked(by_kind["invoke"]), _first_taken(by_kind["return"])
    groups: defaultdict[str, list[_Run]] = defaultdict(list)
    for line in by_kind["run"]:
        key, name = line["parameters"].get(KEY_PARAMETER), line["pipelineName"]
        if key not in asked or name not in (COUNTED, ORDERED) or not (line["runStart"] and line["runEnd"]):
            continue
        if name == ORDERED:
            name = f"{name} for {line['parameters'][CUSTOMER_PARAMETER]}"
        began, ended = (datetime.fromisoformat(line[at]) for at in ("runStart", "runEnd"))
        groups[name].append(
            _Run(key=key, began=began, ended=ended, asked_at=asked[key], taken_at=taken.get(key))
        )
    places = Places()
    for name, runs in groups.items():
        if name == COUNTED:
            places.too_many += _too_many(name, runs, AT_ONCE)
        elif not moved:
            places.too_many += _too_many(name, runs, 1)
            _judge_order(name, runs, places)
    return places


def _first_asked(invokes: Iterable[Line]) -> Mapping[str, float]:
    first: dict[str, float] = {}
    for line in invokes:
        first.setdefault(line["key"], line["at"])
    return first


def _first_taken(returns: Iterable[Line]) -> Mapping[str, float]:
    first: dict[str, float] = {}
    for line in returns:
        if line["by"] == "http" and line.get("acknowledged"):
            first.setdefault(line["key"], line["at"])
    return first


def _too_many(name: str, runs: Iterable[_Run], most: int) -> list[str]:
    """Count by the factory's own times; a run that ends at the instant at which another begins is over."""
    changes = sorted((at, change) for run in runs for at, change in ((run.began, 1), (run.ended, -1)))
    in_progress = accumulate(change for _, change in changes)
    return [
        f"{count} runs of {name} were in progress at {at.isoformat()}"
        for (at, _), count in zip(changes, in_progress, strict=True)
        if count > most
    ]


def _judge_order(name: str, runs: Sequence[_Run], places: Places) -> None:
    """A request made after another was taken comes after it. The order of concurrent requests is not known."""
    for earlier, later in permutations(runs, 2):
        if earlier.taken_at is not None and earlier.taken_at < later.asked_at:
            places.ordered_pairs += 1
            if later.began < earlier.began:
                places.out_of_order.append(f"{later.key} was started before {earlier.key}, of {name}")
