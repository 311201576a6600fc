"""MongoDB's updates, applied to plain dictionaries in place."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from controller.errors import ArgumentError, UnsupportedOperationError
from controller.storage.embedded.expressions import evaluate, expression_paths
from controller.storage.embedded.filters import Path, element_test, is_operators, split_path
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
_ONLY_WHERE_PRESENT = {"$unset", "$pull", "$rename"}


@dataclass(frozen=True)
class _Step:
    path: Path
    op: str
    arg: Any
    computed: bool = False  # the argument is an expression


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
            self._stages = [list(_stage_steps(stage)) for stage in spec]

    def paths(self) -> Iterator[str]:
        """Yield the paths that the update reads or writes; "" is the whole document."""
        for stage in self._stages:
            for step in stage:
                yield ".".join(step.path)
                if step.op == "$rename":
                    yield step.arg
                if step.computed:
                    yield from expression_paths(step.arg)

    def apply(self, document: dict[str, Any], *, inserting: bool = False) -> None:
        """Change a document in place.

        Parameters
        ----------
        inserting
            Whether the document comes into being by an upsert, so that ``$setOnInsert`` counts.
        """
        before = document.get("_id", MISSING)
        for stage in self._stages:
            ready = [(s, evaluate(s.arg, document)) if s.computed else (s, s.arg) for s in stage]
            for step, arg in ready:
                if step.op != "$setOnInsert" or inserting:
                    _apply(document, step.path, step.op, arg)
        if before is not MISSING and not equal(before, document.get("_id", MISSING)):
            raise ArgumentError("an update cannot change _id")


def replacement(document: Mapping[str, Any]) -> dict[str, Any]:
    """Check a document that takes the place of another."""
    if any(key.startswith("$") for key in document):
        raise ArgumentError("a replacement cannot hold update operators")
    return dict(document)


def seed_of_upsert(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that an upsert starts from: what the filter says to be equal."""
    seed: dict[str, Any] = {}
    for key, value in query.items():
        if key == "$and":
            for part in value:
                seed.update(seed_of_upsert(part))
        elif not key.startswith("$"):
            if is_operators(value):
                if "$eq" not in value:
                    continue
                value = value["$eq"]
            _apply(seed, split_path(key), "$set", copy.deepcopy(value))
    return seed


def _operator_steps(spec: Mapping[str, Any]) -> list[_Step]:
    if not spec or not all(key.startswith("$") for key in spec):
        raise ArgumentError("an update needs operators such as $set")
    steps = []
    for op, fields in spec.items():
        if op not in _OPERATORS:
            raise UnsupportedOperationError(f"the update operator {op}")
        if type(fields) is not dict:
            raise ArgumentError(f"{op} needs a dictionary of fields")
        if op == "$currentDate":
            op, fields = "$set", _present_time(fields)
        steps += [_Step(_checked_path(key), op, arg) for key, arg in fields.items()]
    # MongoDB creates new fields in the order of their paths, numbers by value.
    steps.sort(key=lambda s: [(0, int(n), "") if n.isdigit() else (1, 0, n) for n in s.path])
    for first, second in pairwise(steps):
        if second.path[: len(first.path)] == first.path:
            a, b = ".".join(first.path), ".".join(second.path)
            raise ArgumentError(f"the update changes {b} twice (also through {a})")
    return steps


