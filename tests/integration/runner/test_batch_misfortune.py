"""Pools and pilots in bad luck: the tests play the pilots, whose processes only wait."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add
from running import states, wait_for

from controller.config import Project
from controller.documents import BatchDoc
from controller.execution.local_pool import LocalPool
from controller.jobcontroller import JobController
from controller.leases import lock_fields
from controller.operations import batch_record
from controller.operations.batch_pool import PoolFile
from controller.rules.pool_files import BatchInfo, Entry, PilotReport
from controller.runner import Runner, batches
from controller.runner.pilot_submission import PilotSubmission
from controller.runner.stages import bundles
from controller.runner.stages.pool import pool_of
from controller.states import BatchState, JobState

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


@dataclass
class Scene:
    """A project with a batch worker, and runners that do one round after the other."""

    folder: Path
    controller: JobController
    project: Project
    runners: list[Runner] = field(default_factory=list)

    def runner(self) -> Runner:
        self.runners.append(Runner(project=self.project, log_level="error"))
        return self.runners[-1]

    def until(self, condition: Callable[[], Any], runner: Runner | None = None) -> None:
        runner = runner or (self.runners[0] if self.runners else self.runner())

        def is_so() -> bool:
            runner.advance()
            return bool(condition())

        wait_for(is_so)

    def submit(self, count: int = 1) -> list[str]:
        """Submit jobs, until they are in the pool and there is a pilot."""
        ids = [db_id for n in range(count) for db_id in self.controller.add_flow(add(n, 1), "w")]
        self.until(lambda: {self.state(i) for i in ids} == {"BATCH_SUBMITTED"} and self.pilots())
        return ids

    def state(self, db_id: str) -> str:
        return states(self.controller)[db_id]

    def job(self, db_id: str) -> dict[str, Any]:
        return self.controller.jobs.find_one({"db_id": db_id}) or {}

    def name(self, db_id: str) -> str:
        return f"{self.job(db_id)['uuid']}_1"

    def pilots(self) -> list[BatchDoc]:
        return self.controller.get_batches(batch_state=[BatchState.SUBMITTED, BatchState.RUNNING])

    def claim(self, db_id: str, pilot: BatchDoc | None = None) -> tuple[LocalPool, Entry]:
        """Claim a job as its pilot does, until the runner has seen it."""
        pool = LocalPool(self.folder / "pool", (pilot or self.pilots()[0]).batch_uid)
        entry = pool.claim(self.name(db_id))
        assert entry is not None
        self.until(lambda: self.state(db_id) == "BATCH_RUNNING")
        return pool, entry

    def end_script(self, db_id: str, error: str = "by hand") -> None:
        run_dir = Path(self.job(db_id)["run_dir"])
        out = {"response": None, "error": error}
        (run_dir / "jfremote_out.json").write_text(json.dumps(out))
        (run_dir / "jfr_exit").write_text("0\n")

    def kill(self, pilot: BatchDoc) -> None:
        os.killpg(int(pilot.process_id), signal.SIGKILL)

    def files(self, name: str) -> list[str]:
        return sorted(path.name for path in (self.folder / "pool" / name).iterdir())


@pytest.fixture
def scene(
    described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    monkeypatch.setattr(batches, "FASTEST", 0.0)
    monkeypatch.setattr(batches, "QUEUE_FASTEST", 0.0)
    monkeypatch.setattr(batches, "SLOWEST_HERE", 0.0)
    stub = tmp_path / "bin" / "jf"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\nexec sleep 300\n")
    stub.chmod(0o755)
    described["workers"] = {
        "w": {
            "type": "local",
            "scheduler_type": "shell",
            "work_dir": str(tmp_path / "work"),
            "max_jobs": 1,
            "pre_run": f"export PATH='{stub.parent}':$PATH",
            "batch": {
                "jobs_handle_dir": str(tmp_path / "pool"),
                "work_dir": str(tmp_path / "pilots"),
                "parallel_jobs": 2,
            },
        }
    }
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        made = Scene(tmp_path, controller, project)
        try:
            yield made
        finally:
            for pilot in made.pilots():
                made.kill(pilot)
            for runner in made.runners:
                runner.cleanup()


def test_two_runners_and_one_pool(scene: Scene) -> None:
    first, second = scene.submit(2)
    other = scene.runner()
    scene.until(lambda: True, other)
    (pilot,) = scene.controller.get_batches(limit=0)
    pool, entry = scene.claim(first)
    assert scene.job(first)["remote"]["process_id"] == pilot.process_id
    scene.end_script(first)
    pool.finish(scene.name(first), entry)
    for runner in [other, *scene.runners]:
        runner.advance()
    scene.until(lambda: scene.state(first) == "FAILED", other)
    assert scene.state(second) == "BATCH_SUBMITTED"
    assert len(scene.controller.get_batches(limit=0)) == 1, "no second allocation"
    assert scene.files("run_finished") == []
    assert len(scene.job(first)["attempts"]) == 1
    assert [j[0] for j in scene.controller.get_batches()[0].jobs] == [first]


def test_pilots_that_die_cost_no_attempt_until_one_job_is_to_blame(scene: Scene) -> None:
    (db_id,) = scene.submit()
    token = scene.job(db_id)["remote"]["submission_token"]
    for number in range(1, 4):
        pilot = scene.pilots()[0]
        pool, entry = scene.claim(db_id, pilot)
        assert entry.deaths == number - 1
        run_dir = Path(scene.job(db_id)["run_dir"])
        (run_dir / "half").touch()
        report = PilotReport(1, "n1", 2, (f"{scene.name(db_id)}_{pilot.batch_uid}",), 1)
        beat = BatchInfo(report=report).encode()
        pilots = scene.folder / "pilots"
        (next(pilots.rglob(pilot.batch_uid)) / "batch_info.json").write_text(beat)
        scene.kill(pilot)
        if number < 3:
            scene.until(lambda: scene.state(db_id) == "BATCH_SUBMITTED" and scene.pilots())
            assert scene.pilots()[0].batch_uid != pilot.batch_uid
            assert not (run_dir / "half").exists()
            # What the dead one may still say is of an earlier attempt.
            pool.finish(scene.name(db_id), entry)
            scene.until(lambda: scene.files("run_finished") == [])
            assert scene.state(db_id) == "BATCH_SUBMITTED"
    scene.until(lambda: scene.state(db_id) == "REMOTE_ERROR")
    doc = scene.job(db_id)
    assert doc["remote"]["submission_token"] != token
    assert "3 pilots in a row" in doc["remote"]["error"]
    assert [a.get("state") for a in doc["attempts"]] == [None, None, "REMOTE_ERROR"]
    assert scene.files("running") == []
    assert scene.controller.retry_job(db_id=db_id)
    scene.until(lambda: scene.state(db_id) == "BATCH_SUBMITTED")
    assert LocalPool(scene.folder / "pool", "x").peek(scene.name(db_id)).deaths == 0  # type: ignore[union-attr]


def test_a_script_that_ended_before_its_pilot_said_so(scene: Scene) -> None:
    (db_id,) = scene.submit()
    scene.claim(db_id)
    scene.end_script(db_id)
    scene.kill(scene.pilots()[0])
    scene.until(lambda: scene.state(db_id) == "FAILED")
    assert scene.job(db_id)["error"] == "by hand"
    assert scene.files("running") == []


@pytest.mark.parametrize("kind", ["lost", "refused"])
def test_what_a_pilot_gives_back_or_refuses(scene: Scene, kind: str) -> None:
    (db_id,) = scene.submit()
    pool, entry = scene.claim(db_id)
    pool.finish(scene.name(db_id), replace(entry, **{kind: "this is why"}))
    expected = "BATCH_SUBMITTED" if kind == "lost" else "REMOTE_ERROR"
    scene.until(lambda: scene.state(db_id) == expected)
    (attempt,) = scene.job(db_id)["attempts"]
    assert attempt["error"].startswith("this is why")
    scene.until(lambda: scene.files("run_finished") == [])


def test_an_emptied_pool(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WHOLE_LOOK_EVERY", 0.0)
    waits, runs = scene.submit(2)
    pool, entry = scene.claim(runs)
    run_dir = Path(scene.job(runs)["run_dir"])
    token = scene.job(runs)["remote"]["submission_token"]
    (run_dir / "jfr_started").write_text(f"claim.1 5 {token} 77 - - n1\n")
    shutil.rmtree(scene.folder / "pool")
    scene.until(lambda: (scene.folder / "pool" / "submitted").exists())
    scene.until(lambda: scene.files("submitted") == [scene.name(waits)])
    assert scene.state(runs) == "BATCH_RUNNING", "its pilot lives"
    scene.end_script(runs)
    pool.finish(scene.name(runs), entry)
    scene.until(lambda: scene.state(runs) == "FAILED")


def test_a_runner_that_dies_with_a_job_in_the_pool(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there, the state is not: the next runner makes no second one."""
    (before,) = scene.submit()
    real, died = bundles.put_many, list[str]()

    def put(context: Any, jobs: Any) -> Any:
        if not died:
            died.append("once")
            assert real(context, jobs) is not None
            raise KeyboardInterrupt
        return real(context, jobs)

    monkeypatch.setattr("controller.runner.rounds.put_many", put)
    monkeypatch.setitem(bundles.ALONE, put, bundles.put)  # type: ignore[arg-type]
    (db_id,) = scene.controller.add_flow(add(1, 1), "w")
    with pytest.raises(KeyboardInterrupt):
        scene.until(lambda: False)
    assert scene.state(db_id) == "UPLOADED"
    pool = LocalPool(scene.folder / "pool", scene.pilots()[0].batch_uid)
    entry = pool.claim(scene.name(db_id))
    assert entry is not None
    scene.until(lambda: scene.state(db_id) == "BATCH_RUNNING")
    assert scene.files("submitted") == [scene.name(before)]
    scene.end_script(db_id)
    pool.finish(scene.name(db_id), entry)
    scene.until(lambda: scene.state(db_id) == "FAILED")


