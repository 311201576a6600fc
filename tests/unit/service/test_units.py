"""What `jf runner unit` prints works as printed, whatever the project is called."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from controller.config import Project
from controller.service import lockfile
from controller.service.lockfile import RunnerLock, holders, lock_path
from controller.service.units import cron_line, systemd_unit, unit_name

NAME = "it's 100% $mine"


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JFREMOTE_PROJECTS_FOLDER", '/home/me/my "projects" 5% $HOME')


def unit(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(text)
    return parser


def test_a_unit_of_systemd() -> None:
    text = systemd_unit(NAME)
    service = unit(text)["Service"]
    # systemd reads quotes as a shell does, and %% as one %.
    words = [
        word.replace("%%", "%").replace("$$", "$") for word in shlex.split(service["ExecStart"])
    ]
    assert words[-4:] == ["-p", NAME, "runner", "run"]
    assert Path(words[0]).name == "jf"
    folder = 'JFREMOTE_PROJECTS_FOLDER=/home/me/my \\"projects\\" 5%% $HOME'
    assert f'Environment="{folder}"' in text.splitlines()
    assert "loginctl enable-linger" in text
    assert service["KillMode"] == "process", "jobs outlive their runner"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_accepts_it(tmp_path: Path) -> None:
    file = tmp_path / "jfr-test.service"
    file.write_text(systemd_unit("test"))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "jfr-test.service:" not in done.stderr


def test_lines_of_a_crontab(tmp_path: Path) -> None:
    """cron gives what is after the times to a shell, a backslash before each % removed."""
    lines = [line for line in cron_line(NAME).splitlines() if not line.startswith("#")]
    assert [line.split()[0] for line in lines] == ["@reboot", "*/10"]
    for line, times in zip(lines, (1, 5)):
        command = line.split(None, times)[times]
        assert "%" not in command.replace(r"\%", "")
        as_run = command.replace(r"\%", "%").replace(">/dev/null 2>&1", "")
        words = shlex.split(as_run)
        assert words[-4:] == ["-p", NAME, "runner", "start"]
        assert 'JFREMOTE_PROJECTS_FOLDER=/home/me/my "projects" 5% $HOME' in words


def test_a_lock_on_a_network_disk_lies_in_a_local_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockfile, "is_network_file_system", lambda path: True)
    monkeypatch.setattr(lockfile.tempfile, "gettempdir", lambda: str(tmp_path / "local"))
    described = {
        "name": "far",
        "base_dir": str(tmp_path / "nfs"),
        "workers": {},
        "queue": {"store": {"type": "MemoryStore"}},
    }
    project = Project.model_validate(described)
    assert lock_path(project, "runner").is_relative_to(tmp_path / "local")
    lock = RunnerLock.acquire(project, "runner")
    assert lock is not None
    assert set(holders(project)) == {"runner"}
    lock.release()
    assert not Path(project.daemon_dir).exists()


def test_a_unit_has_a_name_that_systemd_and_a_shell_take() -> None:
    assert unit_name("jfr") == "jfr-jfr.service"
    assert unit_name("my lab") == r"jfr-my\x20lab.service"
    unit = systemd_unit("my lab")
    assert r"#   systemctl --user enable --now 'jfr-my\x20lab.service'" in unit
    assert r"> ~/.config/systemd/user/'jfr-my\x20lab.service'" in unit
    if program := shutil.which("systemd-escape"):
        said = subprocess.run([program, "my lab é"], capture_output=True, text=True, check=True)
        assert f"jfr-{said.stdout.strip()}.service" == unit_name("my lab é")
