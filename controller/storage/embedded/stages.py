"""The stages of a pipeline, checked before anything is read.

Unknown or malformed stages are errors even if no document would reach them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controller.config.suggestions import no_such
from controller.errors import ArgumentError, UnsupportedOperationError
from controller.storage.embedded.expressions import check_expression
from controller.storage.embedded.filters import compile_filter, whole_number
from controller.storage.embedded.projections import Projection
from controller.storage.embedded.updates import Update, flattened

ACCUMULATORS = (
    *("$sum", "$count", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet"),
)
_FLAGS = (bool, int, float)


def check_stages(stages: Any) -> None:
    """Raise if a pipeline (already normalised) is invalid.

    Raises
    ------
    ArgumentError
        A stage is malformed.
    UnsupportedOperationError
        A stage or an operator is outside the portable subset.
    """
    if type(stages) is not list or not all(type(s) is dict and len(s) == 1 for s in stages):
        raise ArgumentError("a pipeline is a list of stages with exactly one operator each")
    for stage in stages:
        ((op, arg),) = stage.items()
        check = _CHECKS.get(op)
        if check is None:
            raise UnsupportedOperationError(
                f"there is no stage {op} here", hint=no_such(op, _CHECKS)
            )
        check(arg)


def split_projection(spec: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what ``$project`` computes, and what it includes or excludes; both by path."""
    computed: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    for path, value in flattened(spec):
        (plain if type(value) in _FLAGS else computed)[".".join(path)] = value
    return computed, plain


def _dictionary(op: str, arg: Any) -> dict[str, Any]:
    if type(arg) is not dict or not arg:
        raise ArgumentError(f"{op} needs a dictionary that is not empty, not {arg!r}")
    return arg


def _name(op: str, value: Any) -> str:
    if type(value) is not str or not value or value.startswith("$"):
        raise ArgumentError(f"{op} needs the name of a field, not {value!r}")
    return value


def _sort(arg: Any) -> None:
    for path, way in _dictionary("$sort", arg).items():
        if whole_number(way) not in (1, -1):
            raise ArgumentError(
                f"$sort by {path} must be ascending (1) or descending (-1), not {way!r}"
            )


def _whole(op: str, least: int) -> Callable[[Any], None]:
    def check(arg: Any) -> None:
        number = whole_number(arg)
        if number is None or number < least:
            raise ArgumentError(f"{op} needs a whole number of at least {least}, not {arg!r}")

    return check


def _project(arg: Any) -> None:
    computed, plain = split_projection(_dictionary("$project", arg))
    if computed and any(not value for path, value in plain.items() if path != "_id"):
        raise ArgumentError("$project cannot exclude fields and compute others")
    Projection(plain)
    if computed:
        Update([{"$set": computed}])


def _unwind(arg: Any) -> None:
    options = arg if type(arg) is dict else {"path": arg}
    unknown = set(options) - {"path", "preserveNullAndEmptyArrays", "includeArrayIndex"}
    if unknown:
        raise UnsupportedOperationError(f"$unwind with {', '.join(sorted(unknown))}")
    path = options.get("path")
    if type(path) is not str or not path.startswith("$") or path.startswith("$$"):
        raise ArgumentError(f'$unwind needs a path such as "$field", not {path!r}')
    check_expression(path)
    if type(options.get("preserveNullAndEmptyArrays", False)) is not bool:
        raise ArgumentError("preserveNullAndEmptyArrays of $unwind must be true or false")
    if "includeArrayIndex" in options:
        _name("includeArrayIndex of $unwind", options["includeArrayIndex"])


def _replace_root(arg: Any) -> None:
    if set(_dictionary("$replaceRoot", arg)) != {"newRoot"}:
        raise ArgumentError("$replaceRoot needs a newRoot, and nothing else")
    check_expression(arg["newRoot"])


def _count(arg: Any) -> None:
    if "." in _name("$count", arg):
        raise ArgumentError(f"$count needs the name of a field, not {arg!r}")


def _lookup(arg: Any) -> None:
    if set(_dictionary("$lookup", arg)) != {"from", "localField", "foreignField", "as"}:
        raise UnsupportedOperationError("$lookup other than by localField and foreignField")
    for value in arg.values():
        _name("$lookup", value)


def _facet(arg: Any) -> None:
    for stages in _dictionary("$facet", arg).values():
        check_stages(stages)


def _group(arg: Any) -> None:
    if "_id" not in _dictionary("$group", arg):
        raise ArgumentError("$group needs an _id")
    check_expression(arg["_id"])
    for name, spec in arg.items():
        if name == "_id":
            continue
        if type(spec) is not dict or len(spec) != 1 or "." in name:
            raise ArgumentError(f"the field {name} of $group needs one accumulator")
        ((op, expression),) = spec.items()
        if op not in ACCUMULATORS:
            raise UnsupportedOperationError(
                f"there is no accumulator {op} here", hint=no_such(op, ACCUMULATORS)
            )
        if op == "$count" and expression != {}:
            raise ArgumentError("$count in $group takes {}")
        check_expression(expression)


_CHECKS: dict[str, Callable[[Any], object]] = {
    "$match": compile_filter,
    "$sort": _sort,
    "$limit": _whole("$limit", 1),
    "$skip": _whole("$skip", 0),
    "$project": _project,
    "$set": lambda arg: Update([{"$set": arg}]),
    "$addFields": lambda arg: Update([{"$addFields": arg}]),
    "$unset": lambda arg: Update([{"$unset": arg}]),
    "$unwind": _unwind,
    "$replaceRoot": _replace_root,
    "$replaceWith": check_expression,
    "$count": _count,
    "$group": _group,
    "$lookup": _lookup,
    "$facet": _facet,
}
