"""Translate filters to SQL over the native columns of indexed paths.

A plan's condition holds for every document that matches. If it holds for no others (``exact``),
documents need not be read to count, sort or delete; otherwise the compiled filter decides.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId

from controller.storage.base import Sort
from controller.storage.embedded import compression, patches
from controller.storage.embedded.filters import is_operators
from controller.storage.embedded.globs import after, glob_of
from controller.storage.embedded.layout import Column, Table, pair_key, pair_path
from controller.storage.embedded.parts import SIGNATURE
from controller.storage.embedded.values import index_key, key_bounds
from controller.storage.embedded.wildcards import UNREAD, leaf_key

_SCALARS = (str, int, float, Int64, bool, ObjectId, datetime, type(None))
_TEXTS = (str, type(None))
_SIGNS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_MANY = 500
"""Values of an $in beyond this are not bound one by one: old SQLites stop at 999."""
_NOT_NULL = "{0}>=-9e999"
"""Everything orders after minus infinity but NULL; unlike IS NOT NULL it can drive an index."""

_FEW_TEXTS = 20
_MARKS = f"x'{compression.MARK:x}', x'{patches.MARK:x}'"
_UNREADABLE = f"substr(hot,4,1) IN ({_MARKS}) OR instr(hot,x'{SIGNATURE.hex()}')"
"""Holds where a stored document is compressed or patched, or where values are cut out of it."""
_SEARCHED = ("{0}=", "{0} IN")
"""Conditions that find their keys in an index."""

_WEIGHT_SELECTIVE, _WEIGHT_ARRAY, _WEIGHT_PLAIN = range(3)


@dataclass(frozen=True)
class Condition:
    """One of the conditions of a plan, in the ways in which a statement can ask it.

    Attributes
    ----------
    column
        The column it is about; None if it is about several.
    of_row, params
        Asked of a row at hand, with the name of the table. The parameters.
    rows, rows_params
        A statement that selects the ``seq`` of the rows for which it holds from an index alone,
        or None, and its parameters.
    bound
        What it says of the column, if it is a comparison with ``<`` or ``>``.
    is_equality
        Whether it is that the column has one value.
    is_selective
        Whether hardly more than one document meets it, or an index finds exactly those that do.
    scans
        Whether ``rows`` reads all of an index.
    """

    column: Column | None
    of_row: str
    params: tuple[Any, ...]
    rows: str | None = None
    rows_params: tuple[Any, ...] = ()
    bound: str = ""
    is_equality: bool = False
    is_selective: bool = False
    scans: bool = False


@dataclass(frozen=True)
class Plan:
    """A condition on the rows of a collection.

    Attributes
    ----------
    sql, params
        The condition and its parameters.
    exact
        Whether it holds for matching documents only.
    conditions
        What it is composed of, for `routes`.
    """

    sql: str = "1"
    params: tuple[Any, ...] = ()
    exact: bool = True
    conditions: tuple[Condition, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it has no condition."""
        return self.sql == "1"


_ANYTHING = Plan(exact=False)


@dataclass(frozen=True)
class _Term:
    """A condition on one column; ``{0}`` stands for the column.

    Attributes
    ----------
    texts
        The values, if the condition is that one of these texts is present.
    exact
        Whether it holds for matching documents only.
    scans
        Whether all of an index has to be read.
    is_bound
        Whether it is a comparison with ``<`` or ``>``.
    """

    column: Column
    condition: str
    params: tuple[Any, ...]
    weight: int = _WEIGHT_PLAIN
    negated: bool = False
    texts: tuple[str, ...] = ()
    exact: bool = True
    scans: bool = False
    is_bound: bool = False


def plan_filter(table: Table, query: Mapping[str, Any]) -> Plan:
    """Translate a (normalised) filter as far as indexed paths allow."""
    if (plan := _of_one(table, query)) is not None:
        return plan
    terms: list[_Term] = []
    plans: list[Plan] = []
    for key, value in query.items():
        if key == "$and":
            plans += [plan_filter(table, part) for part in value]
        elif key in ("$or", "$nor"):
            plans.append(_alternatives(table, key, value))
        elif key in table.columns:
            operators = value if is_operators(value) else {"$eq": value}
            found = list(_terms(table, table.columns[key], operators))
            terms += [term for term in found if term is not None]
            if None in found:
                plans.append(_ANYTHING)
        elif (term := _below(table, key, value)) is not None:
            terms.append(term)
        else:
            plans.append(_mentioning(value))
    plans += _paired(table, terms) or _written(table, terms)
    said = [plan for plan in plans if not plan.is_open]
    return Plan(
        " AND ".join(plan.sql for plan in said) or "1",
        tuple(p for plan in said for p in plan.params),
        all(plan.exact for plan in plans),
        _merged(table, [c for plan in said for c in plan.conditions]),
    )


