"""What is found in a flow: edges, sub-flows and what brought them."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest
from graph_samples import (
    chain_of_additions,
    detoured,
    flow,
    job,
    plain,
    replaced,
    replaced_by_flow,
    self_replaced,
)

from controller.documents import FlowInfo
from controller.errors import ArgumentError
from controller.graphs import LABELS, TreeNode, flow_graph, get_graph, get_tree
from controller.graphs.model import MAX_DEPTH


def drawn(tree: TreeNode) -> list[str]:
    """One line per node: depth, how it came, and which it is."""
    lines = []
    for depth, node in tree.walk():
        how = "" if node.origin == "submitted" else f"{node.origin} "
        which = f"{node.job.db_id}" if node.job else f"[{node.name}]"
        lines.append(f"{'  ' * depth}{how}{which}")
    return lines


@pytest.mark.parametrize(
    ("sample", "edges"),
    [
        (plain, "1>2 1>3 2>3 3>4"),
        (replaced, "5>2 3>5 4>5 1~5"),
        (self_replaced, "1~2 2~3 3~4"),
        (detoured, "1>2 4>2 1>3 3>4 1>5"),
    ],
)
def test_edges(sample: Callable[[], FlowInfo], edges: str) -> None:
    found = flow_graph(sample()).edges
    marks = {"parent": ">", "replace": "~"}
    assert " ".join(f"{e.source}{marks[e.kind]}{e.target}" for e in found) == edges


TREES: list[tuple[Callable[[], FlowInfo], str]] = [
    (
        plain,
        """
        [a flow]
          1
          2
          [flow inner]
            3
            4
        """,
    ),
    (
        replaced,
        """
        [a flow]
          1
            replace [replaces job 1 (1)]
              3
              4
              replace 5
          2
        """,
    ),
    (
        replaced_by_flow,
        """
        [a flow]
          1
            replace [replaces job 1 (1)]
              [flow deep]
                2
                3
              replace 4
        """,
    ),
    (
        self_replaced,
        """
        [a flow]
          1
            replace 2
            replace 3
            replace 4
        """,
    ),
    (
        detoured,
        """
        [a flow]
          1
            detour [detour of job 1 (1)]
              3
              4
            addition 5
          2
        """,
    ),
    (
        lambda: chain_of_additions(3),
        """
        [a flow]
          1
            addition 2
              addition 3
        """,
    ),
]


@pytest.mark.parametrize(("sample", "tree"), TREES)
def test_tree(sample: Callable[[], FlowInfo], tree: str) -> None:
    assert drawn(get_tree(sample())) == dedent(tree).strip().split("\n")


def test_what_was_submitted_together_was_not_added() -> None:
    """A sub-flow below one job looks like an addition, but for when it came."""
    tree = get_tree(flow(job("1"), job("2", parents=("u1",), hosts=("inner",))))
    assert drawn(tree) == ["[a flow]", "  1", "  2"]


def test_deleted_jobs_leave_no_edges() -> None:
    graph = flow_graph(flow(job("2", parents=("u1", "u2")), job("5", uuid="u2", index=4)))
    assert [(e.source, e.target) for e in graph.edges] == [("2", "5")]


def test_contradicting_documents_still_make_a_tree() -> None:
    """Each of two sub-flows says that the other one's job made it."""
    odd = flow(
        job("1", hosts=("a",), minute=2),
        job("2", uuid="u1", index=2, hosts=("b",), minute=1),
        job("3", uuid="u3", index=1, hosts=("b",), minute=2),
        job("4", uuid="u3", index=2, hosts=("a",), minute=1),
    )
    assert sorted(n.job.db_id for _, n in get_tree(odd).walk() if n.job) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("sample", [self_replaced, chain_of_additions])
def test_a_thousand_generations(sample: Callable[[int], FlowInfo]) -> None:
    tree = get_tree(sample(1000))
    nodes = list(tree.walk())
    assert len(nodes) == len({id(node) for _, node in nodes}) >= 1001
    assert max(depth for depth, _ in nodes) <= MAX_DEPTH + 1
    assert tree.as_dict()["children"]


def test_a_flow_without_jobs() -> None:
    assert drawn(get_tree(flow())) == ["[a flow]"]
    assert flow_graph(flow()).as_dict()["jobs"] == []


def test_a_flow_that_was_read_without_its_jobs() -> None:
    with pytest.raises(ArgumentError, match="with_jobs_info"):
        flow_graph(flow(job("1")).model_copy(update={"jobs_info": None}))


@pytest.mark.parametrize("label", LABELS)
def test_networkx(label: str) -> None:
    graph = get_graph(replaced(), label)
    assert list(graph.nodes) == ["1", "2", "3", "4", "5"]
    assert graph.nodes["5"]["state"] == "COMPLETED"
    assert graph.nodes["5"]["label"] == str(graph.nodes["5"][label])
    assert graph.edges["1", "5"]["kind"] == "replace"
    assert graph.edges["5", "2"]["kind"] == "parent"


def test_unknown_label() -> None:
    with pytest.raises(ArgumentError, match="name, db_id, uuid"):
        get_graph(plain(), "colour")
