"""Scripts and crontab lines of the documentation, run as they stand there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from documented_pages import blocks_of
from installed_jf import Project, environment, with_warm_jf

DOCS = Path(__file__).parents[2] / "docs"
CRON_PAGES = ("scripts.md", "guides/backup.md")
PROGRAMS = "/home/me/jfr-venv/bin"
FLOWS = """
from acceptance_jobs import add, fail
from jobflow import Flow

def sums(a, b=0):
    return Flow([add(a, b), fail()])
"""
NIGHTLY = "from jobflow import job\n\n@job\ndef sums(a):\n    return a\n"


def blocks(language: str, page: str = "scripts.md") -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [block.body for block in blocks_of(text) if block.language == language]


@pytest.fixture
def env(fresh_embedded: Project, tmp_path: Path) -> dict[str, str]:
    """What a script of a user sees: jf, Python and the project."""
    (tmp_path / "flows.py").write_text(FLOWS)
    here = str(Path(__file__).parent)
    found = environment(fresh_embedded.folder, PYTHONPATH=here, HOME=str(tmp_path), USER="someone")
    found.pop("JFR_TEST_MONGO_URI", None)
    return found


def bash(text: str, env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", text],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_scripts_do_what_the_page_says(env: dict[str, str], tmp_path: Path) -> None:
    env = with_warm_jf(env)
    first, second, third = blocks("bash")
    done = bash(first, env, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["some jobs failed", "job 2: fail", "1"]
    assert "on purpose" not in done.stderr
    assert (tmp_path / "failed-2.log").exists()
    assert (tmp_path / "done.csv").read_text().splitlines()[0] == "db_id,name,run_time"
    assert (tmp_path / "done.csv").read_text().splitlines()[1].startswith("1,add,")
    again = bash(second, env, tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "plan.json").read_text())["modified"] == []
    assert json.loads((tmp_path / "outcome.json").read_text())["modified"] == ["2"]
    elsewhere = bash(third, env, tmp_path)
    assert "1 job completed, 1 failed" in elsewhere.stderr
    rows = (tmp_path / "jobs.csv").read_text().splitlines()
    assert {"db_id", "1", "2"} <= {row.split(",")[0] for row in rows}


def test_the_crontab_lines_run_without_an_environment(
    env: dict[str, str], fresh_embedded: Project, tmp_path: Path
) -> None:
    poor = {
        "HOME": str(tmp_path),
        "USER": "someone",
        "SHELL": "/bin/sh",
        "JFREMOTE_PROJECTS_FOLDER": str(fresh_embedded.folder),
        "JFREMOTE_CONFIG_FILE": env["JFREMOTE_CONFIG_FILE"],
    }
    found = [block for page in CRON_PAGES for block in blocks("crontab", page)]
    lines = [line for block in found for line in block.splitlines() if line]
    paths = {line for line in lines if line.startswith("PATH=")}
    assert paths == {f"PATH={PROGRAMS}:/usr/bin:/bin"}
    lines = [line for line in lines if line not in paths]
    poor["PATH"] = f"{env['PATH'].split(os.pathsep)[0]}:/usr/bin:/bin"
    assert len(lines) == 5
    (tmp_path / "nightly.py").write_text(NIGHTLY)
    for line in lines:
        command = line.split(maxsplit=5)[5].replace("-p jfr", "-p mine")
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env=poor,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), line
    assert fresh_embedded.controller.count_jobs() == 1
