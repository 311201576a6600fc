"""Injection points that these scenes pass are hit by a kill, once; then all ends well.

A test that goes two ways shares the points between them: JFR_CHAOS_PART=1 hits each in both ways,
2 in one of the two, and 8 (the default) a quarter of them in one. Above 4, each way has half of the
scenes, and hits twice as many points of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import operations as ops
import pytest
from arena import Arena
from chaos_jobs import build_flow
from points import Fuse
from tally import Tally
from verdict import Ledger, end, settle

DYNAMIC = [("everything", [], False), ("plain", [0], False), ("plain", [1], False)]
FAILING = [("fails_once", [], False), ("plain", [0], True), ("plain", [0], False)]
STOPPING = [("stops_flow", [], False), ("plain", [0], False), ("plain", [], False)]
Step = Callable[[Arena], Any]
Scene = TypeVar("Scene")
PART = int(os.environ.get("JFR_CHAOS_PART", "8"))
"""Each way of a test hits one point of so many."""


def runs(rounds: int) -> Step:
    return lambda arena: ops.advance(arena, rounds, patient=False)


def works(limit: int = 9) -> Step:
    return lambda arena: ops.execute(arena, limit, vanish=False)


def does(name: str, pick: int = 0, count: int = 1) -> Step:
    return lambda arena: ops.operate(arena, name, pick, count)


def ends() -> Step:
    return settle


def mends() -> Step:
    return lambda arena: ops.cure(arena, half_inserted=False)


def breaks(**fields: Any) -> Step:
    """Write something wrong into the flow, for the doctor."""

    def plant(arena: Arena) -> None:
        with arena.controller() as controller:
            controller.flows.update_many({}, {"$set": fields})

    return plant


SCENES: dict[str, tuple[Any, list[Step], Step]] = {
    "runner, to the queue": (DYNAMIC, [], runs(1)),
    "runner, completes a dynamic job": (DYNAMIC, [runs(1), works()], runs(1)),
    "runner, completes a failing job": (FAILING, [runs(1), works()], runs(1)),
    "runner, completes a stopping job": (STOPPING, [runs(1), works()], runs(1)),
    "runner, after a rerun": (FAILING, [ends(), does("rerun_force")], runs(1)),
    "runner, takes over a job": (DYNAMIC, [runs(1), does("die_holding")], runs(3)),
    "runner, takes over a flow": (DYNAMIC, [runs(1), does("die_holding_flow")], runs(3)),
    "rerun of a running job": (DYNAMIC, [runs(2)], does("rerun")),
    "rerun with force": (DYNAMIC, [ends()], does("rerun_force", 1)),
    "rerun of a failed job": (FAILING, [runs(1), works(), runs(1)], does("rerun")),
    "stop of a running job": (DYNAMIC, [runs(2)], does("stop")),
    "pause": (STOPPING, [], does("pause", 0, 3)),
    "resume": (STOPPING, [does("pause", 0, 3)], does("resume", 0, 3)),
    "resume of a flow": (STOPPING, [does("pause", 0, 3)], does("resume_flow")),
    "retry": (STOPPING, [runs(1)], does("retry")),
    "a state by hand": (FAILING, [ends()], does("set_completed")),
    "priority": (STOPPING, [], does("set_priority")),
    "deletion of a job": (FAILING, [runs(2)], does("delete_jobs_wholly")),
    "deletion of a finished job": (DYNAMIC, [ends()], does("delete_jobs_wholly", 1)),
    "deletion of a flow": (DYNAMIC, [runs(2)], does("delete_flow")),
    "doctor, flow": (DYNAMIC, [breaks(state="COMPLETED", jobs=[])], mends()),
    "doctor, locks": (DYNAMIC, [runs(1), does("die_holding")], mends()),
}


def scenes_of(table: dict[str, Scene], turn: int) -> list[tuple[str, Scene]]:
    """Return the scenes of one way of a test."""
    every = list(table.items())
    return every if PART <= 4 else every[turn % 2 :: 2]


def chosen(points: list[str], turn: int) -> list[str]:
    """Return the points of a scene to be hit; ``turn`` tells the ways of a test apart."""
    part = PART if PART <= 4 else PART // 2
    return points[turn % part :: part]


class Stage:
    """What is the same in the scenes of a test: an empty project, and what comes before each kill.

    Attributes
    ----------
    empty, ready
        Where the empty project, and that before the kills of the present scene, are kept.
    """

    def __init__(self, arena: Arena, folder: Path) -> None:
        self._arena = arena
        self.empty, self.ready = folder / "empty", folder / "ready"
        arena.create()
        arena.save(self.empty)

    def play(self, shape: Any, steps: list[Step]) -> Ledger:
        """Submit a flow to the empty project, do some steps, and keep what has come of it."""
        arena = self._arena
        arena.restore(self.empty)
        flow, ledger = build_flow(shape), Ledger()
        ledger.flows[flow.uuid] = list(flow.job_uuids)
        assert arena.do(partial(ops.submit, arena, flow)).refused is None
        for step in steps:
            ledger.take(arena.do(partial(step, arena)).notes)
        arena.save(self.ready)
        return ledger


@pytest.mark.parametrize("transactions", [True, False], ids=["whole", "by-degrees"])
def test_every_point(chaos_folder: Path, transactions: bool, record_property: Any) -> None:
    arena = Arena.embedded(chaos_folder, transactions=transactions)
    stage, tally = Stage(arena, chaos_folder), Tally()
    _submissions(arena, stage.empty, tally)
    for name, (shape, steps, last) in scenes_of(SCENES, transactions):
        ledger = stage.play(shape, steps)
        whole = arena.do(partial(last, arena))
        tally.take(name, whole)
        ledger.take(whole.notes)
        points = [p for p in dict.fromkeys(whole.seen) if p not in tally.killed]
        for point in chosen(points, transactions):
            arena.restore(stage.ready)
            _kill(arena, partial(last, arena), point, name, tally)
            if name.startswith("doctor"):
                arena.do(partial(mends(), arena))  # nobody else mends what was planted
            tally.ends.update(end(arena, ledger))
    record_property(f"chaos embedded, every point, {transactions=}", tally.plain())
    assert len(tally.killed) >= 50 // PART
    assert PART > 1 or tally.seen == set(tally.killed)


OUTAGES: dict[str, tuple[Any, list[Step]]] = {
    "to the queue": (STOPPING, []),
    "completes a dynamic job": (DYNAMIC, [runs(1), works()]),
    "completes a failing job": (FAILING, [runs(1), works()]),
    "after a rerun": (FAILING, [ends(), does("rerun_force")]),
    "takes over a job": (STOPPING, [runs(1), does("die_holding")]),
}


@pytest.mark.parametrize("transactions", [True, False], ids=["whole", "by-degrees"])
def test_a_database_that_fails_once_at_every_write(
    chaos_folder: Path, transactions: bool, record_property: Any
) -> None:
    arena = Arena.embedded(chaos_folder, transactions=transactions)
    stage, tally = Stage(arena, chaos_folder), Tally()
    for name, (shape, steps) in scenes_of(OUTAGES, transactions):
        ledger = stage.play(shape, steps)
        whole = arena.do(partial(ops.go_on, arena, 1))
        seen = [p for p in dict.fromkeys(whole.seen) if " host." not in p]
        points = [p for p in seen if p not in tally.killed]
        for point in chosen(points, transactions):
            arena.restore(stage.ready)
            report = arena.do(partial(ops.go_on, arena, 6), Fuse(point=point, fails=True))
            tally.take(name, report)
            tally.sequences += 1
            assert (report.killed, report.refused, report.result) == (point, None, []), point
            tally.ends.update(end(arena, ledger))
    record_property(f"chaos embedded, a failing database, {transactions=}", tally.plain())
    assert len(tally.killed) >= 25 // PART


HOST_OUTAGES: dict[str, tuple[Any, list[Step], Step | None]] = {
    "to the queue": (STOPPING, [], None),
    "completes a job": (DYNAMIC, [runs(1), works()], None),
    "after a rerun": (FAILING, [ends(), does("rerun_force")], None),
    "rerun of a running job": (DYNAMIC, [runs(2)], does("rerun")),
    "stop of a running job": (DYNAMIC, [runs(2)], does("stop")),
    "deletion of a job": (FAILING, [runs(2)], does("delete_jobs_wholly")),
}
"""{name: (flow, what was before, what an operator does; None where a runner goes on)}."""


@pytest.mark.parametrize("refuses", [False, True], ids=["away", "too-slow"])
def test_a_host_that_fails_once_at_every_action(
    chaos_folder: Path, refuses: bool, record_property: Any
) -> None:
    """Or whose answer is lost: what it was asked for happened, and nobody heard of it."""
    arena = Arena.embedded(chaos_folder, transactions=True)
    stage, tally = Stage(arena, chaos_folder), Tally()
    for name, (shape, steps, operator) in scenes_of(HOST_OUTAGES, refuses):
        ledger = stage.play(shape, steps)
        first = partial(operator, arena) if operator else partial(ops.go_on, arena, 1)
        whole = arena.do(first, Fuse(reads=True))
        ledger.take(whole.notes)
        points = [p for p in dict.fromkeys(whole.seen) if " host." in p and p not in tally.killed]
        for point in chosen(points, refuses):
            arena.restore(stage.ready)
            work = partial(operator, arena) if operator else partial(ops.go_on, arena, 6)
            fuse = Fuse(point=point, fails=True, refuses=refuses, reads=True)
            report = arena.do(work, fuse)
            tally.take(name, report)
            tally.sequences += 1
            assert report.killed == point
            assert operator or (report.refused, report.result) == (None, []), point
            tally.ends.update(end(arena, ledger))
    record_property(f"chaos embedded, a failing host, {refuses=}", tally.plain())
    assert len(tally.killed) >= 16 // PART


VANISHING: dict[str, list[Step]] = {
    "in the queue": [runs(1)],
    "finished": [runs(1), works()],
    "completed": [runs(1), works(), runs(1)],
}


@pytest.mark.parametrize("moment", VANISHING)
def test_a_run_directory_that_vanishes(chaos_folder: Path, moment: str) -> None:
    arena, flow = Arena.embedded(chaos_folder, transactions=True), build_flow(FAILING)
    arena.create()
    assert arena.do(partial(ops.submit, arena, flow)).refused is None
    for step in VANISHING[moment]:
        arena.do(partial(step, arena))
    assert arena.do(partial(ops.lose_run_dirs, arena)).result
    arena.do(partial(settle, arena))  # asserts that nothing goes on for ever, and nothing is stuck
    assert arena.do(partial(ops.held, arena)).result == 0


def _submissions(arena: Arena, empty: Path, tally: Tally) -> None:
    flow = build_flow(STOPPING)
    submit = partial(ops.submit, arena, flow)
    for point in chosen(list(dict.fromkeys(arena.do(submit).seen)), arena.transactions):
        for again in (False, True):
            arena.restore(empty)
            _kill(arena, submit, point, "submit", tally)
            ledger = Ledger()
            if again and arena.do(submit).refused is None:
                ledger.flows[flow.uuid] = list(flow.job_uuids)
            tally.ends.update(end(arena, ledger, half_inserted=not again))


def _kill(arena: Arena, work: Callable[[], Any], point: str, name: str, tally: Tally) -> None:
    report = arena.do(work, Fuse(point=point))
    assert report.killed == point, f"{name} did not come to {point}"
    tally.take(name, report)
    tally.sequences += 1
