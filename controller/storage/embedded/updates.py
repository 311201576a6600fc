"""MongoDB's updates, applied to plain dictionaries in place."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

from bson import Regex

from controller.errors import ArgumentError, UnsupportedOperationError
from controller.storage.embedded.expressions import (
    check_expression,
    evaluate,
    expression_paths,
    of_kind,
)
from controller.storage.embedded.filters import (
    Path,
    element_test,
    is_operators,
    position,
    split_path,
    whole_number,
)
from controller.storage.embedded.values import MISSING, NUMBERS, equal, sort_key

_OPERATORS = {
    "$set",
    "$unset",
    "$inc",
    "$mul",
    "$min",
    "$max",
    "$push",
    "$pull",
    "$addToSet",
    "$setOnInsert",
    "$currentDate",
    "$rename",
}
_MODIFIERS = {"$each", "$position", "$slice", "$sort"}
_MOST_NULLS = 1_500_000
"""Maximum number of nulls with which a server fills an array."""
_ONLY_WHERE_PRESENT = {"$unset", "$pull", "$rename"}


@dataclass(frozen=True)
class _Step:
    path: Path
    op: str
    arg: Any
    computed: bool = False  # the argument is an expression
    mapped: bool = False  # the path runs through arrays, as paths in pipelines do


class Update:
    """A checked update.

    Parameters
    ----------
    spec
        Update operators, or a pipeline of ``$set`` and ``$unset`` stages; already normalised.

    Raises
    ------
    ArgumentError
        Operators are missing, malformed, or contradict each other.
    UnsupportedOperationError
        An operator outside the portable subset.
    """

    def __init__(self, spec: Any) -> None:
        self._stages: list[list[_Step]]
        if isinstance(spec, Mapping):
            self._stages = [_operator_steps(spec)]
        else:
            self._stages = [_stage_steps(stage) for stage in spec]

    def paths(self) -> Iterator[str]:
        """Yield the paths that the update reads or writes; "" is the whole document."""
        for stage in self._stages:
            for step in stage:
                yield ".".join(step.path)
                if step.op == "$rename":
                    yield step.arg
                if step.computed:
                    yield from expression_paths(step.arg)

    def constants(self) -> dict[str, Any]:
        """Return {name: value} of the names that it sets to a value, no dictionary or list."""
        steps = [step for stage in self._stages for step in stage]
        if any(step.computed or step.mapped or step.op == "$rename" for step in steps):
            return {}
        return {
            step.path[0]: step.arg
            for step in steps
            if step.op == "$set" and len(step.path) == 1 and type(step.arg) not in (dict, list)
        }

    def apply(self, document: dict[str, Any], *, inserting: bool = False) -> None:
        """Change a document in place.

        Parameters
        ----------
        inserting
            Whether an upsert creates the document, so that ``$setOnInsert`` applies.
        """
        before = document.get("_id", MISSING)
        for stage in self._stages:
            ready = [(s, _computed(s.arg, document)) if s.computed else (s, s.arg) for s in stage]
            for step, arg in ready:
                if step.mapped and step.op == "$unset":
                    _unmap(document, step.path)
                elif step.mapped:
                    _map(document, step.path, arg)
                elif step.op != "$setOnInsert" or inserting:
                    _apply(document, step.path, step.op, arg)
        if before is not MISSING and not equal(before, document.get("_id", MISSING)):
            raise ArgumentError("an update cannot change _id")


def replacement(document: Mapping[str, Any]) -> dict[str, Any]:
    """Check a document that replaces another."""
    if any(key.startswith("$") for key in document):
        raise ArgumentError("a replacement cannot contain update operators")
    return dict(document)


def seed_of_upsert(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that an upsert starts from: the equality conditions of the filter.

    Raises
    ------
    ArgumentError
        It has two conditions on one path.
    """
    seed: dict[str, Any] = {}
    for first, second in pairwise(sorted(path for path, _ in _equalities(query))):
        if second[: len(first)] == first:
            raise ArgumentError(f"the filter of an upsert has two conditions on {'.'.join(first)}")
    for path, value in _equalities(query):
        _apply(seed, path, "$set", copy.deepcopy(value))
    return seed


