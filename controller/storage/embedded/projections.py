"""Which fields of a document are returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Any

from controller.errors import ArgumentError, FilterError, UnsupportedOperationError
from controller.storage.base import Projection as ProjectionSpec
from controller.storage.embedded.filters import element_test, split_path, whole_number


class Projection:
    """A checked projection.

    Parameters
    ----------
    spec
        Names to include, {path: 0 or 1}, or ``$slice``/``$elemMatch`` of a top-level array.
    """

    def __init__(self, spec: ProjectionSpec) -> None:
        given: dict[str, Any]
        if isinstance(spec, Mapping):
            given = dict(spec)
        else:
            given = dict.fromkeys(spec or (), 1) or {"_id": 1}
        self._with_id = bool(given.get("_id", True))
        self._tree: dict[str, Any] = {}
        self._special: dict[str, dict[str, Any]] = {}
        plain = {k: v for k, v in given.items() if k != "_id" and not isinstance(v, Mapping)}
        if any(
            not isinstance(v, (bool, int, float)) for v in given.values() if type(v) is not dict
        ):
            raise UnsupportedOperationError(f"the projection {given!r}")
        kinds = {bool(v) for v in plain.values()}
        if len(kinds) > 1:
            raise UnsupportedOperationError("a projection that includes and excludes")
        only_id = set(given) == {"_id"} and self._with_id
        matching = any("$elemMatch" in v for v in given.values() if isinstance(v, Mapping))
        self._include = kinds.pop() if kinds else matching or only_id
        for path, value in given.items():
            if isinstance(value, Mapping):
                self._add_special(path, value)
            if path != "_id" and (self._include or not isinstance(value, Mapping)):
                self._add(path)

    @property
    def names(self) -> list[str] | None:
        """The names that it includes; None unless that, and perhaps the ``_id``, is all it does."""
        if not self._include or self._special or any(self._tree.values()):
            return None
        return [*(["_id"] if self._with_id else []), *self._tree]

    @cached_property
    def ends(self) -> dict[str, int]:
        """{name: of how many last members of an array nothing else is wanted}."""
        sliced = {name: special.get("$slice") for name, special in self._special.items()}
        return {name: -arg for name, arg in sliced.items() if type(arg) is int and arg < 0}

    def paths(self) -> Iterator[str]:
        """Yield the paths that have to be read; "" is the whole document."""
        if not self._include:
            yield ""
            return
        yield from _leaves(self._tree, "")

    @property
    def excluded(self) -> set[str]:
        """Top-level names that need not be read, although everything else is."""
        if self._include:
            return set()
        return {name for name, below in self._tree.items() if below is None}

    def __call__(self, document: dict[str, Any]) -> dict[str, Any]:
        """Apply the projection to a document."""
        out = _walk(document, self._tree, self._include)
        if not self._with_id:
            out.pop("_id", None)
        elif self._include and "_id" in document:
            out = {"_id": document["_id"], **out}
        for name, (op, arg) in ((n, next(iter(s.items()))) for n, s in self._special.items()):
            value = out.get(name)
            if op == "$slice":
                if type(value) is list:
                    out[name] = _sliced(value, arg)
            elif type(value) is list and (found := _first_match(value, arg)):
                out[name] = found
            else:
                out.pop(name, None)
        return out

    def _add_special(self, path: str, value: Mapping[str, Any]) -> None:
        if len(value) != 1 or next(iter(value)) not in ("$slice", "$elemMatch") or "." in path:
            raise UnsupportedOperationError(f"the projection {path}: {dict(value)}")
        self._special[path] = dict(value)
        if "$elemMatch" in value:
            if type(value["$elemMatch"]) is not dict:
                raise FilterError("$elemMatch needs a filter")
            element_test(value["$elemMatch"])
        else:
            _check_slice(value["$slice"])

    def _add(self, path: str) -> None:
        node = self._tree
        *way, last = split_path(path)
        for name in way:
            below = node.setdefault(name, {})
            if below is None:
                raise UnsupportedOperationError(f"a projection of {path} and of its parent")
            node = below
        node[last] = None


def projection_of(spec: ProjectionSpec) -> Projection:
    """Return a checked projection; of the same few, which are wanted again and again, the same."""
    items = spec.items() if isinstance(spec, Mapping) else zip(spec or (), repeat(1))
    known = tuple(items)
    if any(type(name) is not str or type(value) is not int for name, value in known):
        return Projection(spec)
    return _checked(known)


@lru_cache(maxsize=256)
def _checked(known: tuple[tuple[str, int], ...]) -> Projection:
    return Projection(dict(known or [("_id", 1)]))


_BELOW: dict[str, Any] = {}


def _leaves(tree: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, below in tree.items():
        if below is None:
            yield prefix + name
        else:
            yield from _leaves(below, f"{prefix}{name}.")


def _walk(value: dict[str, Any], tree: dict[str, Any], include: bool) -> dict[str, Any]:
    if include:  # of a job's many fields a few, for each of many jobs
        out = {name: member for name, member in value.items() if name in tree}
    else:
        out = {n: v for n, v in value.items() if tree.get(n, _BELOW) is not None}
    for name, below in tree.items():
        if below is None or name not in out:
            continue
        member = out[name]
        if type(member) is dict:
            out[name] = _walk(member, below, include)
        elif type(member) is list:
            out[name] = _walk_list(member, below, include)
        elif include:
            del out[name]
    return out


def _walk_list(values: list[Any], tree: dict[str, Any], include: bool) -> list[Any]:
    out: list[Any] = []
    for value in values:
        if type(value) is dict:
            out.append(_walk(value, tree, include))
        elif type(value) is list:
            out.append(_walk_list(value, tree, include))
        elif not include:
            out.append(value)
    return out


def _check_slice(arg: Any) -> None:
    numbers = arg if type(arg) is list else [arg]
    fits = None not in map(whole_number, numbers)
    if not fits or (type(arg) is list and (len(arg) != 2 or arg[1] <= 0)):
        raise ArgumentError(f"$slice needs a number, or [skip, number beyond 0], not {arg!r}")


def _sliced(values: list[Any], arg: Any) -> list[Any]:
    if type(arg) is not list:
        return values[: int(arg)] if arg >= 0 else values[int(arg) :]
    skip, count = map(int, arg)
    start = skip if skip >= 0 else max(len(values) + skip, 0)
    return values[start : start + count]


def _first_match(values: list[Any], arg: Any) -> list[Any]:
    test = element_test(arg)
    return next(([value] for value in values if test(value)), [])
