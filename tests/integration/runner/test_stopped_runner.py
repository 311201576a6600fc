"""A runner that was stopped for longer than its lease harms nothing of the attempt that came after.

Each scene stops one runner right before an action on the run directory, lets another one take the
job over and run it anew, and then lets the first one go on with what it was about to do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add
from running import run

from controller.config import Project
from controller.errors import LockLostError
from controller.jobcontroller import JobController
from controller.locks import MongoLock
from controller.operations import cleanup
from controller.runner.context import RunnerContext
from controller.runner.stages.complete import complete
from controller.runner.stages.submit import submit
from controller.runner.stages.upload import upload
from controller.schedulers.start import WITHDRAWN
from controller.states import JobState


def info(controller: JobController, db_id: str) -> Any:
    (job,) = controller.get_jobs_info(db_ids=db_id)
    return job


class Scene:
    """A job that ran once and is to run again, and what is done while somebody is stopped."""

    def __init__(self, controller: JobController, project: Project) -> None:
        self.controller, self.project = controller, project
        (self.db_id,) = controller.add_flow(add(1, 2), "local")
        run(project)

    @property
    def folder(self) -> Path:
        return Path(info(self.controller, self.db_id).run_dir)

    @property
    def token(self) -> str:
        found = info(self.controller, self.db_id).remote.submission_token
        assert found
        return str(found)

    def locked(self) -> dict[str, Any]:
        """Lock the job as a runner does that will be stopped."""
        lock = MongoLock(self.controller.queue.jobs, {"db_id": self.db_id})
        assert lock.acquire()
        assert lock.locked_document is not None
        return lock.locked_document

    def passes_to_another(self) -> None:
        """Let the lock be taken over, and the job run anew to its end."""
        self.controller.queue.jobs.update_one({"db_id": self.db_id}, {"$set": {"lock_id": None}})
        if info(self.controller, self.db_id).state in (JobState.COMPLETED, JobState.FAILED):
            self.controller.rerun_job(db_id=self.db_id, force=True)
        assert not run(self.project).timed_out
        assert info(self.controller, self.db_id).state is JobState.COMPLETED

    def content(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}


@pytest.fixture
def scene(controller: JobController, project: Project) -> Scene:
    return Scene(controller, project)


def stopped_before(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, meanwhile: Callable[[], None]
) -> None:
    """Let something happen right before the next call of a function, and only then."""
    original = getattr(module, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(module, name, original)
        meanwhile()
        return original(*args, **kwargs)

    monkeypatch.setattr(module, name, call)


@pytest.mark.parametrize(
    ("action", "keep"),
    [
        ("remove_folder", False),
        ("begin_attempt", False),
        ("begin_attempt", True),
        ("confirm_held", False),
        ("confirm_held", True),
    ],
)
def test_an_upload(scene: Scene, monkeypatch: pytest.MonkeyPatch, action: str, keep: bool) -> None:
    from controller.runner import context as context_module
    from controller.schedulers.queue import Queue

    scene.controller.rerun_job(db_id=scene.db_id, force=True, delete_files=not keep)
    scene.controller.checkout_job({"worker": "local"})
    job = scene.locked()
    places = {"remove_folder": cleanup, "begin_attempt": Queue, "confirm_held": context_module}
    seen: dict[str, bytes] = {}

    def meanwhile() -> None:
        scene.passes_to_another()
        seen.update(scene.content())

    stopped_before(monkeypatch, places[action], action, meanwhile)
    context = RunnerContext(scene.controller, scene.project)
    with pytest.raises(LockLostError):
        upload(context, job)
    assert seen
    assert scene.content() == seen


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("ended", [False, True], ids=["runs", "ended"])
def test_a_submission(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, keep: bool, ended: bool
) -> None:
    """Stopped right before the one action that writes the script and starts it."""
    from controller.hosts.local import LocalHost

    scene.controller.rerun_job(db_id=scene.db_id, force=True, delete_files=not keep)
    context = RunnerContext(scene.controller, scene.project)
    scene.controller.checkout_job({"worker": "local"})
    fields = upload(context, scene.locked())
    scene.controller.queue.jobs.update_one(
        {"db_id": scene.db_id}, {"$set": {**fields, "lock_id": None}}
    )
    job = scene.locked()
    seen: dict[str, bytes] = {}

    def meanwhile() -> None:
        scene.passes_to_another()  # which submits the same attempt, unless there is a next one
        scene.controller.rerun_job(db_id=scene.db_id, force=True, delete_files=not keep)
        if ended:
            assert not run(scene.project).timed_out
        else:
            scene.controller.checkout_job({"worker": "local"})
            later = upload(context, scene.locked())
            scene.controller.queue.jobs.update_one({"db_id": scene.db_id}, {"$set": later})
        seen.update(scene.content())

    stopped_before(monkeypatch, LocalHost, "exchange", meanwhile)
    with pytest.raises(LockLostError):
        submit(context, job)
    assert seen
    assert scene.content() == seen


def test_a_withdrawal(scene: Scene) -> None:
    """Of an attempt, by a process that was stopped until the next one had the folder."""
    context = RunnerContext(scene.controller, scene.project)
    token = scene.token
    scene.passes_to_another()
    assert scene.token != token, "it ran anew"
    seen = scene.content()
    queue = context.queue("local")
    assert queue.withdraw(scene.folder, token)
    mark = {f"{WITHDRAWN}.{token}": b""}  # which only this attempt looks for
    assert scene.content() == {**seen, **mark}
    assert queue.withdraw(scene.folder, scene.token)
    mark[f"{WITHDRAWN}.{scene.token}"] = b""
    assert scene.content() == {**seen, **mark, WITHDRAWN: b""}


@pytest.mark.parametrize("action", ["read_output", "read_results"])
def test_a_completion(scene: Scene, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    from controller.operations import endings

    scene.controller.queue.jobs.update_one(
        {"db_id": scene.db_id}, {"$set": {"state": "DOWNLOADED"}}
    )
    job = scene.locked()

    def meanwhile() -> None:
        scene.controller.queue.jobs.update_one(
            {"db_id": scene.db_id}, {"$set": {"state": "COMPLETED"}}
        )
        scene.passes_to_another()
        store = scene.controller.jobstore
        store.update([{"uuid": job["uuid"], "index": 1, "output": "newer"}], key=["uuid", "index"])

    stopped_before(monkeypatch, endings, action, meanwhile)
    answers = complete(RunnerContext(scene.controller, scene.project), [job])
    assert isinstance(answers[job["uuid"], 1], LockLostError)
    assert scene.controller.jobstore.get_output(job["uuid"], which=1) == "newer"


def test_a_deletion_of_files(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = scene.controller.get_jobs_info(db_ids=scene.db_id)
    stopped_before(monkeypatch, cleanup, "remove_folder", scene.passes_to_another)
    result = scene.controller.clean_job_files(jobs)
    # It has ended again: whoever wants its files gone may have that, of the attempt that there is.
    assert result.deleted == [scene.db_id]
    folder = scene.folder
    scene.controller.rerun_job(db_id=scene.db_id, force=True)
    scene.controller.checkout_job({"worker": "local"})
    jobs = scene.controller.get_jobs_info(db_ids=scene.db_id)

    def uploaded() -> None:
        assert not run(scene.project).timed_out

    stopped_before(monkeypatch, cleanup, "remove_folder", uploaded)
    assert scene.controller.safe_delete_files(jobs) == []
    assert folder.is_dir()