def names_one(query: Mapping[str, Any]) -> bool:
    """Whether a filter names a document by its id, and compares no more than some texts of it."""
    if type(query.get("_id")) not in (str, ObjectId):
        return False
    return all(
        key == "_id" or (type(value) in _TEXTS and key[:1] != "$") for key, value in query.items()
    )


def _of_one(table: Table, query: Mapping[str, Any]) -> Plan | None:
    """Translate what most writes ask for; see `names_one`. None where a column is missing."""
    if not names_one(query):
        return None
    asked, params = ["id=?"], [index_key(query["_id"])]
    for key, value in query.items():
        column = table.columns.get(key)
        if column is None or column.multi:
            return None
        if key == "_id":
            continue
        asked.append(f"+{column.sql} IS NULL" if value is None else f"+{column.sql}=?")
        params += [] if value is None else [value]
    sql = " AND ".join(asked)
    condition = Condition(None, sql, tuple(params), is_selective=True)
    return Plan(sql, tuple(params), conditions=(condition,))


def _merged(table: Table, conditions: list[Condition]) -> tuple[Condition, ...]:
    """Make the bounds of one column a single condition."""
    bounds: dict[str, list[Condition]] = {}
    rest = []
    for condition in conditions:
        if condition.bound and condition.column is not None:
            bounds.setdefault(condition.column.path, []).append(condition)
        else:
            rest.append(condition)
    for some in bounds.values():
        params = tuple(p for c in some for p in c.params)
        of_row = " AND ".join(c.of_row for c in some)
        rows = f"SELECT seq FROM {table.rows} WHERE {' AND '.join(c.bound for c in some)}"
        rest.append(Condition(some[0].column, of_row, params, rows, params))
    return tuple(rest)


def _below(table: Table, path: str, value: Any) -> _Term | None:
    """Return the condition on a path that is indexed with all others below one."""
    found = table.wildcard(path)
    if found is None:
        return None
    column, rest = found
    operators = value if is_operators(value) else {"$eq": value}
    if len(operators) != 1:
        return None
    ((op, arg),) = operators.items()
    if op not in ("$eq", "$in") or (op == "$in" and type(arg) is not list):
        return None
    keys = [leaf_key(rest, one) for one in (arg if op == "$in" else [arg])]
    if None in keys or len(keys) > _MANY:
        return None
    wanted = [*keys, *([UNREAD] if column.odd else [])]
    condition, params = _in_list(wanted)
    return _Term(column, condition, params, _WEIGHT_ARRAY, exact=not column.odd)


def _mentioning(value: Any) -> Plan:
    """Return what a condition on a path without an index says of a document as it is stored.

    Its bytes have to hold one of the texts asked for, unless they are compressed or some of them
    are stored elsewhere: of a log of many small documents, few are decoded.
    """
    operators = value if is_operators(value) else {"$eq": value}
    asked = operators.get("$in", [operators.get("$eq")])
    if type(asked) is not list or not 0 < len(asked) <= _FEW_TEXTS:
        return _ANYTHING
    if any(type(text) is not str for text in asked):
        return _ANYTHING
    texts = [text.encode() + b"\0" for text in asked]
    held = " OR ".join(["instr(hot,?)"] * len(texts))
    return Plan(f"({_UNREADABLE} OR {held})", tuple(texts), exact=False)


def plan_order(table: Table, sort: Sort) -> str | None:
    """Return the ORDER BY that sorts as BSON does; None if columns cannot."""
    parts = []
    for path, way in sort or ():
        column = table.columns.get(path)
        if column is None or column.multi or column.odd:
            return None
        parts.append(column.sql + (" DESC" if way < 0 else ""))
    return ", ".join(parts)


def _alternatives(table: Table, key: str, filters: list[Any]) -> Plan:
    parts = [plan_filter(table, part) for part in filters]
    exact = all(part.exact for part in parts)
    if any(part.is_open for part in parts) or (key == "$nor" and not exact):
        return _ANYTHING
    sql = " OR ".join(f"({part.sql})" for part in parts)
    params = tuple(p for part in parts for p in part.params)
    # A comparison with NULL is NULL, and its negation too.
    whole = f"({sql})" if key == "$or" else f"NOT coalesce(({sql}), 0)"
    selective = key == "$or" and all(any(c.is_selective for c in p.conditions) for p in parts)
    condition = Condition(None, whole, params, is_selective=selective)
    return Plan(whole, params, exact, (condition,))


