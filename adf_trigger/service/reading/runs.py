"""Lists the runs of all factories, and messages rejected before they became a request, newest first."""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from adf_trigger.contracts import RunStatus
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.ledger.keys import partition_key
from adf_trigger.ledger.listing import (
    ListedRun,
    ListingPage,
    Question,
    before_instant,
    behind_instant,
)
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.rejected import REJECTED, RejectedMessages
from adf_trigger.readings import RunList
from adf_trigger.service.news.views import RunViews
from adf_trigger.service.reading.query import RunFinder

__all__ = ["Question", "RunLister"]

_NOT_OURS = (
    "is not a continuation that this service issued for this query: send it back unchanged, with the same parameters "
    "except limit"
)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,700}")
_PLACE = re.compile(r"(?P<time>[0-9]{18})(?P<mark>[0-9a-f]{16})(?P<key>[!-~]{0,400})")
_CHECK = 16


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """A place in the merged list: of entries requested at the same time, one source comes after the other."""

    time: str
    mark: str
    key: str

    @classmethod
    def of(cls, place: str, mark: str) -> "_Place":
        time, _, key = place.partition("|")
        return cls(time, mark, key)

    def in_source(self, mark: str) -> str:
        """The place in a source after which the list continues."""
        if mark == self.mark:
            return f"{self.time}|{self.key}"
        return behind_instant(self.time) if mark < self.mark else before_instant(self.time)


@dataclass(frozen=True, slots=True)
class _Source:
    """One of the merged listings, and the mark that orders it among the others."""

    mark: str
    read: Callable[[str], ListingPage]


class RunLister:
    """Lists runs. Makes no call of Data Factory.

    Args:
        ledger: the run ledger.
        rejected: messages that were rejected.
        query: knows all factories, those that have left the settings among them.
        views: builds what callers see.
    """

    def __init__(
        self, ledger: LedgerReader, rejected: RejectedMessages, query: RunFinder, views: RunViews
    ) -> None:
        self._ledger = ledger
        self._rejected = rejected
        self._query = query
        self._views = views

    def page(
        self, question: Question, *, factory: str | None = None, continuation: str | None = None, limit: int
    ) -> RunList:
        """A page of the list, which may be short, and the continuation for the next page.

        Paging shows every run once that existed at the beginning and still does, whatever arrives meanwhile. A rejected
        request whose key is used again is replaced by the new request, and is no longer listed.

        Args:
            question: which runs.
            factory: alias or resource id; None for all.
            continuation: as the page before gave it; None for the first page.
            limit: maximum runs of the page.

        Raises:
            InvalidRequest: there is no such factory, or the continuation does not belong to this question.
            LedgerError: the ledger is out of reach.
        """
        asked = _canonical(question, factory)
        behind = None if continuation is None else _read(continuation, asked)
        found: list[tuple[_Place, ListedRun]] = []
        read_to: list[_Place] = []
        for source in self._sources(question, factory, limit):
            page = source.read("" if behind is None else behind.in_source(source.mark))
            found += [(_Place.of(entry.place, source.mark), entry.run) for entry in page.entries]
            if page.read_to is not None:
                read_to.append(_Place.of(page.read_to, source.mark))
        # Entries after the place up to which every source was read wait for earlier entries of a source.
        end = min(read_to, default=None)
        sure = sorted(
            ((place, run) for place, run in found if end is None or place <= end), key=lambda each: each[0]
        )
        shown = sure[:limit]
        last = shown[-1][0] if len(sure) > limit else end
        return RunList(
            runs=[self._views.listed(run) for _, run in shown],
            continuation=None if last is None else _written(last, asked),
        )

    def _sources(self, question: Question, factory: str | None, limit: int) -> Sequence[_Source]:
        factories = self._query.searched(factory)
        sources = [
            _Source(_mark(each), partial(self._read_runs, each, question, limit)) for each in factories
        ]
        if question.statuses is None or RunStatus.REJECTED in question.statuses:
            ids = None if factory is None else frozenset(each.lower() for each in factories)
            asked = replace(question, factories=ids)
            sources.append(_Source(_mark(REJECTED), partial(self._read_rejected, asked, limit)))
        return sources

    def _read_runs(self, factory: str, question: Question, limit: int, after: str) -> ListingPage:
        return self._ledger.listing(factory, question, after=after, limit=limit)

    def _read_rejected(self, question: Question, limit: int, after: str) -> ListingPage:
        return self._rejected.listing(question, after=after, limit=limit)


def _mark(factory: str) -> str:
    return _digest(partition_key(factory))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_CHECK]


def _canonical(question: Question, factory: str | None) -> str:
    """The question that a continuation belongs to, as canonical text."""
    return json.dumps(
        [
            None if question.statuses is None else sorted(question.statuses),
            question.pipeline and question.pipeline.lower(),
            question.correlation_id,
            question.since and question.since.isoformat(),
            question.until and question.until.isoformat(),
            factory and factory.lower(),
        ]
    )


def _written(place: _Place, asked: str) -> str:
    text = f"{place.time}{place.mark}{place.key}"
    return urlsafe_b64encode(f"{_digest(text + asked)}{text}".encode()).decode().rstrip("=")


def _read(continuation: str, asked: str) -> _Place:
    """Decode the place of a continuation.

    Raises:
        InvalidRequest: it was not issued for this question, or was changed.
    """
    if _TOKEN.fullmatch(continuation):
        try:
            text = urlsafe_b64decode(continuation + "=" * (-len(continuation) % 4)).decode("ascii")
        except ValueError:
            text = ""
        place = _PLACE.fullmatch(text[_CHECK:])
        if place is not None:
            found = _Place(place["time"], place["mark"], place["key"])
            if _written(found, asked) == continuation:
                return found
    raise InvalidRequest([Fault("continuation", _NOT_OURS)])
