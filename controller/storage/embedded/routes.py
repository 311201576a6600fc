"""Ways to answer a plan of several conditions, chosen by what the indexes hold.

SQLite knows nothing of how often a value occurs, and reads a row for each condition that the index
it chose does not cover: the worst case reads every document. Here, rows that match are found by
comparing what the index of each condition says; how many that are is counted, up to `FEW`, first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.storage.embedded.layout import native_index_name

if TYPE_CHECKING:
    from controller.storage.embedded.layout import Table
    from controller.storage.embedded.link import Link
    from controller.storage.embedded.planner import Condition, Plan

FEW = 5000
"""As many rows are read one by one without another thought."""
_FIRST, _FURTHER = 2000, 20_000
"""Rows that are read in order, in the hope that enough of them match; more where some do."""

_SO_FEW = 20
"""Rows of which it is not asked whether another condition is met by fewer."""

Statement = tuple[str, tuple[Any, ...]]


def in_order(
    link: Link, table: Table, plan: Plan, sort: list[tuple[str, int]], limit: int
) -> Iterator[int] | None:
    """Yield the row numbers of a plan in order; None where SQLite finds the way as well.

    Parameters
    ----------
    sort
        (path, direction) pairs that columns can sort.
    limit
        How many the caller will take; more may be yielded, since a document may not match.
    """
    if len(sort) != 1 or not limit or not plan.conditions:
        return None
    path, way = sort[0]
    index = _index_on(table, path)
    if index is None or any(c.is_selective for c in plan.conditions):
        return None
    column = table.columns[path]
    window = [c for c in plan.conditions if c.column is column]
    others = [c for c in plan.conditions if c.column is not column]
    if not others or (len(others) == 1 and _is_compound(table, others[0], path)):
        return None
    order = f"ORDER BY {column.sql}{' DESC' if way < 0 else ''}"
    return _look_then_compare(link, table, window, others, index, order)


def where_of(link: Link, table: Table, plan: Plan) -> Statement:
    """Return the condition of a plan and its parameters, led by what few rows meet.

    Of a state and a worker, SQLite takes the worker, which may have a million finished jobs.
    """
    conditions = list(plan.conditions)
    if len(conditions) < 2 or any(c.is_selective for c in conditions):
        return plan.sql, plan.params
    fewest, number = _fewest(link, conditions)
    if fewest is None or number > FEW:
        return plan.sql, plan.params
    return _led_where(fewest, conditions)


def _look_then_compare(
    link: Link,
    table: Table,
    window: list[Condition],
    others: list[Condition],
    index: str,
    order: str,
) -> Iterator[int]:
    within = " AND ".join(map(_in_index, window)) or "1"
    of_window = _params(window)
    asked = " AND ".join(f"({c.of_row})" for c in others)
    rows = link.select(
        f"SELECT seq, {asked} FROM {table.rows} INDEXED BY {index} WHERE {within} {order}",
        (*_params(others), *of_window),
    )
    found: set[int] = set()
    most = _FIRST
    for looked_at, (sequence, matches) in enumerate(rows):
        if looked_at >= most:
            if not found or most == _FURTHER or _few_meet(link, others):
                break
            most = _FURTHER
        if matches:
            found.add(sequence)
            yield sequence
    else:
        return
    source, params = _compared(link, table, window, others, index)
    for (sequence,) in link.select(f"{source} {order}", params):
        if sequence not in found:
            yield sequence


def _few_meet(link: Link, conditions: list[Condition]) -> bool:
    """Whether an index says at once that few rows meet one of the conditions."""
    quick = [c for c in conditions if not c.scans]
    return _fewest(link, quick)[1] <= FEW


def _compared(
    link: Link, table: Table, window: list[Condition], others: list[Condition], index: str
) -> Statement:
    fewest, number = _fewest(link, others)
    if fewest is not None and number <= FEW:
        return _led_by(table, fewest, [*window, *others])
    within = [*map(_in_index, window)]
    compared = [_membership(c) if c.rows else (f"({c.of_row})", c.params) for c in others]
    where = " AND ".join([*within, *(sql for sql, _ in compared)])
    params = (*_params(window), *(p for _, some in compared for p in some))
    return f"SELECT seq FROM {table.rows} INDEXED BY {index} WHERE {where}", params


def counted(link: Link, table: Table, plan: Plan) -> int | None:
    """Count the rows of a plan; None where SQLite finds the way as well."""
    if not _is_worth_it(plan.conditions):
        return None
    return _count(link, table, list(plan.conditions))


def _count(link: Link, table: Table, conditions: list[Condition]) -> int:
    if len(conditions) == 1:
        (one,) = conditions
        distinct = "DISTINCT " if one.column is None or one.column.multi else ""
        return link.value(f"SELECT count({distinct}seq) FROM ({one.rows})", one.rows_params)
    fewest, number = _fewest(link, conditions)
    assert fewest is not None  # each has its rows: see `_is_worth_it`
    if number <= FEW:
        source, params = _led_by(table, fewest, conditions)
        return link.value(f"SELECT count(*) FROM ({source})", params)
    for condition in conditions:
        if (exceptions := _few_exceptions(link, table, condition)) is not None:
            # Nearly all rows meet it: those that do not are fewer to look at.
            rest = [c for c in conditions if c is not condition]
            where = " AND ".join(f"({c.of_row})" for c in rest)
            excepted = link.value(
                f"SELECT count(*) FROM {table.rows} WHERE seq IN ({exceptions[0]}) AND {where}",
                (*exceptions[1], *_params(rest)),
            )
            return _count(link, table, rest) - excepted
    # All that the smallest says are in question; of the others their numbers are compared.
    others = [_membership(c) for c in conditions if c is not fewest]
    where = " AND ".join(sql for sql, _ in others)
    params = (*fewest.rows_params, *(p for _, some in others for p in some))
    return link.value(
        f"SELECT count(*) FROM (SELECT DISTINCT seq FROM ({fewest.rows}) WHERE {where})", params
    )


def _few_exceptions(link: Link, table: Table, condition: Condition) -> Statement | None:
    """Return the rows that do not meet a condition, if they are few and an index names them."""
    column = condition.column
    if column is None or not condition.is_equality:
        return None
    (key,) = condition.params
    ranges = (f"{column.sql}<?", f"{column.sql}>?", f"{column.sql} IS NULL")
    rows = " UNION ALL ".join(f"SELECT seq FROM {table.rows} WHERE {each}" for each in ranges)
    number = link.value(
        f"SELECT count(*) FROM (SELECT 1 FROM ({rows}) LIMIT {FEW + 1})", (key, key)
    )
    return (rows, (key, key)) if number <= FEW else None


def grouped(link: Link, table: Table, plan: Plan, path: str) -> Statement | None:
    """Return a statement that counts the rows of a plan by a column; None as in `counted`."""
    index, column = _index_on(table, path), table.columns[path]
    others = [c for c in plan.conditions if c.column is not column]
    if index is None or not others or any(c.rows is None for c in others):
        return None
    if any(c.is_selective for c in plan.conditions):
        return None
    window = [c for c in plan.conditions if c.column is column]
    fewest, number = _fewest(link, plan.conditions)
    if fewest is None:
        return None
    small = number <= FEW
    if small and fewest not in window:
        where, params = _led_where(fewest, list(plan.conditions))
        return f"SELECT {column.sql}, count(*) FROM {table.rows} WHERE {where} GROUP BY 1", params
    rest = [(c.of_row, c.params) if small else _membership(c) for c in others]
    where = " AND ".join([*map(_in_index, window), *(sql for sql, _ in rest)])
    params = (*_params(window), *(p for _, some in rest for p in some))
    sql = (
        f"SELECT {column.sql}, count(*) FROM {table.rows} INDEXED BY {index} "
        f"WHERE {where} GROUP BY 1"
    )
    return sql, params


def _is_worth_it(conditions: tuple[Condition, ...]) -> bool:
    return len(conditions) > 1 and all(c.rows and not c.is_selective for c in conditions)


def _fewest(
    link: Link, conditions: list[Condition] | tuple[Condition, ...]
) -> tuple[Condition | None, int]:
    """Return the condition that the fewest rows meet, and how many do, up to beyond `FEW`.

    Of one that reads a whole index the rows that meet it are kept: it is not read again.
    """
    best: tuple[Condition | None, int] = (None, FEW + 1)
    for condition in conditions:
        if condition.rows is None:
            continue
        if condition.scans:
            found = link.sql.execute(
                f"SELECT seq FROM ({condition.rows}) LIMIT {best[1]}", condition.rows_params
            ).fetchall()
            if best[0] is None or len(found) < best[1]:
                known = condition if len(found) > FEW else _known(condition, found)
                best = (known, len(found))
            continue
        row = link.sql.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM ({condition.rows}) LIMIT {best[1]})",
            condition.rows_params,
        ).fetchone()
        if best[0] is None or row[0] < best[1]:
            best = (condition, row[0])
        if best[1] <= _SO_FEW:  # to look for fewer would take longer than to read them
            break
    return best


def _known(condition: Condition, found: list[tuple[int]]) -> Condition:
    """Return a condition whose rows are known."""
    numbers = json.dumps([sequence for (sequence,) in found])
    return replace(
        condition, rows="SELECT value AS seq FROM json_each(?)", rows_params=(numbers,), scans=False
    )


def _led_by(table: Table, first: Condition, conditions: list[Condition]) -> Statement:
    where, params = _led_where(first, conditions)
    return f"SELECT seq FROM {table.rows} WHERE {where}", params


def _led_where(first: Condition, conditions: list[Condition]) -> Statement:
    rest = [c for c in conditions if c is not first]
    where = "".join(f" AND ({c.of_row})" for c in rest)
    return f"seq IN ({first.rows}){where}", (*first.rows_params, *_params(rest))


def _membership(condition: Condition) -> Statement:
    return f"+seq IN ({condition.rows})", condition.rows_params


def _in_index(condition: Condition) -> str:
    """Return the condition on the column whose index is read, which it may delimit."""
    return condition.of_row.replace("+", "")


def _params(conditions: list[Condition]) -> tuple[Any, ...]:
    return tuple(p for c in conditions for p in c.params)


def _index_on(table: Table, path: str) -> str | None:
    """Return the name of SQLite's index that begins with a path."""
    for info in table.indexes.values():
        if info["key"][0][0] == path and path != "_id" and path in table.columns:
            return native_index_name(table, info)
    return None


def _is_compound(table: Table, condition: Condition, path: str) -> bool:
    """Whether one index finds a value and sorts by the path."""
    if not condition.is_equality or condition.column is None:
        return False
    wanted = [condition.column.path, path]
    return any([p for p, _ in info["key"][:2]] == wanted for info in table.indexes.values())