def _written(table: Table, terms: list[_Term]) -> Iterator[Plan]:
    """Combine the terms, with the most selective one driving the query.

    SQLite does not know the distribution of values and may prefer ``state = ?`` to
    ``uuid IN (?, ?)``: a unary plus keeps a term from being used with an index.
    """
    best = min((term.weight for term in terms), default=_WEIGHT_PLAIN)
    driver = next((t for t in terms if t.weight == best), None) if best < _WEIGHT_PLAIN else None
    for term in terms:
        plus = "+" if driver is not None and term is not driver else ""
        written = _write(table, term, plus)
        if plus and best == _WEIGHT_SELECTIVE:  # few rows: what is asked of each is cheaper
            asked = written.conditions[0]
            written = Plan(asked.of_row, asked.params, written.exact, written.conditions)
        yield written


def _paired(table: Table, terms: list[_Term]) -> list[Plan]:
    """Combine the terms if a pair of them has a column; [] if none has.

    It then drives the query, unless a term names hardly more than one document.
    """
    if any(term.weight == _WEIGHT_SELECTIVE for term in terms):
        return []
    for first in (t for t in terms if t.texts and t.column.multi):
        for second in (t for t in terms if t.texts and not t.column.multi):
            pair = table.columns.get(pair_path(first.column.path, second.column.path))
            keys = [pair_key(a, b) for a in first.texts for b in second.texts]
            if pair is None or len(keys) > _MANY or any(key.count("\0") > 1 for key in keys):
                continue
            in_side, side_params = _in_list(keys)
            sql = (
                f"seq IN (SELECT seq FROM {table.rows} WHERE "
                f"{first.condition.format(first.column.sql)} AND "
                f"{second.condition.format(second.column.sql)} UNION ALL "
                f"SELECT seq FROM {table.side} WHERE c={pair.number} AND {in_side.format('v')})"
            )
            params = first.params + second.params + side_params
            drives = Plan(
                sql, params, conditions=(Condition(None, sql, params, is_selective=True),)
            )
            rest = [t for t in terms if t is not first and t is not second]
            return [drives, *(_write(table, term, "+") for term in rest)]
    return []


def _write(table: Table, term: _Term, plus: str) -> Plan:
    column = term.column
    plain, params = term.condition.format(plus + column.sql), term.params
    rows = f"SELECT seq FROM {table.rows} WHERE {term.condition.format(column.sql)}"
    if column.multi:
        on_side = term.condition.replace("{0} IS NULL", "{0}=x'00'").format("v")
        on_side = on_side.replace(_NOT_NULL.format("v"), "v<>x'00'")
        side = f"SELECT seq FROM {table.side} WHERE c={column.number} AND {on_side}"
        rows = side if column.is_wildcard else f"{rows} UNION ALL {side}"
        plain = f"{plus}seq IN ({rows})"
        params = params if column.is_wildcard else params * 2
    elif term.scans:
        plain = f"{plus}seq IN ({rows})"
    of_row, row_params = _of_row(table, term)
    if term.negated:
        plain, of_row = (f"NOT coalesce(({text}), 0)" for text in (plain, of_row))
        rows = f"SELECT seq FROM {table.rows} WHERE {plain}" if not column.multi else ""
    condition = Condition(
        column,
        of_row,
        row_params,
        rows or None,
        params,
        bound=term.condition.format(column.sql) if term.is_bound and not column.multi else "",
        is_equality=term.condition == "{0}=?" and not column.multi and not term.negated,
        is_selective=term.weight == _WEIGHT_SELECTIVE,
        scans=term.scans or term.negated,
    )
    return Plan(plain, params, term.exact, (condition,))


def _of_row(table: Table, term: _Term) -> tuple[str, tuple[Any, ...]]:
    """Return the condition as asked of one row, and its parameters."""
    column, params = term.column, term.params
    plain = term.condition.format(f"+{table.rows}.{column.sql}")
    if not column.multi:
        return plain, params
    on_side = term.condition.replace("{0} IS NULL", "{0}=x'00'").format("v")
    on_side = on_side.replace(_NOT_NULL.format("v"), "v<>x'00'")
    if term.condition.startswith(_SEARCHED):
        of_this = f"c={column.number} AND {table.side}.seq={table.rows}.seq"
        side = f"EXISTS (SELECT 1 FROM {table.side} WHERE {of_this} AND {on_side})"
    else:  # no index leads from a row to its keys: all that match are found, once
        found = f"SELECT seq FROM {table.side} WHERE c={column.number} AND {on_side}"
        side = f"+{table.rows}.seq IN ({found})"
    return (side, params) if column.is_wildcard else (f"({plain} OR {side})", params * 2)


