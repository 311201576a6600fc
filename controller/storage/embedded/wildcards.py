"""Indexes of every path below one, as MongoDB's wildcard index ``job.metadata.$**``.

Each value below the path has a key of its own in the side table: the rest of its path, and itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId

from controller.storage.embedded.values import index_key

SUFFIX = ".$**"
"""At the end of the path of an index of every path below."""
MANY = 200
"""Values that a document may have below the path; one with more has the key `UNREAD` only."""
UNREAD = "\0"
"""Key of a document that has to be read, whatever is looked for."""

_LONGEST = 100
"""Characters of a value in its key; of a longer one the key has a digest."""
_SCALARS = frozenset({str, int, float, Int64, bool, ObjectId, datetime})
_LIMIT = 1 << 63


def below(path: str) -> str | None:
    """Return the path of which a path of an index covers all below; None for any other."""
    return path.removesuffix(SUFFIX) if path.endswith(SUFFIX) else None


def leaf_key(path: str, value: Any) -> str | None:
    """Return the key of a value; None if it has none.

    Parameters
    ----------
    path
        From the index's path to the value, with dots.
    """
    if type(value) not in _SCALARS or value != value:
        return None
    key = index_key(value)
    if type(key) is bytes:
        text = f"x{key.hex()}"
    elif type(key) is str:
        text = f"s{key}"
    else:
        whole = -_LIMIT <= key < _LIMIT and key == int(key)
        text = f"n{int(key)}" if whole else f"n{key!r}"
    if len(text) > _LONGEST:
        text = "h" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{path}\0{text}"


def leaf_keys(value: Any) -> tuple[frozenset[str], bool]:
    """Return the keys of all values below a path, and whether there were too many of them.

    Parameters
    ----------
    value
        What is at the path.
    """
    keys: set[str] = set()
    for path, leaf in _leaves(value, ""):
        key = leaf_key(path, leaf)
        if key is not None:
            keys.add(key)
            if len(keys) > MANY:
                return frozenset({UNREAD}), True
    return frozenset(keys), False


def plain_leaf_keys(value: Any) -> tuple[frozenset[str], bool] | None:
    """As `leaf_keys`, of values that BSON may change; None if that might matter."""
    if not value and (value is None or type(value) is dict):
        return frozenset(), False
    return leaf_keys(value) if type(value) is dict and _is_plain(value) else None


def answers(path: str) -> bool:
    """Whether a path has keys; positions in arrays have none."""
    return not any(name.isdecimal() for name in path.split("."))


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return all(type(name) is str and _is_plain(member) for name, member in value.items())
    return kind in (str, int, bool, type(None))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if type(value) is dict:
        for name, member in value.items():
            if "." not in name:  # no path leads there
                yield from _leaves(member, f"{path}.{name}" if path else name)
    elif type(value) is list:
        for member in value:
            if type(member) is not list:  # as in MongoDB, paths enter one array only
                yield from _leaves(member, path)
    else:
        yield path, value