@pytest.mark.parametrize("is_submitted", [True, False])
def test_a_runner_that_dies_with_a_pilot_in_the_queue(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, is_submitted: bool
) -> None:
    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    (db_id,) = scene.controller.add_flow(add(1, 1), "w")
    with monkeypatch.context() as patch:
        if is_submitted:
            patch.setattr(batch_record, "add_submitted", dies)
        else:
            patch.setattr(PilotSubmission, "_script", dies)
        with pytest.raises(KeyboardInterrupt):
            scene.until(lambda: False)
    assert scene.state(db_id) == "BATCH_SUBMITTED"
    assert scene.pilots() == []
    scene.until(scene.pilots, scene.runner())
    for runner in scene.runners:
        runner.advance()
    assert len(scene.controller.get_batches(limit=0)) == 1
    started = list((scene.folder / "pilots").rglob("jfr_started"))
    assert len(started) == 1, "one allocation"
    key = batch_record.turn_key("w")
    assert not batch_record.has_pending(scene.controller.queue.auxiliary, key)


def test_a_runner_that_died_while_it_counted_pilots(scene: Scene) -> None:
    """Its lease is taken over: else no pilot would be submitted any more."""
    left = lock_fields("of the dead")
    # Its process number is used again, by another process.
    left["lock_lease"]["owner"] = {**left["lock_lease"]["owner"], "start_time": "1"}
    key = batch_record.turn_key("w")
    scene.controller.queue.auxiliary.insert_one({**key, "pending": [], **left})
    scene.submit()
    assert len(scene.pilots()) == 1


