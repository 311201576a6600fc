"""`jf project check -w cluster`: what is wrong with a worker, in one line that names it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sshd import SSHServer, worker_on

from controller.checks import CheckResult, check_project
from controller.config import Project
from controller.operations.worker_facts import find_out

Start = Callable[..., SSHServer]


def checked(server: SSHServer, tmp_path: Path, **fields: Any) -> list[CheckResult]:
    here = Path(sys.executable).parent
    fields = {"pre_run": f"export PATH={here}:$PATH", "work_dir": str(tmp_path / "w d"), **fields}
    described = {
        "name": "test",
        "base_dir": str(tmp_path / "base"),
        "workers": {"cluster": server.worker(**fields)},
        "queue": {"store": {"type": "MemoryStore"}},
    }
    return check_project(Project.model_validate(described), ["worker"])


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_what_is_found_and_what_would_break(start: Start, tmp_path: Path) -> None:
    """One server, and one worker after the other."""
    server = start()
    good = checked(server, tmp_path)
    assert [r.problem for r in good] == [None, None]
    assert server.logins() == 1
    assert good[0].note == str(Path(sys.executable).with_name("jf"))
    assert ", Python 3." in (good[1].note or "")
    assert "jobflow " in (good[1].note or "")
    assert " GB free" in (good[1].note or "")

    nothing = checked(server, tmp_path, pre_run=None, execution_cmd="no_such_jf run {}")
    assert [r.problem for r in nothing] == ["the command 'no_such_jf' is not found on the worker"]
    assert nothing[0].what == "worker cluster"
    assert "pre_run" in (nothing[0].hint or "")

    (tmp_path / "file").write_text("")
    (no_folder,) = checked(server, tmp_path, work_dir=str(tmp_path / "file"))
    assert str(tmp_path / "file") in (no_folder.problem or "")
    (read_only,) = checked(server, tmp_path, work_dir="/proc/jfr")
    assert "/proc/jfr" in (read_only.problem or "")

    other = tmp_path / "other"
    program(other / "jf", f"#!{other}/python3\n")
    said = 'jfr:python=3.8.1\njfr:packages={"jobflow-remote": "1.0.1", "jobflow": "0.0.1"}'
    program(other / "python3", f"#!/bin/sh\necho '{said}'\n")
    program(other / "date", "#!/bin/sh\nexpr $(/bin/date +%s) + 3600\n")
    strange = checked(server, tmp_path, pre_run=f"export PATH={other}:$PATH")
    problems = [r.problem or "" for r in strange if r.problem]
    assert [p.partition(" is ")[0] for p in problems] == ["Python", "jobflow", "its clock"]
    assert all(r.warning and r.hint for r in strange if r.problem)

    program(other / "python3", '#!/bin/sh\necho \'jfr:packages={"numpy": "1"}\'\n')
    (broken,) = [
        r
        for r in checked(server, tmp_path, pre_run=f"export PATH={other}:/bin:/usr/bin")
        if not r.ok
    ]
    assert "has neither jfr nor jobflow-remote" in (broken.problem or "")


def test_the_commands_of_the_scheduler_are_looked_for(start: Start, tmp_path: Path) -> None:
    server = start()
    program(tmp_path / "bin" / "qsub", "#!/bin/sh\n")
    worker = worker_on(
        server,
        scheduler_type="sge",
        pre_run=f"export PATH={tmp_path / 'bin'}:/bin:/usr/bin; hash -r",
        work_dir=str(tmp_path),
    )
    from controller.hosts.pool import Pool, open_host

    pool = Pool()
    try:
        facts = find_out(open_host(worker, "cluster", pool), worker)
    finally:
        pool.close()
    assert "qsub" not in facts.missing_commands
    assert facts.user == (os.environ.get("USER") or facts.user)
    assert facts.clock == pytest.approx(0.0)


def test_a_home_folder_is_written_in_full(start: Start, tmp_path: Path) -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="absolute path"):
        checked(start(), tmp_path, work_dir="~/work")
