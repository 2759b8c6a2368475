"""A RunQuery as SQL. Rows have a `seq`, which breaks ties in the order and marks the end of a page."""

import sqlite3
from datetime import datetime
from typing import Any

from adf_trigger.emulator.store.database import Database, stamp
from adf_trigger.emulator.store.queries import Filter, Order, RunQuery


def select(
    database: Database, table: str, scope: dict[str, str], query: RunQuery, *, updated: str, limit: int
) -> tuple[list[sqlite3.Row], str | None]:
    """A page of rows and the token for the next page.

    Args:
        database: of the table.
        table: name of the table.
        scope: columns that must have these values.
        query: filters, order and start of the page.
        updated: column that the window applies to.
        limit: rows of a page.
    """
    conditions = [f"{column} = ?" for column in scope]
    values: list[Any] = list(scope.values())
    for operator, bound in ((">=", query.updated_after), ("<=", query.updated_before)):
        if bound is not None:
            conditions.append(f"{updated} {operator} ?")
            values.append(stamp(bound))
    for condition in query.filters:
        text, bound_values = _condition(condition)
        conditions.append(text)
        values += bound_values
    keys = [*((_sortable(order), order.descending) for order in query.order), ("seq", False)]
    if query.after is not None:
        text, bound_values = _beyond(keys, query.after)
        conditions.append(text)
        values += bound_values
    ordering = ", ".join(f"{key} {'DESC' if descending else 'ASC'}" for key, descending in keys)
    statement = f"SELECT * FROM {table} WHERE {' AND '.join(conditions)} ORDER BY {ordering} LIMIT ?"  # noqa: S608 - names are constants of queries.py, values are bound
    rows = database.rows(statement, [*values, limit + 1])
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    return rows, query.token(_position(rows[-1], query.order))


def _condition(condition: Filter) -> tuple[str, list[Any]]:
    column = condition.field.column
    values = [stamp(value) if isinstance(value, datetime) else value for value in condition.values]
    if condition.field.kind == "latest":
        # LatestOnly=false asks for all of them, not for the superseded ones.
        return ("is_latest = 1", []) if values[0] is (condition.operator in {"Equals", "In"}) else ("1", [])
    places = ", ".join("?" for _ in values)
    if condition.operator in {"Equals", "In"}:
        return f"{column} IN ({places})", values
    return f"({column} IS NULL OR {column} NOT IN ({places}))", values


def _sortable(order: Order) -> str:
    return f"coalesce({order.field.column}, '')"


def _position(row: sqlite3.Row, order: tuple[Order, ...]) -> tuple[Any, ...]:
    return (*(row[key.field.column] or "" for key in order), row["seq"])


def _beyond(keys: list[tuple[str, bool]], position: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Rows after a position: greater in the first key, or equal in it and greater in the second, and so on."""
    alternatives: list[str] = []
    values: list[Any] = []
    for index, (key, descending) in enumerate(keys):
        same = [f"{earlier} = ?" for earlier, _ in keys[:index]]
        alternatives.append(" AND ".join([*same, f"{key} {'<' if descending else '>'} ?"]))
        values += position[: index + 1]
    return f"({' OR '.join(f'({text})' for text in alternatives)})", values
