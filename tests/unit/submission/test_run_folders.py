"""Where `jf job cd` leads."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.config import LocalWorker, RemoteWorker
from controller.errors import NotFoundError
from controller.hosts.openssh import OpenSSHLink
from controller.run_folders import run_folder
from controller.states import JobState
from jfr_cli.commands.job_files import todir
from jfr_cli.session import CURRENT

WORKERS = {
    "local": LocalWorker(scheduler_type="shell", work_dir="/w"),
    "far": RemoteWorker(scheduler_type="slurm", work_dir="/w", host="cluster", user="me"),
    "short": RemoteWorker(scheduler_type="slurm", work_dir="/w", host="cluster"),
    "odd": RemoteWorker(
        scheduler_type="slurm",
        work_dir="/w",
        host="cluster",
        port=2222,
        key_filename="/k",
        ssh_config="/etc/ssh_cluster",
    ),
}
PROJECT: Any = SimpleNamespace(get_worker=WORKERS.__getitem__)


def job(worker: str, run_dir: str | None) -> Any:
    return SimpleNamespace(db_id="7", state=JobState.READY, worker=worker, run_dir=run_dir)


def test_a_folder_of_this_machine(tmp_path: Path) -> None:
    found = run_folder(job("local", str(tmp_path)), PROJECT)
    assert (str(found), found.way_there) == (str(tmp_path), None)


@pytest.mark.parametrize(
    ("worker", "host", "words"),
    [
        ("far", "me@cluster", "-l me -- cluster"),
        ("short", "cluster", "-- cluster"),
        ("odd", "cluster", "-F /etc/ssh_cluster -p 2222 -i /k -- cluster"),
    ],
)
def test_a_folder_of_another_machine(
    worker: str, host: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenSSHLink, "socket", Path("/nonexistent/socket"))
    found = run_folder(job(worker, "/w/a b"), PROJECT)
    assert str(found) == f"{host}:/w/a b"
    assert found.way_there == f"ssh -t {words} 'cd '\"'\"'/w/a b'\"'\"' && exec $SHELL -l'"
    assert found.terminal("zsh") == ["ssh", "-t", *words.split(), "cd '/w/a b' && exec zsh"]


def test_a_terminal_goes_through_the_login_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenSSHLink, "socket", tmp_path)
    words = run_folder(job("short", "/w"), PROJECT).terminal()
    assert words[:4] == ["ssh", "-t", "-S", str(tmp_path)]


@pytest.mark.parametrize("worker", ["local", "far"])
def test_todir_opens_a_shell_where_the_job_ran(
    worker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a remote worker it went to the path of the same name on this machine."""
    started: list[list[str]] = []
    monkeypatch.chdir("/")
    monkeypatch.setattr("jfr_cli.commands.job_files.named_job", lambda *_, **__: found)
    monkeypatch.setattr(type(CURRENT), "reader", lambda self: nullcontext())
    monkeypatch.setattr(type(CURRENT), "project", PROJECT)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("os.execvp", lambda name, words: started.append(words))
    found = job(worker, str(tmp_path))
    todir("7", shell="fish")
    if worker == "local":
        assert (started, Path.cwd()) == ([["fish"]], tmp_path)
    else:
        (words,) = started
        assert (words[:2], words[-1]) == (["ssh", "-t"], f"cd {tmp_path} && exec fish")
        assert Path.cwd() == Path("/")


@pytest.mark.parametrize(
    ("run_dir", "said"), [(None, "has no run directory yet: it is READY"), ("/none", "/none")]
)
def test_no_folder(run_dir: str | None, said: str) -> None:
    with pytest.raises(NotFoundError, match=said):
        run_folder(job("local", run_dir), PROJECT)
