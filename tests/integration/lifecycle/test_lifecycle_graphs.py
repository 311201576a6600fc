"""Graphs of flows that grew as they ran."""

from __future__ import annotations

import pytest
from jobflow import Flow
from lifecycle_jobs import add, detoured, everything, replaced
from world import World

from controller.errors import ArgumentError, FlowNotFoundError
from controller.graphs import get_tree


def lines(world: World, **which: str) -> list[str]:
    found = []
    for depth, node in get_tree(world.controller.get_flow_graph(**which)).walk():
        index = f" index {node.job.index}" if node.job else ""
        how = "" if node.origin == "submitted" else f"{node.origin} "
        found.append(f"{'  ' * depth}{how}{node.kind} {node.name}{index}")
    return found


def test_a_flow_that_was_replaced(world: World) -> None:
    first = replaced(1)
    ids = world.submit(Flow([first, add(first.output, 5)], name="growing"))
    world.run()
    assert lines(world, db_id=ids[0]) == [
        "flow growing",
        "  job replaced index 1",
        f"    replace flow replaces replaced ({ids[0]})",
        "      job add index 1",
        "      job replaced_once index 1",
        "        replace job add index 2",
        "      replace job store_inputs index 2",
        "  job add index 1",
    ]


def test_detours_and_additions(world: World) -> None:
    first = detoured(1)
    second = everything(first.output)
    flow = Flow([first, second, add(second.output)], name="growing")
    ids = world.submit(flow)
    world.run()
    assert lines(world, flow_id=flow.uuid) == [
        "flow growing",
        "  job detoured index 1",
        f"    detour flow detour of detoured ({ids[0]})",
        "      job add index 1",
        "      job add index 1",
        "  job everything index 1",
        "    replace job add index 2",
        "    addition job add index 1",
        "    detour job add index 1",
        "  job add index 1",
    ]


def test_one_flow_is_asked_for(world: World) -> None:
    with pytest.raises(FlowNotFoundError, match="with job 99"):
        world.controller.get_flow_graph(db_id="99")
    with pytest.raises(FlowNotFoundError, match="no flow nothing"):
        world.controller.get_flow_graph(flow_id="nothing")
    with pytest.raises(ArgumentError, match="exactly one"):
        world.controller.get_flow_graph()