def _terms(table: Table, column: Column, operators: Mapping[str, Any]) -> Iterator[_Term | None]:
    """Yield a term per operator; None for one that requires reading the document."""
    sharp = _WEIGHT_SELECTIVE if column.path in table.selective else _WEIGHT_PLAIN
    weight = _WEIGHT_ARRAY if column.multi and sharp == _WEIGHT_PLAIN else sharp
    for op, arg in operators.items():
        if op in ("$eq", "$ne") and type(arg) in _SCALARS:
            yield _equality(column, arg, weight, negated=op == "$ne")
        elif op in ("$in", "$nin") and type(arg) is list and all(type(a) in _SCALARS for a in arg):
            yield _membership(column, arg, weight, negated=op == "$nin")
        elif op == "$exists" and not arg:
            yield None
        elif op == "$regex" and type(arg) is str:
            yield _pattern(column, arg, operators.get("$options", ""))
        elif op == "$options":
            continue
        elif op in _SIGNS and (bounds := key_bounds(arg)) is not None:
            yield _comparison(column, op, arg, bounds, operators)
        else:
            yield None


def _pattern(column: Column, source: str, options: Any) -> _Term:
    """Match a regular expression with the keys of an index: faster than with documents."""
    found = None if options else glob_of(source)
    called = "jfr_matches(?,?,{0})"
    text = "typeof({0})='text'"
    if found is None:
        return _Term(column, f"{text} AND {called}", (source, options), scans=True)
    glob, start = found
    # GLOB sees a text up to its first NUL character.
    matches = f"(CASE WHEN instr({{0}},char(0)) THEN {called} ELSE {{0}} GLOB ? END)"
    condition, params = f"{text} AND {matches}", (source, "", glob)
    end = after(start) if start else None
    if end is None:
        return _Term(column, condition, params, scans=True)
    return _Term(column, f"{{0}}>=? AND {{0}}<? AND {condition}", (start, end, *params), scans=True)


def _equality(column: Column, arg: Any, weight: int, *, negated: bool) -> _Term:
    if arg is not None:
        if negated:
            return _Term(column, "{0}=?", (index_key(arg),), _WEIGHT_PLAIN, negated)
        texts = (arg,) if type(arg) is str else ()
        return _Term(column, "{0}=?", (index_key(arg),), weight, texts=texts)
    if negated and not column.multi:
        return _Term(column, _NOT_NULL, ())
    # Most documents have null: never drive a query by it.
    return _Term(column, "{0} IS NULL", (), _WEIGHT_PLAIN, negated)


def _membership(column: Column, args: list[Any], weight: int, *, negated: bool) -> _Term:
    keys = [index_key(a) for a in args if a is not None]
    condition, params = _in_list(keys)
    if len(keys) < len(args):
        condition, weight = f"({condition} OR {{0}} IS NULL)", _WEIGHT_PLAIN
    texts = () if negated or any(type(a) is not str for a in args) else tuple(args)
    return _Term(column, condition, params, _WEIGHT_PLAIN if negated else weight, negated, texts)


def _in_list(keys: list[Any]) -> tuple[str, tuple[Any, ...]]:
    if len(keys) <= _MANY:
        return f"{{0}} IN ({','.join('?' * len(keys))})", tuple(keys)
    if all(type(k) is int or (type(k) is str and "\0" not in k) for k in keys):
        return "{0} IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
    return f"{{0}} IN ({','.join(map(_literal, keys))})", ()


def _literal(key: Any) -> str:
    if isinstance(key, bytes):
        return f"x'{key.hex()}'"
    if isinstance(key, str):
        return f"CAST(x'{key.encode().hex()}' AS TEXT)"
    return "9e999" if key == math.inf else "-9e999" if key == -math.inf else repr(key)


def _comparison(
    column: Column, op: str, arg: Any, bounds: tuple[Any, Any], operators: Mapping[str, Any]
) -> _Term:
    """Compare within the type: in SQL ``k > 5`` also holds for every text and blob."""
    key, sign = index_key(arg), _SIGNS[op]
    other_side = any(
        o in _SIGNS and o[1] != op[1] and key_bounds(a) == bounds for o, a in operators.items()
    )
    if other_side and not column.multi:
        return _Term(column, f"{{0}}{sign}?", (key,), is_bound=True)
    limit = ("<", bounds[1]) if op.startswith("$g") else (">=", bounds[0])
    both = f"({{0}}{sign}? AND {{0}}{limit[0]}?)"
    return _Term(column, both, (key, limit[1]), is_bound=True)
