"""What the code says in one place only: who wants it imports it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import pytest
from test_layers import MODULES, nodes_of

Said = Callable[[ast.AST], bool]


def _is_state(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Attribute) and node.attr == "value":
        node = node.value
    return isinstance(node, ast.Attribute) and node.attr in names


def not_started(node: ast.AST) -> bool:
    """{READY, WAITING}, as a collection of its own or within a larger one."""
    if not isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return False
    # A mapping of short names, or a list of every state, is no statement about these two.
    return len(node.elts) == 2 and all(_is_state(e, {"READY", "WAITING"}) for e in node.elts)


def flow_of_a_job(node: ast.AST) -> bool:
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Subscript):
        return False
    return ast.unparse(node).endswith("['hosts'][-1]")


def a_lease_as_it_was_seen(node: ast.AST) -> bool:
    keys = node.keys if isinstance(node, ast.Dict) else []
    found = {key.value for key in keys if isinstance(key, ast.Constant)}
    return {"lock_id", "lock_lease.seq"} <= found


def an_order_of_db_ids(node: ast.AST) -> bool:
    """``(len(i), i)``."""
    if not isinstance(node, ast.Tuple) or len(node.elts) != 2:
        return False
    first, second = node.elts
    return isinstance(first, ast.Call) and ast.unparse(first) == f"len({ast.unparse(second)})"


def places(is_said: Said) -> Iterator[str]:
    kinds = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Subscript)
    for name in MODULES:
        if name.startswith("controller") and any(map(is_said, nodes_of(name, *kinds))):
            yield name


@pytest.mark.parametrize(
    ("is_said", "home"),
    [
        (not_started, ["controller.states"]),
        (flow_of_a_job, ["controller.documents.stored"]),
        (a_lease_as_it_was_seen, ["controller.leases"]),
        (an_order_of_db_ids, []),
    ],
)
def test_is_said_once(is_said: Said, home: list[str]) -> None:
    assert list(places(is_said)) == home
