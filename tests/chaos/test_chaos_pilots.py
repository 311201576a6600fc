"""Pools of batch workers under fire: runners and pilots die at their writes; each job runs once.

A pilot of the stand-in queue runs in a child of the test, and its jobs in the same process: so it
can die at each write to the pool, and between the start and the end of a job.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import operations as ops
import pytest
from arena import Arena, let_time_pass
from chaos_jobs import build_flow
from points import Fuse, event
from tally import Tally

from controller.config import Project
from controller.execution.files import EXIT_FILE
from controller.execution.local_pool import LocalPool
from controller.execution.pilot import Pilot
from controller.execution.pilot_rules import Limits
from controller.operations import batch_record
from controller.rules.pool_files import Entry
from controller.runner import batches, pilot_submission
from controller.states import BatchState, JobState

Step = Callable[["PilotArena"], Any]
SHAPE = [("plain", [], False), ("plain", [], False), ("plain", [0], False)]
ROUNDS = 60
SEQUENCES = int(os.environ.get("JFR_CHAOS_SEQUENCES", "0"))
MOST = max(3, SEQUENCES // 100)
"""Points of a scene that are tried at the most; with `make chaos` some fifty."""


class PilotArena(Arena):
    """A project whose worker has pilots."""

    def __post_init__(self) -> None:
        super().__post_init__()
        described = self.project.model_dump(mode="json")
        described["workers"]["local"].update(
            max_jobs=1,
            batch={
                "jobs_handle_dir": str(self.folder / "pool"),
                "work_dir": str(self.folder / "pilots"),
                "parallel_jobs": 2,
            },
        )
        self.project = Project.model_validate(described)

    def hurry(self) -> None:
        """Let no time pass between two looks into the pool."""
        let_time_pass()
        for name in ("FASTEST", "QUEUE_FASTEST", "SLOWEST", "SLOWEST_HERE", "SETTLE"):
            setattr(batches, name, 0.0)
        batches.WHOLE_LOOK_EVERY = 0.0
        pilot_submission.FIRST_PAUSE = pilot_submission.LONGEST_PAUSE = 0.0


class PlayedRuns:
    """Runs jobs in this process, as soon as they begin."""

    def __init__(self, arena: PilotArena) -> None:
        self._arena, self._ended = arena, dict[str, int]()

    def start(self, claim: str, run_dir: Path, entry: Entry) -> None:
        cluster = self._arena.cluster
        event("a job", lambda: cluster._execute(claim, run_dir))
        (run_dir / EXIT_FILE).write_text("0\n")
        self._ended[claim] = 0

    def ended(self) -> dict[str, int]:
        found, self._ended = self._ended, {}
        return found

    def stop(self, claim: str, *, force: bool) -> None:
        """Nothing runs between two calls."""

    def wait(self, seconds: float, wake: int) -> None:
        """Do not wait."""

    def close(self) -> None:
        """Nothing is open."""


def work(arena: PilotArena) -> int:
    """Run the pilots that are in the queue; returns how many."""
    arena.cluster.start()
    listed = arena.cluster.listed()
    for number, folder in listed.items():
        if not folder.is_dir():
            continue
        (folder / "jfr_started").write_text(f"{number}\n")
        pool = LocalPool(arena.folder / "pool", folder.name)
        pool.make_folders()
        limits = Limits(max_wait=1e-3)
        runs = PlayedRuns(arena)
        base = arena.folder / "work"
        Pilot(pool, base, folder.name, limits, slots=2, runs=runs, home=folder).run()
        (arena.cluster.folder / "queue" / number).unlink(missing_ok=True)
    return len(listed)


def advance(arena: PilotArena, rounds: int) -> None:
    """Let a runner do some rounds."""
    arena.hurry()
    with arena.runner() as runner:
        for _ in range(rounds):
            runner.advance()


def settle(arena: PilotArena) -> None:
    """Let a runner and pilots finish everything."""
    arena.hurry()
    with arena.runner() as runner:
        for _ in range(ROUNDS):
            # Some things count when they were seen twice.
            moved = [runner.advance() for _ in range(3)]
            if not any(moved) and not work(arena):
                break
        else:
            raise AssertionError("still at work")
        fields = ["db_id", "state", "lock_id", "remote"]
        assert runner.is_idle(), list(runner.controller.jobs.find({}, fields))


def judge(arena: PilotArena) -> dict[str, int]:
    """Check that nothing was lost or is left; returns {state: jobs}."""
    with arena.controller() as controller:
        states = Counter(info.state for info in controller.get_jobs_info())
        assert set(states) == {JobState.COMPLETED}, states
        assert controller.count_jobs(locked=True) == 0
        active = [BatchState.SUBMITTED, BatchState.RUNNING]
        assert controller.get_batches(batch_state=active) == []
        key = batch_record.turn_key("local")
        assert not batch_record.has_pending(controller.queue.auxiliary, key)
    left = {
        path.name
        for name in ("submitted", "running", "run_finished")
        for path in (arena.folder / "pool" / name).iterdir()
    }
    assert left == set()
    assert arena.cluster.listed() == {}
    return {state.value: count for state, count in states.items()}


def runs(rounds: int) -> Step:
    return lambda arena: advance(arena, rounds)


SCENES: dict[str, tuple[list[Step], Step]] = {
    "runner, to the pool": ([], runs(2)),
    "pilot": ([runs(2)], work),
    "runner, what a pilot has run": ([runs(2), work], runs(3)),
}


def die(arena: PilotArena, last: Step, fuse: Fuse) -> Any:
    """Do something that ends by a kill; an allocation ends with its pilot."""
    report = arena.do(partial(last, arena), fuse)
    if last is work:
        for number in arena.cluster.listed():
            (arena.cluster.folder / "queue" / number).unlink()
    return report


def end(arena: PilotArena, jobs: int, *, may_repeat: bool, hint: str) -> dict[str, int]:
    arena.do(partial(settle, arena))
    states: dict[str, int] = arena.do(partial(judge, arena)).result
    assert states == {"COMPLETED": jobs}, hint
    counts = Counter(arena.cluster.executed())
    assert len(counts) == jobs, hint
    extra = sum(counts.values()) - jobs
    assert extra <= (1 if may_repeat else 0), (hint, counts)
    return states


@pytest.mark.parametrize("scene", SCENES)
def test_each_job_runs_once_wherever_a_runner_or_a_pilot_dies(
    chaos_folder: Path, scene: str, record_property: Any
) -> None:
    steps, last = SCENES[scene]
    arena = PilotArena.embedded(chaos_folder, transactions=True)
    assert isinstance(arena, PilotArena)
    ready, tally = chaos_folder / "ready", Tally()
    arena.create()
    arena.do(partial(ops.submit, arena, build_flow(SHAPE)))
    for step in steps:
        arena.do(partial(step, arena))
    arena.save(ready)
    whole = arena.do(partial(last, arena))
    tally.take(scene, whole)
    end(arena, len(SHAPE), may_repeat=False, hint="undisturbed")
    points = list(dict.fromkeys(whole.seen))
    assert any(" pool." in point for point in points)
    for point in random.Random(SEQUENCES).sample(points, min(MOST, len(points))):
        arena.restore(ready)
        print("dies at", point)
        report = die(arena, last, Fuse(point=point))
        tally.take(scene, report)
        assert report.killed == point
        in_job = "a job" in point
        tally.ends.update(end(arena, len(SHAPE), may_repeat=in_job, hint=point))
    record_property(f"chaos pilots, {scene}", tally.plain())


def test_a_pilot_that_dies_over_and_over_with_its_runner(
    chaos_folder: Path, record_property: Any
) -> None:
    """Deaths of runners and pilots in turn, each at some write of its own."""
    arena = PilotArena.embedded(chaos_folder, transactions=True)
    assert isinstance(arena, PilotArena)
    ready, tally, dice = chaos_folder / "ready", Tally(), random.Random(SEQUENCES)
    arena.create()
    arena.save(ready)
    for _ in range(max(1, SEQUENCES // 200)):
        arena.restore(ready)
        arena.do(partial(ops.submit, arena, build_flow(SHAPE)))
        told = list[str | None]()
        for _ in range(4):
            for step in (runs(2), work):
                fuse = Fuse(at=dice.randrange(1, 40), after=dice.random() < 0.5)
                report = die(arena, step, fuse)
                tally.take("runner or pilot", report)
                told.append(report.killed)
        arena.do(partial(settle, arena))
        states: dict[str, int] = arena.do(partial(judge, arena)).result
        assert states == {"COMPLETED": len(SHAPE)}, told
        deaths = sum("a job" in (point or "") for point in told)
        assert len(arena.cluster.executed()) <= len(SHAPE) + deaths, told
        tally.sequences += 1
        tally.ends.update(states)
    record_property("chaos pilots, at random", tally.plain())
