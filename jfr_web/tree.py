"""Values as folding trees, cut to what a page can hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.tables.formats import cell_text

MOST_NODES = 1500
"""Maximum number of nodes in a tree; further ones are only counted."""
MOST_CHILDREN = 200
_SHORT = 12
_LONGEST = 2000
_OPEN_DEPTH = 1


@dataclass
class Node:
    """A value.

    Attributes
    ----------
    key
        Its name or number.
    text
        The value, or a short description of it.
    kind
        text, number or word.
    children
        The values in it.
    left_out
        Number of children that are not shown.
    open
        Whether it is unfolded initially.
    """

    key: str
    text: str
    kind: str = "word"
    children: list[Node] = field(default_factory=list)
    left_out: int = 0
    open: bool = False


def tree(value: Any, key: str = "") -> Node:
    """Return a value as a tree; only the beginning of a very large one."""
    return _node(key, value, [MOST_NODES], 0)


def _node(key: str, value: Any, budget: list[int], depth: int) -> Node:
    budget[0] -= 1
    if isinstance(value, Mapping):
        known = value.get("@class")
        text = f"{known}, " if isinstance(known, str) else ""
        return _parent(
            key, f"{text}{_number(len(value), 'key')}", list(value.items()), budget, depth
        )
    if isinstance(value, (list, tuple)):
        if len(value) <= _SHORT and all(_is_number(part) for part in value):
            return Node(key, f"[{', '.join(f'{part:g}' for part in value)}]", "number")
        return _parent(key, _number(len(value), "item"), list(enumerate(value)), budget, depth)
    if _is_number(value):
        return Node(key, repr(value), "number")
    if value is None or isinstance(value, bool):
        return Node(key, "null" if value is None else str(value).lower())
    text = value if isinstance(value, str) else cell_text(value)
    more = len(text) - _LONGEST
    return Node(key, text if more <= 0 else f"{text[:_LONGEST]}… ({more} more characters)", "text")


def _parent(
    key: str, text: str, items: list[tuple[Any, Any]], budget: list[int], depth: int
) -> Node:
    node = Node(key, text, open=depth <= _OPEN_DEPTH)
    for number, (name, value) in enumerate(items):
        if budget[0] <= 0 or number >= MOST_CHILDREN:
            node.left_out = len(items) - number
            break
        node.children.append(_node(str(name), value, budget, depth + 1))
    return node


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
