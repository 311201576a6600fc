"""Kill a submission or a completion at each of its writes, go on, and find nothing wrong."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from crashes import Fuse, Killed, bury, dying, essence, restore, snapshot
from jobflow import Flow
from lifecycle_jobs import add, everything, fail, stopping
from thoroughness import kills
from world import World

from controller.runner.recovery import take_over_expired
from controller.submission import set_run_config


@pytest.fixture(autouse=True)
def _no_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process renews no lease."""
    silent = SimpleNamespace(add=lambda *_: None, remove=lambda *_: None)
    monkeypatch.setattr("controller.leases._RENEWER", silent)


def chain() -> Flow:
    start = add(1)
    return Flow([start, add(start.output)])


def dynamic() -> Flow:
    start = everything(1)
    return Flow([start, add(start.output)])


def stopped() -> Flow:
    start = stopping(1, flow=True)
    return Flow([start, add(start.output)])


def retried() -> Flow:
    start = fail(1)
    rule = {"causes": ["job_error"], "times": 1}
    return Flow([set_run_config(start, retry=rule), add(start.output)])


def modes(world: World) -> list[bool]:
    """With and without transactions, where there are any."""
    return [True, False] if world.controller.queue.database.supports_transactions else [False]


def interrupted(world: World, action: Callable[[], Any], fuse: Fuse, transactions: bool) -> None:
    """Carry an action out with a queue that may die under it."""
    queue = world.controller.queue
    world.controller.queue = dying(queue, fuse, transactions=transactions)
    try:
        action()
    except Killed:
        assert fuse.blown
    finally:
        world.controller.queue = queue


@pytest.mark.parametrize("make", [chain, dynamic, stopped, retried])
def test_a_completion_killed_at_any_write(world: World, make: Callable[[], Flow]) -> None:
    world.submit(make())
    db_id = world.execute()
    assert db_id is not None
    queue = world.controller.queue
    before = snapshot(queue)
    for transactions in modes(world):
        whole = Fuse()
        restore(queue, before)
        interrupted(world, lambda: world.complete(db_id), whole, transactions)
        expected = essence(queue)
        assert whole.writes >= 3
        for at, after in kills(whole.writes, transactions):
            restore(queue, before)
            fuse = Fuse(at, after=after)
            interrupted(world, lambda: world.complete(db_id), fuse, transactions)
            assert fuse.blown
            bury(queue)
            take_over_expired(world.controller)
            if world.states()[db_id] == "DOWNLOADED":
                world.complete(db_id)
            world.check()
            assert essence(queue) == expected, f"write {at}, after={after}, {transactions=}"


def test_a_submission_killed_at_any_write(world: World) -> None:
    queue = world.controller.queue
    empty = snapshot(queue)
    flow = dynamic()
    for transactions in modes(world):
        whole = Fuse()
        restore(queue, empty)
        interrupted(world, lambda: world.submit(flow), whole, transactions)
        expected = essence(queue)
        assert whole.writes >= 3
        for at, after in kills(whole.writes, transactions):
            restore(queue, empty)
            fuse = Fuse(at, after=after)
            interrupted(world, lambda: world.submit(flow), fuse, transactions)
            assert fuse.blown
            done = essence(queue) == expected
            if world.controller.flows.find_one({}) is None:
                assert "READY" not in world.states().values()
            if not done:
                world.submit(flow)
            assert essence(queue) == expected, f"write {at}, after={after}, {transactions=}"
            world.check()
