"""Decodes query parameters: every fault is named, including unknown parameters."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import azure.functions as func

from adf_trigger.contracts import MAX_CORRELATION_ID, RunStatus
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.functions.decoding import pipeline_name, target_of, unknown_parameters
from adf_trigger.request_ids import as_guid
from adf_trigger.service.reading.query import By, by_of
from adf_trigger.service.reading.runs import Question

T = TypeVar("T")

MAX_RUNS = 200
"""Maximum runs on a page of a list."""
USUAL_RUNS = 50

RUNS_PARAMETERS = (
    "status",
    "pipeline",
    "since",
    "until",
    "correlationId",
    "factory",
    "limit",
    "continuation",
)
_STATUSES = {status.lower(): status for status in RunStatus}
_PLUS_SENT_PLAINLY = " "


class QueryReader:
    """Decodes the query parameters of a call, one by one; `settle` raises all faults together.

    Args:
        req: the request.
        given: its parameters.
        known: the parameters of the call.
        several: those that may be given more than once.
    """

    def __init__(
        self,
        req: func.HttpRequest,
        given: Mapping[str, str],
        known: Collection[str],
        several: Collection[str] = (),
    ) -> None:
        self._given = given
        self.faults = unknown_parameters(given, known)
        counted = Counter(name for name, _ in parse_qsl(target_of(req)[1], keep_blank_values=True))
        self._faulty = {
            name for name, times in counted.items() if times > 1 and name in known and name not in several
        }
        self.faults += [Fault(name, "is given more than once") for name in sorted(self._faulty)]

    def text(self, name: str, *, at_most: int) -> str | None:
        """A text that is not empty; None if it is not given, or faulty."""
        text = None if name in self._faulty else self._given.get(name)
        if text is None:
            return None
        if not text.strip():
            self._fault(name, "must not be empty")
            return None
        if len(text) > at_most:
            self._fault(name, f"must have at most {at_most} characters")
            return None
        return text

    def instant(self, name: str) -> datetime | None:
        """A time with its zone, in UTC."""
        text = self.text(name, at_most=64)
        if text is None:
            return None
        head, blank, zone = text.rpartition(_PLUS_SENT_PLAINLY)
        if blank and head.count(":") and zone[:2].isdigit():
            text = f"{head}+{zone}"  # a plus sign in a query decodes to a space
        try:
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is None:
                self._fault(name, "has no time zone: write it as 2026-11-26T06:00:00Z, or with +01:00")
                return None
            return instant.astimezone(UTC)
        except (ValueError, OverflowError):
            self._fault(name, "is not a valid time: write it as 2026-11-26T06:00:00Z")
            return None

    def number(self, name: str, *, usual: int, at_most: int) -> int:
        """A whole number from 1 on."""
        text = self.text(name, at_most=20)
        if text is None:
            return usual
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= at_most):
            self._fault(name, f"must be a whole number from 1 to {at_most}")
            return usual
        return int(text)

    def statuses(self) -> frozenset[str] | None:
        """Statuses, with commas between them."""
        text = self.text("status", at_most=1_000)
        if text is None:
            return None
        found = set()
        for word in (word.strip() for word in text.split(",")):
            status = _STATUSES.get(word.lower())
            if status is None:
                self._fault("status", _no_status(word))
            else:
                found.add(status)
        return frozenset(found)

    def pipeline(self) -> str | None:
        """The name of a pipeline."""
        text = self.text("pipeline", at_most=1_000)
        return None if text is None else self.checked(pipeline_name, text)

    def by(self) -> By | None:
        """Which of a run's ids is given."""
        text = self.text("by", at_most=100)
        return None if text is None else self.checked(by_of, text)

    def guid(self, name: str) -> UUID | None:
        """A GUID."""
        text = self.text(name, at_most=64)
        found = None if text is None else as_guid(text)
        if text is not None and found is None:
            self._fault(name, "must be the GUID of a run")
        return found

    def checked(self, check: Callable[[str], T | None], text: str) -> T | None:
        """The result of a check of a text; None if it finds a fault."""
        try:
            return check(text)
        except InvalidRequest as exc:
            self.faults += exc.faults
            return None

    def settle(self) -> None:
        """Raise all faults together.

        Raises:
            InvalidRequest: with every fault, if there is any.
        """
        if self.faults:
            raise InvalidRequest(self.faults)

    def _fault(self, name: str, message: str) -> None:
        self.faults.append(Fault(name, message))


def question_of(query: QueryReader) -> Question:
    """Decode the filter of a list."""
    since, until = query.instant("since"), query.instant("until")
    if since is not None and until is not None and since >= until:
        query.faults.append(Fault("since", "must be before until"))
    return Question(
        statuses=query.statuses(),
        pipeline=query.pipeline(),
        correlation_id=query.text("correlationId", at_most=MAX_CORRELATION_ID),
        since=since,
        until=until,
    )


def _no_status(word: str) -> str:
    there_are = ", ".join(RunStatus)
    nearest = get_close_matches(word.lower(), _STATUSES, n=1)
    meant = f"is {_STATUSES[nearest[0]]} meant? " if nearest else ""
    return f"{word[:40]!r} is not a status; {meant}there are: {there_are}"