def _equalities(query: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield (path, value) of the equality conditions of a filter, including lists of one value."""
    for key, value in query.items():
        if key == "$and" or (key == "$or" and len(value) == 1):
            for part in value:
                yield from _equalities(part)
        elif key.startswith("$") or type(value) is Regex:
            continue
        elif not is_operators(value):
            yield split_path(key), value
        else:
            for op, arg in value.items():
                many = arg if op == "$all" or (op == "$in" and len(arg) == 1) else []
                for wanted in [arg] if op == "$eq" else many:
                    if type(wanted) is not Regex and not is_operators(wanted):
                        yield split_path(key), wanted


def _operator_steps(spec: Mapping[str, Any]) -> list[_Step]:
    if not spec or not all(key.startswith("$") for key in spec):
        raise ArgumentError("an update needs operators such as $set")
    if len(spec) == 1 and type(spec.get("$set")) is dict:  # most of them, and alike
        return [
            _Step(path, "$set", spec["$set"][key]) for key, path in _set_paths((*spec["$set"],))
        ]
    steps = []
    for op, fields in spec.items():
        if op not in _OPERATORS:
            raise UnsupportedOperationError(f"the update operator {op}")
        if type(fields) is not dict:
            raise ArgumentError(f"{op} needs a dictionary of fields")
        if op == "$currentDate":
            op, fields = "$set", _present_time(fields)
        steps += [_checked_step(_checked_path(key), op, arg) for key, arg in fields.items()]
    # MongoDB creates new fields in the order of their paths, numbers by value.
    steps.sort(key=lambda s: _order(s.path))
    targets = [_checked_path(s.arg) for s in steps if s.op == "$rename"]
    _refuse_overlap([*(s.path for s in steps), *targets])
    return steps


@lru_cache(maxsize=256)
def _set_paths(keys: tuple[str, ...]) -> list[tuple[str, Path]]:
    """Check the keys of a ``$set``; returns each with its path, in MongoDB's order."""
    paths = sorted(((key, _checked_path(key)) for key in keys), key=lambda pair: _order(pair[1]))
    _refuse_overlap([path for _, path in paths])
    return paths


def _order(path: Path) -> list[tuple[int, int, str]]:
    return [(1, 0, n) if (at := position(n)) is None else (0, at, "") for n in path]


def _refuse_overlap(paths: Iterable[Path]) -> None:
    for first, second in pairwise(sorted(paths, key=_order)):
        if second[: len(first)] == first:
            a, b = ".".join(first), ".".join(second)
            raise ArgumentError(f"the update changes {b} twice (also through {a})")


def _checked_step(path: Path, op: str, arg: Any) -> _Step:
    if op in ("$inc", "$mul") and type(arg) not in NUMBERS:
        raise ArgumentError(f"{op} needs a number, not {arg!r}")
    if op == "$rename" and type(arg) is not str:
        raise ArgumentError(f"$rename needs the new name of {'.'.join(path)}, not {arg!r}")
    if op in ("$push", "$addToSet") and type(arg) is dict and _MODIFIERS & set(arg):
        _check_modifiers(op, arg)
    if op == "$pull":
        _pull_test(arg)
    return _Step(path, op, arg)


def _check_modifiers(op: str, arg: Mapping[str, Any]) -> None:
    if type(arg.get("$each")) is not list:
        raise ArgumentError(f"{op} with {next(iter(arg))} needs a list as $each")
    unknown = set(arg) - ({"$each", "$position", "$slice"} if op == "$push" else {"$each"})
    if unknown:
        raise UnsupportedOperationError(f"{op} with {', '.join(sorted(unknown))}")
    for name in ("$position", "$slice"):
        if name in arg and whole_number(arg[name]) is None:
            raise ArgumentError(f"{name} needs a whole number, not {arg[name]!r}")


def _present_time(fields: Mapping[str, Any]) -> dict[str, datetime]:
    """Return what ``$currentDate`` sets: one time for all fields and documents of an update."""
    for arg in fields.values():
        if arg is not True and arg != {"$type": "date"}:
            raise UnsupportedOperationError(f"$currentDate {arg!r}")
    now = datetime.now(UTC).replace(tzinfo=None)
    return dict.fromkeys(fields, now.replace(microsecond=now.microsecond // 1000 * 1000))


def _stage_steps(stage: Any) -> list[_Step]:
    if type(stage) is not dict or len(stage) != 1:
        raise ArgumentError("a stage of an update pipeline must have exactly one operator")
    ((op, arg),) = stage.items()
    if op in ("$set", "$addFields"):
        if type(arg) is not dict or not arg:
            raise ArgumentError(f"{op} needs a dictionary of fields")
        steps = [
            _Step(path, "$set", expression, computed=True, mapped=True)
            for path, expression in flattened(arg)
        ]
    elif op == "$unset":
        names = arg if type(arg) is list else [arg]
        if not names or not all(type(name) is str and name for name in names):
            raise ArgumentError("$unset in a pipeline needs names of fields")
        steps = [_Step(_checked_path(name), "$unset", MISSING, mapped=True) for name in names]
    else:
        raise UnsupportedOperationError(f"{op} in an update pipeline")
    _refuse_overlap(step.path for step in steps)
    for step in steps:
        check_expression(step.arg)
    return steps


def flattened(fields: Mapping[str, Any], at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield (path, value) of nested fields: in pipelines {a: {b: 1}} is {"a.b": 1}."""
    for key, value in fields.items():
        path = at + _checked_path(key)
        if type(value) is dict and value and not is_operators(value):
            yield from flattened(value, path)
        else:
            yield path, value


def _checked_path(key: str) -> Path:
    path = split_path(key)
    if not all(path):
        raise ArgumentError(f"the path {key!r} has an empty part")
    if any(name.startswith("$") for name in path):
        raise UnsupportedOperationError(f"the positional path {key!r}")
    return path


def _computed(expression: Any, document: Any) -> Any:
    """Return an independent copy of a value, because the document will change.

    An error is returned as well: it only matters if the value can be placed.
    """
    try:
        value = evaluate(expression, document)
    except ArgumentError as error:
        return error
    return copy.deepcopy(value) if type(value) in (dict, list) else value


def _map(value: Any, path: Path, new: Any) -> Any:
    """Set the value at a path, in each member of arrays on the way; MISSING removes it.

    A scalar on the way is replaced by a dictionary, as in pipelines.
    """
    if type(value) is list:
        value[:] = [_map(member, path, new) for member in value]
        return value
    if type(value) is not dict:
        value = {}
    name, below = path[0], path[1:]
    if below:
        value[name] = _map(value.get(name, MISSING), below, new)
    elif isinstance(new, ArgumentError):
        raise new
    elif new is MISSING:
        value.pop(name, None)
    else:  # each member of an array has its own
        value[name] = copy.deepcopy(new) if type(new) in (dict, list) else new
    return value


def _unmap(value: Any, path: Path) -> None:
    """Remove the value at a path, in each member of arrays on the way; scalars stay unchanged."""
    if type(value) is list:
        for member in value:
            _unmap(member, path)
    elif type(value) is dict and len(path) > 1:
        _unmap(value.get(path[0]), path[1:])
    elif type(value) is dict:
        value.pop(path[0], None)


def _apply(document: dict[str, Any], path: Path, op: str, arg: Any) -> None:
    box: Any = document
    create = op not in _ONLY_WHERE_PRESENT and arg is not MISSING
    strict = create or op == "$rename"  # the others treat a broken path as missing
    for name in path[:-1]:
        old = _member(box, name, strict)
        if old is MISSING:
            if not create:
                return
            old = {}
            _put(box, name, old)
        box = old
    name = path[-1]
    old = _member(box, name, strict)
    if old is MISSING and not create:
        return
    if op == "$rename":
        if type(box) is not dict:
            raise UnsupportedOperationError("$rename of an array's element")
        _apply(document, _checked_path(arg), "$set", box.pop(name))
        return
    new = MISSING if op == "$unset" else _changed(op, old, arg)
    if new is not MISSING:
        _put(box, name, new)
    elif type(box) is dict:
        box.pop(name, None)
    else:
        raise UnsupportedOperationError("$unset of an array's element")


def _member(box: Any, name: str, create: bool) -> Any:
    if type(box) is dict:
        return box.get(name, MISSING)
    if type(box) is list:
        place = position(name)
        if place is None:
            if create:
                raise ArgumentError(f"there is no field {name!r} in an array")
            return MISSING
        return box[place] if place < len(box) else MISSING
    if create:
        raise ArgumentError(f"there is no field {name!r} in a {type(box).__name__}")
    return MISSING


def _put(box: Any, name: str, value: Any) -> None:
    if type(box) is dict:
        box[name] = value
        return
    place = int(name)
    if place - len(box) > _MOST_NULLS:
        raise ArgumentError(f"cannot fill an array with nulls up to position {place}")
    box.extend([None] * (place + 1 - len(box)))
    box[place] = value


def _changed(op: str, old: Any, arg: Any) -> Any:
    if op in ("$set", "$setOnInsert"):
        return arg
    if op in ("$inc", "$mul"):
        return _arithmetic(op, old, arg)
    if op in ("$min", "$max"):
        if old is MISSING:
            return arg
        smaller = sort_key(arg) < sort_key(old)
        return arg if smaller == (op == "$min") and not equal(arg, old) else old
    return _changed_array(op, old, arg)


def _arithmetic(op: str, old: Any, arg: Any) -> Any:
    if old is MISSING:
        return arg if op == "$inc" else of_kind(arg * 0, [arg])
    if type(old) not in NUMBERS:
        raise ArgumentError(f"{op} cannot change {old!r}")
    new = old + arg if op == "$inc" else old * arg
    if isinstance(new, int) and not -(1 << 63) <= new < 1 << 63:
        raise ArgumentError(f"{op} exceeds the range of 64-bit integers")
    return of_kind(new, [old, arg])


def _changed_array(op: str, old: Any, arg: Any) -> Any:
    if old is MISSING:
        if op == "$pull":
            return MISSING
        old = []
    if type(old) is not list:
        raise ArgumentError(f"{op} needs an array, not {type(old).__name__}")
    if op == "$pull":
        test = _pull_test(arg)
        return [x for x in old if not test(x)]
    modified = type(arg) is dict and "$each" in arg
    new = arg["$each"] if modified else [arg]
    if op == "$addToSet":
        merged = list(old)
        for value in new:
            if not any(equal(value, known) for known in merged):
                merged.append(value)
        return merged
    options: Mapping[str, Any] = arg if modified else {}
    at = int(options.get("$position", len(old)))
    grown = [*old[:at], *new, *old[at:]]
    if "$slice" not in options:
        return grown
    keep = int(options["$slice"])
    return grown[:keep] if keep >= 0 else grown[keep:]


def _pull_test(arg: Any) -> Callable[[Any], bool]:
    if type(arg) is Regex:
        arg = {"$regex": arg}
    if type(arg) is not dict:
        return lambda element: equal(arg, element)
    test = element_test(arg)
    return test if is_operators(arg) else lambda element: type(element) is dict and test(element)


def is_pipeline(spec: Any) -> bool:
    """Whether an update is a pipeline of stages."""
    return isinstance(spec, Sequence) and not isinstance(spec, (str, bytes))
