"""Plans of filters that differ only in their values: planned once, then filled in.

A runner asks the same few questions thousands of times, of other jobs each time, and to translate a
filter takes longer than to answer it. The shape of a filter is what it looks like with its values
left out. Its plan is made twice, with two sets of marks for the values: what is the same in both is
constant, and what is made of a mark in a known way is made of the value instead. A plan in which
anything else differs is not reused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from controller.storage.embedded.layout import Table, pair_key
from controller.storage.embedded.planner import Condition, Plan, plan_filter
from controller.storage.embedded.values import index_key

_MOST = 500
"""Shapes that are remembered of a collection."""
_LONGEST = 20
"""Values of a list: of longer ones hardly two have the same length."""
_KINDS = (str, ObjectId, datetime)
"""Types of the values that are left out."""
_CONSTANT = (int, bool, type(None))
_COMPARING = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
_ALTERNATIVES = ("$and", "$or", "$nor")

Shape = tuple[Any, ...]


class Known:
    """A filter (normalised), taken apart.

    Parameters
    ----------
    query
        The filter.

    Attributes
    ----------
    shape
        What it looks like with its values left out; None if its plan cannot be reused. A filter
        that has a shape is valid.
    values
        The values, in their order.
    """

    def __init__(self, query: Mapping[str, Any]) -> None:
        self._query = query
        self.values: list[Any] = []
        self.shape = _shape(query, self.values)

    def plan(self, table: Table) -> Plan:
        """Return what `plan_filter` does."""
        shape, values = self.shape, self.values
        if shape is None:
            return plan_filter(table, self._query)
        if shape in table.plans:
            made = table.plans[shape]
        else:
            if len(table.plans) >= _MOST:
                table.plans.clear()
            made = table.plans[shape] = _template(table, self._query)
        return plan_filter(table, self._query) if made is None else made.filled(values)


def _shape(query: Mapping[str, Any], values: list[Any]) -> Shape | None:
    parts: list[Any] = []
    for key, value in query.items():
        if key in _ALTERNATIVES:
            part = _shape_of_list(value, values)
        elif key[:1] == "$":
            return None
        elif type(value) is dict:
            part = _shape_of_operators(value, values)
        else:
            part = _shape_of_value(value, values)
        if part is None:
            return None
        parts.append((key, part))
    return tuple(parts)


def _shape_of_list(given: Any, values: list[Any]) -> Shape | None:
    if type(given) is not list or not given or any(type(one) is not dict for one in given):
        return None
    parts = [_shape(one, values) for one in given]
    return None if None in parts else tuple(parts)


def _shape_of_operators(given: Mapping[str, Any], values: list[Any]) -> Shape | None:
    parts: list[Any] = []
    for operator, arg in given.items():
        if operator in _COMPARING or (operator == "$exists" and type(arg) in _CONSTANT):
            part = _shape_of_value(arg, values)
        elif operator in ("$in", "$nin") and type(arg) is list and len(arg) <= _LONGEST:
            members = [_shape_of_value(one, values) for one in arg]
            part = None if None in members else tuple(members)
        else:
            return None
        if part is None:
            return None
        parts.append((operator, part))
    return tuple(parts) or None


def _shape_of_value(value: Any, values: list[Any]) -> Shape | None:
    kind = type(value)
    if kind in _CONSTANT:
        return (kind, value)
    if kind not in _KINDS or (kind is str and "\0" in value):
        return None
    values.append(value)
    return (kind,)


class _Template:
    """A plan with places for values.

    Parameters
    ----------
    plan
        It, with marks for the values.
    params
        For the parameters of the plan and of each condition twice (`Condition.params`,
        `Condition.rows_params`), how they are made.
    """

    def __init__(self, plan: Plan, params: Sequence[Sequence[Any]]) -> None:
        self._plan, self._params = plan, params

    def filled(self, values: Sequence[Any]) -> Plan:
        """Return the plan for these values."""
        keys = [value if type(value) is str else index_key(value) for value in values]
        made = [tuple([how(keys) for how in recipe]) for recipe in self._params]
        plan, number = self._plan, 1
        conditions = []
        for c in plan.conditions:
            params, rows = made[number], made[number + 1]
            number += 2
            conditions.append(
                Condition(
                    *(c.column, c.of_row, params, c.rows, rows),
                    bound=c.bound,
                    is_equality=c.is_equality,
                    is_selective=c.is_selective,
                    scans=c.scans,
                )
            )
        return Plan(plan.sql, made[0], plan.exact, tuple(conditions))


def _template(table: Table, query: Mapping[str, Any]) -> _Template | None:
    """Make a plan that can be filled in; None where that cannot be done for certain."""
    marks = [_Marks(7), _Marks(8)]
    first, second = (plan_filter(table, one.put(query)) for one in marks)
    if _rest(first) != _rest(second):
        return None
    recipes = []
    for some, others in zip(_all_params(first), _all_params(second)):
        recipe = [_how(a, b, marks) for a, b in zip(some, others)]
        if len(some) != len(others) or None in recipe:
            return None
        recipes.append(recipe)
    return _Template(first, recipes)


def _all_params(plan: Plan) -> list[Sequence[Any]]:
    return [plan.params, *(p for c in plan.conditions for p in (c.params, c.rows_params))]


def _rest(plan: Plan) -> list[Any]:
    """All of a plan but its parameters."""
    told = [
        (c.column, c.of_row, c.rows, c.bound, c.is_equality, c.is_selective, c.scans)
        for c in plan.conditions
    ]
    return [plan.sql, plan.exact, told]


def _how(first: Any, second: Any, marks: Sequence[_Marks]) -> Any:
    """Return what makes a parameter of the keys of values; None where that is not known."""
    if type(first) is type(second) and first == second:
        return lambda keys: first
    where = [one.places(param) for one, param in zip(marks, (first, second))]
    if where[0] is None or where[0] != where[1]:
        return None
    kind, place, other = where[0]
    if kind == "pair":
        return lambda keys: pair_key(keys[place], keys[other])
    if kind == "bytes":
        return lambda keys: keys[place].encode() + b"\0"
    return lambda keys: keys[place]


class _Marks:
    """Values that stand for others and can be told from each other and from all else.

    Parameters
    ----------
    number
        The number of the set of marks.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._texts: list[str] = []
        self._known: dict[Any, tuple[str, int, int]] = {}

    def put(self, value: Any) -> Any:
        """Return a filter with marks in place of its values, in the order of `Known.values`."""
        kind = type(value)
        if kind is dict:
            return {key: self.put(one) for key, one in value.items()}
        if kind is list:
            return [self.put(one) for one in value]
        return self._mark(kind) if kind in _KINDS else value

    def _mark(self, kind: type) -> Any:
        place = len(self._texts)
        text = f"\x02{self._number}.{place}\x03"
        self._texts.append(text)
        if kind is str:
            self._known[text.encode() + b"\0"] = ("bytes", place, 0)
            self._known[text] = ("value", place, 0)
            return text
        if kind is ObjectId:
            mark: Any = ObjectId(bytes([self._number] * 8) + place.to_bytes(4, "big"))
        else:
            mark = datetime(1900 + self._number, 1, 1) + timedelta(days=place)
        self._known[index_key(mark)] = ("value", place, 0)
        return mark

    def places(self, param: Any) -> tuple[str, int, int] | None:
        """Return how a parameter is made of marks, and of which; None where it is not."""
        if type(param) not in (str, bytes):
            return None
        if (found := self._known.get(param)) is not None:
            return found
        if type(param) is str and param.count("\0") == 1:
            one, other = (self._known.get(part) for part in param.split("\0"))
            if one and other and pair_key(self._texts[one[1]], self._texts[other[1]]) == param:
                return "pair", one[1], other[1]
        return None
