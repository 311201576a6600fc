"""`jf job log -f`: until the job ends, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller.errors import HostUnavailableError, JobNotFoundError, NotFoundError
from controller.jobcontroller import JobController

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


class Script:
    """What happens while a job is followed: one step in each pause."""

    def __init__(self, *steps: Callable[[], Any]) -> None:
        self.steps, self.notices = list(steps), list[str]()

    def __call__(self, *_: Any) -> None:
        self.steps.pop(0)()


def job_in(controller: JobController, folder: Path, **fields: Any) -> str:
    from jobflow import job

    (db_id,) = controller.add_flow(job(print)("x"), "local")
    folder.mkdir()
    values = {"state": "RUNNING", "run_dir": str(folder), **fields}
    controller.jobs.update_one({"db_id": db_id}, {"$set": values})
    return str(db_id)


def test_a_job_is_followed_until_it_ends(
    controller: JobController, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    db_id = job_in(controller, folder, state="READY", run_dir=None)

    def begin() -> None:
        controller.jobs.update_one(
            {"db_id": db_id}, {"$set": {"state": "RUNNING", "run_dir": str(folder)}}
        )

    def write(text: str) -> None:
        with (folder / "queue.out").open("a") as stream:
            stream.write(text)

    def end() -> None:
        write("last\n")
        controller.jobs.update_one({"db_id": db_id}, {"$set": {"state": "FAILED"}})

    def away(*_: Any, **__: Any) -> Any:
        raise HostUnavailableError("no route to host")

    def cut() -> None:
        monkeypatch.setattr("controller.hosts.local.LocalHost.execute", away)

    script = Script(begin, lambda: write("one\n"), cut, monkeypatch.undo, end)

    def pause(*_: Any) -> None:
        script()
        monkeypatch.setattr("controller.api.job_logs._sleep", pause)

    monkeypatch.setattr("controller.api.job_logs._sleep", pause)
    parts = controller.follow_job_log(db_id=db_id, notice=script.notices.append)
    assert [part.text for part in parts] == ["one\n", "last\n"]
    assert script.steps == []
    assert script.notices == [
        f"job {db_id} is READY: it has no log yet",
        "worker local is out of reach: no route to host",
    ]


def test_what_cannot_be_followed(
    controller: JobController, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db_id = job_in(controller, tmp_path / "run")
    with pytest.raises(TimeoutError, match="had not ended"):
        list(controller.follow_job_log(db_id=db_id, timeout=0))
    monkeypatch.setattr(
        "controller.api.job_logs._sleep", lambda *_: controller.jobs.delete_one({"db_id": db_id})
    )
    with pytest.raises(JobNotFoundError, match="was deleted"):
        list(controller.follow_job_log(db_id=db_id))
    other = job_in(controller, tmp_path / "other", run_dir=None)
    with pytest.raises(NotFoundError, match="has no log yet: it is RUNNING"):
        controller.read_job_log(db_id=other)
    assert controller.count_jobs() == 1
