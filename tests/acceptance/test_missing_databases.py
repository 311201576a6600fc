"""A database that is not there is never replaced by an empty one, whoever asks."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from installed_jf import Run

COMMANDS = [
    ["job", "list"],
    ["flow", "list"],
    ["job", "info", "1"],
    ["job", "pause", "-y"],
    ["flow", "delete", "-y"],
    ["job", "report"],
    ["runner", "run", "--until-idle"],
    ["runner", "status"],
    ["admin", "doctor"],
    ["admin", "upgrade"],
    ["admin", "unlock", "-y"],
    ["batch", "list"],
    ["project", "migrate", "--to", "mongodb://127.0.0.1:1/x", "--dry-run"],
]


def remove_file(folder: Path) -> None:
    (folder / "queue.sqlite").unlink()


@pytest.fixture(params=[remove_file, shutil.rmtree], ids=["file", "folder"])
def remove(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """What goes: the file, or the folder of the project, as with a disk that is not mounted."""
    chosen: Callable[[Path], None] = request.param
    return chosen


@pytest.fixture
def base(jf: Run, tmp_path: Path) -> Path:
    """The folder of a fresh project on the embedded database."""
    assert jf("quickstart").returncode == 0
    (found,) = (tmp_path / "projects").glob("*/queue.sqlite")
    return found.parent


def refused(done: subprocess.CompletedProcess[str], base: Path) -> None:
    """It said in one line which file is not there, and what to do."""
    assert (done.returncode, done.stdout) == (4, ""), done.stdout + done.stderr
    first, hint = done.stderr.splitlines()[-2:]
    assert first == f"jf: the database {base / 'queue.sqlite'} does not exist"
    assert "mount" in hint
    assert "jf admin reset" in hint
    assert not (base / "queue.sqlite").exists()


def test_no_command_makes_a_database_anew(
    jf: Run, base: Path, remove: Callable[[Path], None]
) -> None:
    remove(base)
    for words in COMMANDS if remove is remove_file else COMMANDS[:2]:
        refused(jf(*words), base)
    refused(jf("quickstart"), base)
    checked = jf("--json", "project", "check", "--queue")
    assert checked.returncode == 9
    assert "does not exist" in json.loads(checked.stdout)[-1]["problem"]
    assert not (base / "queue.sqlite").exists()


def test_a_backup_is_not_replaced_by_nothing(jf: Run, base: Path, tmp_path: Path) -> None:
    assert jf("backup", "create", str(tmp_path / "b")).returncode == 0
    dump = tmp_path / "b" / "queue" / "jf_auxiliary.bson"
    before = dump.read_bytes()
    assert (dump.stat().st_mode & 0o777, dump.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    remove_file(base)
    refused(jf("backup", "create", str(tmp_path / "b")), base)
    assert dump.read_bytes() == before
    (base / "queue.sqlite").touch()  # a file, but nobody has set it up
    assert jf("backup", "create", str(tmp_path / "b")).returncode == 4
    assert dump.read_bytes() == before


def test_what_makes_one(
    jf: Run, base: Path, tmp_path: Path, remove: Callable[[Path], None]
) -> None:
    assert jf("backup", "create", str(tmp_path / "b")).returncode == 0
    remove(base)
    dry = jf("admin", "reset", "--dry-run")
    assert (dry.returncode, (base / "queue.sqlite").exists()) == (0, False), dry.stderr
    assert jf("admin", "reset").returncode == 0
    assert jf("job", "list").returncode == 0
    remove(base)
    folder = str(tmp_path / "b" / "queue")
    dry = jf("backup", "restore", folder, "--dry-run")
    assert (dry.returncode, (base / "queue.sqlite").exists()) == (0, False), dry.stderr
    assert jf("backup", "restore", folder).returncode == 0
    assert jf("job", "list").returncode == 0
    assert (base / "queue.sqlite").stat().st_mode & 0o777 == 0o600
