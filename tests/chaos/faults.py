"""The fault script of the emulator: every operation, about one call in ten, and reads that lag."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

LAG_SECONDS = 1
"""How long runs stay unseen, or seen as they were: shorter than the app's grace period."""

SLOW_SECONDS = 2.5
"""Longer than the app waits for an answer."""


def _status(status: int, when: str, probability: float, **more: Any) -> Mapping[str, Any]:
    return {"fault": "status", "status": status, "when": when, "probability": probability, **more}


RULES: Sequence[Mapping[str, Any]] = (
    _status(500, "before", 0.015),
    _status(500, "after", 0.015),
    _status(503, "before", 0.015, code="ServiceUnavailable"),
    _status(503, "after", 0.01, code="ServiceUnavailable"),
    _status(504, "after", 0.005, code="GatewayTimeout"),
    _status(429, "before", 0.01, code="TooManyRequests", retry_after=1),
    {"fault": "reset", "when": "before", "probability": 0.01},
    {"fault": "reset", "when": "after", "probability": 0.01},
    {"fault": "drop", "when": "after", "probability": 0.01},
    {"fault": "truncate", "probability": 0.005},
    {"fault": "delay", "when": "after", "seconds": SLOW_SECONDS, "probability": 0.005},
    {"fault": "missing", "operation": "GetRun", "seconds": LAG_SECONDS},
    {"fault": "missing", "operation": "QueryPipelineRuns", "seconds": LAG_SECONDS},
    {"fault": "stale", "operation": "*", "seconds": LAG_SECONDS},
)


class Control(Protocol):
    """Calls the emulator's control API."""

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Method and path below `/_emulator/`; the JSON that it answers."""


def begin(control: Control, seed: int) -> None:
    """Let the script fail calls from now on."""
    control("DELETE", "requests")
    control("POST", "faults", {"rules": list(RULES), "seed": seed})


def end(control: Control) -> dict[str, dict[str, int]]:
    """Let calls work again: how many of each operation there were, and how many failed in each way."""
    standing = control("GET", "faults")
    control("DELETE", "faults")
    return {"calls": control("GET", "requests?limit=0")["counts"], "faults": _fired(standing)}


def _fired(standing: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for rule in standing:
        if "fired" in rule:
            name = " ".join(str(rule[part]) for part in ("fault", "status", "when") if part in rule)
            counts[name] += rule["fired"]
    return dict(counts)
