"""Where `jf job cd` leads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.config import LocalWorker, RemoteWorker
from controller.errors import NotFoundError
from controller.run_folders import run_folder
from controller.states import JobState

WORKERS = {
    "local": LocalWorker(scheduler_type="shell", work_dir="/w"),
    "far": RemoteWorker(scheduler_type="slurm", work_dir="/w", host="cluster", user="me"),
    "short": RemoteWorker(scheduler_type="slurm", work_dir="/w", host="cluster"),
}
PROJECT: Any = SimpleNamespace(get_worker=WORKERS.__getitem__)


def job(worker: str, run_dir: str | None) -> Any:
    return SimpleNamespace(db_id="7", state=JobState.READY, worker=worker, run_dir=run_dir)


def test_a_folder_of_this_machine(tmp_path: Path) -> None:
    found = run_folder(job("local", str(tmp_path)), PROJECT)
    assert (str(found), found.way_there) == (str(tmp_path), None)


@pytest.mark.parametrize(("worker", "host"), [("far", "me@cluster"), ("short", "cluster")])
def test_a_folder_of_another_machine(worker: str, host: str) -> None:
    found = run_folder(job(worker, "/w/a b"), PROJECT)
    assert str(found) == f"{host}:/w/a b"
    assert found.way_there == f"ssh -t {host} 'cd '\"'\"'/w/a b'\"'\"' && exec $SHELL -l'"


@pytest.mark.parametrize(
    ("run_dir", "said"), [(None, "has no run directory yet: it is READY"), ("/none", "/none")]
)
def test_no_folder(run_dir: str | None, said: str) -> None:
    with pytest.raises(NotFoundError, match=said):
        run_folder(job("local", run_dir), PROJECT)