def test_a_pilot_that_stands_still(scene: Scene) -> None:
    """It may go on: neither are its jobs given to another one, nor is it replaced."""
    (db_id,) = scene.submit()
    pool, entry = scene.claim(db_id)
    (pilot,) = scene.pilots()
    os.killpg(int(pilot.process_id), signal.SIGSTOP)
    for _ in range(5):
        scene.runners[0].advance()
    assert scene.state(db_id) == "BATCH_RUNNING"
    assert [p.batch_uid for p in scene.pilots()] == [pilot.batch_uid]
    os.killpg(int(pilot.process_id), signal.SIGCONT)
    scene.end_script(db_id)
    pool.finish(scene.name(db_id), entry)
    scene.until(lambda: scene.state(db_id) == "FAILED")
    assert len(scene.job(db_id)["attempts"]) == 1


def test_a_pilot_whose_queue_killed_it_for_memory(scene: Scene) -> None:
    """The word of the queue is kept with the attempt that the job lost, which costs it nothing."""
    (db_id,) = scene.submit()
    pool, _ = scene.claim(db_id)
    (pilot,) = scene.pilots()
    served = scene.runners[0].rounds._batches._served["w"]
    file = next(f for f in pool_files(scene) if f.key[0] == scene.job(db_id)["uuid"])
    served._ended[pilot.batch_uid] = (0.0, {"word": "OUT_OF_MEMORY"})
    assert served._give_back([file], served._jobs_of([file]))
    doc = scene.job(db_id)
    assert doc["state"] == "READY"
    assert doc["attempts"][-1]["cause"] == "out_of_memory"
    assert "OUT_OF_MEMORY" in doc["attempts"][-1]["error"]
    assert scene.files("running") == []
    assert pool.own() == []


def pool_files(scene: Scene) -> list[PoolFile]:
    """What the runner sees of the jobs that pilots have claimed."""
    return list(pool_of(scene.runners[0].context, "w").look().running)


def test_jobs_that_are_stopped(scene: Scene) -> None:
    waits, runs = scene.submit(2)
    scene.claim(runs)
    assert scene.controller.stop_jobs(db_ids=[waits, runs]) == [waits, runs]
    assert scene.files("submitted") == []
    run_dir = Path(scene.job(runs)["run_dir"])
    assert (run_dir / "jfr_withdrawn").exists(), "its pilot is to end it"
    assert {scene.state(i) for i in (waits, runs)} == {"USER_STOPPED"}


def test_a_pilot_that_cannot_start_is_not_followed_at_once(scene: Scene) -> None:
    (scene.folder / "bin" / "jf").write_text("#!/bin/sh\necho no module >&2; exit 1\n")
    scene.controller.add_flow(add(1, 1), "w")
    scene.until(lambda: scene.controller.get_batches(batch_state=BatchState.FINISHED))
    for _ in range(5):
        scene.runners[0].advance()
    assert len(scene.controller.get_batches(limit=0)) == 1
    assert scene.controller.count_jobs(states=JobState.BATCH_SUBMITTED) == 1