def _present_time(fields: Mapping[str, Any]) -> dict[str, datetime]:
    """Return what ``$currentDate`` sets: one time for all fields and documents of an update."""
    for arg in fields.values():
        if arg is not True and arg != {"$type": "date"}:
            raise UnsupportedOperationError(f"$currentDate {arg!r}")
    now = datetime.now(UTC).replace(tzinfo=None)
    return dict.fromkeys(fields, now.replace(microsecond=now.microsecond // 1000 * 1000))


def _stage_steps(stage: Mapping[str, Any]) -> Iterator[_Step]:
    if len(stage) != 1:
        raise ArgumentError("a stage of an update pipeline has exactly one operator")
    ((op, arg),) = stage.items()
    if op in ("$set", "$addFields"):
        for path, expression in _flattened(arg, ()):
            yield _Step(path, "$set", expression, computed=True)
    elif op == "$unset":
        for name in [arg] if type(arg) is str else arg:
            yield _Step(_checked_path(name), "$unset", None)
    else:
        raise UnsupportedOperationError(f"{op} in an update pipeline")


def _flattened(fields: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in fields.items():
        path = at + _checked_path(key)
        if type(value) is dict and value and not is_operators(value):
            yield from _flattened(value, path)  # {a: {b: 1}} merges into a, as "a.b" does
        else:
            yield path, value


def _checked_path(key: str) -> Path:
    path = split_path(key)
    if not all(path):
        raise ArgumentError(f"the path {key!r} has an empty part")
    if any(name.startswith("$") for name in path):
        raise UnsupportedOperationError(f"the positional path {key!r}")
    return path


def _apply(document: dict[str, Any], path: Path, op: str, arg: Any) -> None:
    box: Any = document
    create = op not in _ONLY_WHERE_PRESENT and arg is not MISSING
    for name in path[:-1]:
        old = _member(box, name, create)
        if old is MISSING:
            if not create:
                return
            old = {}
            _put(box, name, old)
        box = old
    name = path[-1]
    old = _member(box, name, create)
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
        if not name.isdigit():
            if create:
                raise ArgumentError(f"cannot create the field {name!r} in an array")
            return MISSING
        return box[int(name)] if int(name) < len(box) else MISSING
    if create:
        raise ArgumentError(f"cannot create the field {name!r} in a {type(box).__name__}")
    return MISSING


def _put(box: Any, name: str, value: Any) -> None:
    if type(box) is dict:
        box[name] = value
        return
    position = int(name)
    box.extend([None] * (position + 1 - len(box)))
    box[position] = value


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
    if type(arg) not in NUMBERS:
        raise ArgumentError(f"{op} needs a number, not {arg!r}")
    if old is MISSING:
        return arg if op == "$inc" else arg * 0
    if type(old) not in NUMBERS:
        raise ArgumentError(f"{op} cannot change {old!r}")
    new = old + arg if op == "$inc" else old * arg
    if isinstance(new, int) and not -(1 << 63) <= new < 1 << 63:
        raise ArgumentError(f"{op} leaves the range of 64-bit integers")
    return new


def _changed_array(op: str, old: Any, arg: Any) -> Any:
    if old is MISSING:
        if op == "$pull":
            return MISSING
        old = []
    if type(old) is not list:
        raise ArgumentError(f"{op} needs an array, not {type(old).__name__}")
    if op == "$pull":
        return [x for x in old if not _pull_test(arg, x)]
    modified = type(arg) is dict and "$each" in arg
    new = arg["$each"] if modified else [arg]
    if op == "$addToSet":
        merged = list(old)
        for value in new:
            if not any(equal(value, known) for known in merged):
                merged.append(value)
        return merged
    options: Mapping[str, Any] = arg if modified else {}
    unknown = set(options) - {"$each", "$position", "$slice"}
    if unknown:
        raise UnsupportedOperationError(f"$push with {', '.join(sorted(unknown))}")
    at = options.get("$position", len(old))
    grown = [*old[:at], *new, *old[at:]]
    if "$slice" not in options:
        return grown
    keep = options["$slice"]
    return grown[:keep] if keep >= 0 else grown[keep:]


def _pull_test(arg: Any, element: Any) -> bool:
    if type(arg) is dict and (is_operators(arg) or type(element) is dict):
        return element_test(arg)(element)
    return type(arg) is not dict and equal(arg, element)


def is_pipeline(spec: Any) -> bool:
    """Whether an update is a pipeline of stages."""
    return isinstance(spec, Sequence) and not isinstance(spec, (str, bytes))
