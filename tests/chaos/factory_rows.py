"""Rows about Data Factory's own trouble: what it refuses, what is missing around it, ids that it stops honouring."""

import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.callers import Callers
from tests.chaos.load import KEY_PARAMETER, PIPELINES, POLICY, Request
from tests.chaos.rows import STORAGE_ROWS, Row
from tests.chaos.settings_rows import FactoryMoved, SettingsChanged

_BY_KEY = {"correlationParameter": KEY_PARAMETER}
CORRELATED = {
    "ADF_TRIGGER_POLICY": json.dumps(
        {"*": _BY_KEY, **{name: {**each, **_BY_KEY} for name, each in POLICY.items()}}
    )
}
"""Where the factory ignores our ids, a run whose reply was lost is known by this parameter alone."""


def _status(status: int, code: str, *, when: str = "before", **more: Any) -> dict[str, Any]:
    return {"fault": "status", "status": status, "code": code, "when": when, "operation": "CreateRun", **more}


class FactoryRow(Row):
    """Trouble by the emulator's fault rules, in phases.

    Attributes:
        phases: seconds, and the rules that stand for so long; the last phase lasts until the end.
    """

    phases: Sequence[tuple[float, Sequence[Mapping[str, Any]]]] = ()

    def begin(self, callers: Callers) -> None:
        """Let the phases follow each other."""
        del callers
        self._work = self._thread.submit(self._go_through)

    def end(self) -> None:
        """Let every call work again."""
        self._over.set()
        self._thread.shutdown()
        self._change([])
        super().end()

    def _go_through(self) -> None:
        for number, (seconds, rules) in enumerate(self.phases):
            self._change(rules)
            last = number == len(self.phases) - 1
            if self._over.wait(None if last else seconds):
                return

    def _change(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Set rules in the place of those that stand, and count what those have done."""
        for standing in self.control("GET", "faults"):
            self.counts[self._kind_of(standing)] += standing.get("fired", 0)
        self.control("DELETE", "faults")
        if rules:
            seed = self._dice.randrange(1_000_000)
            self.control("POST", "faults", {"rules": [dict(rule) for rule in rules], "seed": seed})
        self._history.note("row_phase", at_work=len(rules), time=time.time())

    def _kind_of(self, standing: Mapping[str, Any]) -> str:
        return " ".join(
            str(standing[part]) for part in ("fault", "status", "code", "when") if part in standing
        )


class RefusedWhileRepeated(FactoryRow):
    """createRun takes its time and is then refused, while others repeat the request and hear that it is accepted."""

    name = "refused while repeated"
    kinds = ("status 400 BadRequest before", "delay")
    may_reject = True
    phases = (
        (
            0.0,
            (
                {
                    "fault": "delay",
                    "when": "before",
                    "seconds": 0.7,
                    "operation": "CreateRun",
                    "probability": 0.7,
                },
                _status(400, "BadRequest", probability=0.4),
            ),
        ),
    )

    def requests(self, count: int, seed: int) -> list[Request]:
        """Each by several callers at once, and some by a message, too."""
        dice = random.Random(seed)  # noqa: S311 - dice of a test
        names = dice.choices(list(PIPELINES), [each.share for each in PIPELINES.values()], k=count)
        return [
            Request(key=f"request-{number}", pipeline=name, calls=3, messages=dice.choice((0, 0, 1)))
            for number, name in enumerate(names)
        ]

    def _kind_of(self, standing: Mapping[str, Any]) -> str:
        kind = super()._kind_of(standing)
        return "delay" if kind.startswith("delay") else kind


LOST = _status(500, "InternalServerError", when="after", probability=0.3)


class ScopeGone(FactoryRow):
    """createRun takes effect without an answer, and then the resource group is not found for a minute."""

    name = "scope gone for a minute"
    kinds = (
        "status 500 InternalServerError after",
        "status 404 ResourceGroupNotFound before",
    )
    quiet_seconds, gone_seconds = 5.0, 60.0

    @property
    def phases(self) -> Sequence[tuple[float, Sequence[Mapping[str, Any]]]]:  # type: ignore[override]
        """Lost answers, the scope gone, and lost answers again."""
        gone = {**_status(404, "ResourceGroupNotFound"), "operation": "*"}
        return ((self.quiet_seconds, (LOST,)), (self.gone_seconds, (gone,)), (0.0, (LOST,)))


class RoleMissing(FactoryRow):
    """The app's role has no effect for a minute: first on starting runs, then on everything."""

    name = "role missing for a minute"
    kinds = ("status 500 InternalServerError after", "status 403 AuthorizationFailed before")
    quiet_seconds, missing_seconds = 5.0, 30.0

    @property
    def phases(self) -> Sequence[tuple[float, Sequence[Mapping[str, Any]]]]:  # type: ignore[override]
        """Lost answers, no role to start, no role at all, and lost answers again."""
        denied = _status(403, "AuthorizationFailed")
        return (
            (self.quiet_seconds, (LOST,)),
            (self.missing_seconds, (denied,)),
            (self.missing_seconds, ({**denied, "operation": "*"},)),
            (0.0, (LOST,)),
        )


class IdsForgotten(FactoryRow):
    """The factory, known to honour ids, gives runs ids of its own from now on, and answers are lost."""

    name = "a factory that stops honouring ids"
    kinds = ("drop after", "ids ignored")
    settings = CORRELATED
    phases = ((0.0, ({"fault": "drop", "when": "after", "operation": "CreateRun", "probability": 0.3},)),)

    def begin(self, callers: Callers) -> None:
        """Stop honouring ids, and lose answers."""
        self.control("POST", "client-request-id", {"mode": "ignored"})
        self.counts["ids ignored"] += 1
        super().begin(callers)


ROWS: Mapping[str, type[Row]] = {
    **STORAGE_ROWS,
    **{row.name: row for row in (RefusedWhileRepeated, ScopeGone, RoleMissing, IdsForgotten)},
    **{row.name: row for row in (SettingsChanged, FactoryMoved)},
}
"""All rows there are."""
