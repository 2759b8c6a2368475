"""RunFilterParameters: the body of queryPipelineRuns, queryActivityruns and queryTriggerRuns.

A query names a window of last updates (inclusive, UTC), filters and an order; an answer holds at most 100 rows and
a continuation token. The quickstart sends no body at all and gets rows, so nothing is required then; a body
must have both ends of the window, as the OpenAPI description says.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from adf_trigger.emulator.common.errors import BadRequest

PAGE_SIZE = 100

Operator = Literal["Equals", "NotEquals", "In", "NotIn"]
_OPERATORS: dict[str, Operator] = {
    "equals": "Equals",
    "notequals": "NotEquals",
    "in": "In",
    "notin": "NotIn",
}
_WINDOW = ("lastupdatedafter", "lastupdatedbefore")
_SINGLE = frozenset({"Equals", "NotEquals"})


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a query may filter or order by.

    Attributes:
        column: of the store.
        kind: how values are parsed.
        sortable: whether orderBy accepts it.
    """

    column: str
    kind: Literal["text", "time", "latest"] = "text"
    sortable: bool = True


Fields = Mapping[str, Field]

PIPELINE_RUN_FIELDS: Fields = {
    "PipelineName": Field("pipeline_name"),
    "RunStart": Field("run_start", "time"),
    "RunEnd": Field("run_end", "time"),
    "Status": Field("status"),
    "RunGroupId": Field("run_group_id", sortable=False),
    "LatestOnly": Field("is_latest", "latest", sortable=False),
}
ACTIVITY_RUN_FIELDS: Fields = {
    "ActivityName": Field("activity_name"),
    "ActivityRunStart": Field("activity_start", "time"),
    "ActivityRunEnd": Field("activity_end", "time"),
    "ActivityType": Field("activity_type", sortable=False),
    "Status": Field("status"),
}
TRIGGER_RUN_FIELDS: Fields = {
    "TriggerName": Field("trigger_name"),
    "TriggerRunTimestamp": Field("timestamp", "time"),
    "Status": Field("status"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; values are texts, times, or one Boolean."""

    field: Field
    operator: Operator
    values: tuple[str | datetime | bool, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One key of the order."""

    field: Field
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """A parsed query.

    Attributes:
        after: position that the last page ended at: a value for each key of the order, then the row's number.
        digest: identifies the query, so that a token of another one is rejected.
        size: rows of a page.
    """

    updated_after: datetime | None = None
    updated_before: datetime | None = None
    filters: tuple[Filter, ...] = ()
    order: tuple[Order, ...] = ()
    after: tuple[Any, ...] | None = None
    digest: str = ""
    size: int = PAGE_SIZE

    def covers(self, updated: datetime) -> bool:
        """Whether the window contains a time."""
        return (self.updated_after is None or updated >= self.updated_after) and (
            self.updated_before is None or updated <= self.updated_before
        )

    def token(self, position: tuple[Any, ...]) -> str:
        """The continuation token for what comes after a position."""
        text = json.dumps([self.digest, position], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode()


def parse(body: Any, fields: Fields, target: str, *, any_window: bool = False) -> RunQuery:
    """Parse a body.

    Args:
        body: decoded JSON; None if there was no body.
        fields: of the operation, by wire name.
        target: for the error.
        any_window: whether to accept a continuation token of another window.

    Raises:
        BadRequest: the body is not what the operation expects.
    """
    if body is None:
        return RunQuery()
    return _Parser(fields, target, any_window=any_window).query(body)


class _Parser:
    def __init__(self, fields: Fields, target: str, *, any_window: bool) -> None:
        self._fields = {name.lower(): (name, field) for name, field in fields.items()}
        self._target = target
        self._ignored = {"continuationtoken", *(_WINDOW if any_window else ())}

    def query(self, body: Any) -> RunQuery:
        if not isinstance(body, dict):
            raise self._invalid("The filter parameters are not a JSON object.")
        given = {key.lower(): value for key, value in body.items()}
        filters = tuple(self._filter(item) for item in self._list(given, "filters"))
        order = tuple(self._order(item) for item in self._list(given, "orderBy"))
        digest = _digest(given, self._ignored)
        return RunQuery(
            updated_after=self._window(given, "lastUpdatedAfter"),
            updated_before=self._window(given, "lastUpdatedBefore"),
            filters=filters,
            order=order,
            after=self._position(given.get("continuationtoken"), digest, len(order) + 1),
            digest=digest,
        )

    def _list(self, given: dict[str, Any], name: str) -> list[Any]:
        value = given.get(name.lower())
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._invalid(f"Property '{name}' is not an array.")
        return value

    def _window(self, given: dict[str, Any], name: str) -> datetime:
        if given.get(name.lower()) is None:
            raise self._invalid(f"Required property '{name}' not found in JSON.")
        return self._time(given[name.lower()], name)

    def _time(self, value: Any, name: str) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
        except (TypeError, ValueError) as exc:
            raise self._invalid(f"Property '{name}' is not a date and time in ISO 8601: '{value}'.") from exc
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

    def _filter(self, item: Any) -> Filter:
        if not isinstance(item, dict):
            raise self._invalid("A filter is not a JSON object.")
        name, field = self._field(item.get("operand"), "Filter operand")
        operator = _OPERATORS.get(str(item.get("operator")).lower())
        if operator is None:
            raise self._invalid(f"Filter operator '{item.get('operator')}' is not supported.")
        values = item.get("values")
        if not isinstance(values, list) or not values:
            raise self._invalid(f"Filter operand '{name}' has no values.")
        if len(values) > 1 and name == "RunGroupId":
            raise self._invalid(
                f"Filter operand '{name}' does not support and array of values. Make sure to provide only one."
            )
        if len(values) > 1 and operator in _SINGLE:
            raise self._invalid(f"Filter operator '{operator}' takes one value.")
        return Filter(field, operator, tuple(self._value(field, name, value) for value in values))

    def _value(self, field: Field, name: str, value: Any) -> str | datetime | bool:
        if field.kind == "time":
            return self._time(value, name)
        if field.kind == "latest":
            return str(value).lower() == "true"
        return str(value)

    def _order(self, item: Any) -> Order:
        if not isinstance(item, dict):
            raise self._invalid("An entry of orderBy is not a JSON object.")
        name, field = self._field(item.get("orderBy"), "OrderBy field")
        direction = str(item.get("order", "ASC")).upper()
        if not field.sortable or direction not in {"ASC", "DESC"}:
            raise self._invalid(f"OrderBy '{name}' '{item.get('order')}' is not supported.")
        return Order(field, direction == "DESC")

    def _field(self, name: Any, role: str) -> tuple[str, Field]:
        known = self._fields.get(str(name).lower())
        if known is None:
            raise self._invalid(f"{role} '{name}' is not supported.")
        return known

    def _position(self, token: Any, digest: str, length: int) -> tuple[Any, ...] | None:
        if token is None:
            return None
        try:
            owner, position = json.loads(base64.urlsafe_b64decode(token))
        except (TypeError, ValueError, binascii.Error) as exc:
            raise self._invalid("The continuation token is not valid.") from exc
        if owner != digest or not isinstance(position, list) or len(position) != length:
            raise self._invalid("The continuation token is not valid for this query.")
        return tuple(position)

    def _invalid(self, message: str) -> BadRequest:
        return BadRequest(message, target=self._target)


def _digest(given: dict[str, Any], ignored: Collection[str]) -> str:
    rest = {key: value for key, value in given.items() if key not in ignored}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]
