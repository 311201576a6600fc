"""``jf worker login``, in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sshd import SSHServer
from typer.testing import CliRunner

from controller.errors import ArgumentError, HostUnavailableError


@pytest.fixture
def jf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run `jf` on a project with some workers."""

    def run(workers: dict[str, Any], *words: str) -> Any:
        store = {"type": "EmbeddedStore", "path": str(tmp_path / "q"), "collection_name": "jobs"}
        described = {"name": "test", "workers": workers, "queue": {"store": store}}
        from controller.config import Project
        from jfr_cli.app import app
        from jfr_cli.session import CURRENT

        monkeypatch.setattr(CURRENT, "_project", Project.model_validate(described))
        return CliRunner().invoke(app, words)

    return run


def test_a_login_that_works_by_itself_is_tried_out(
    start: Callable[..., SSHServer], jf: Callable[..., Any]
) -> None:
    server = start()
    done = jf({"cluster": server.worker()}, "worker", "login", "cluster")
    assert (done.exit_code, server.logins()) == (0, 1), done.output
    server.wait_until_free()
    server.stop()
    refused = jf({"cluster": server.worker()}, "worker", "login", "cluster")
    assert isinstance(refused.exception, HostUnavailableError)


def test_there_is_nowhere_to_log_in(jf: Callable[..., Any]) -> None:
    here = {"type": "local", "scheduler_type": "shell", "work_dir": "/work"}
    done = jf({"here": here}, "worker", "login", "here")
    assert isinstance(done.exception, ArgumentError)
