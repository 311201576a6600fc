"""`jf --help` and `jf job list`, against an empty Typer program with as many groups."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jfr_cli.app import GROUPS

EMPTY = """
import typer
app = typer.Typer()
{groups}
app()
"""
GROUP = """
g{n} = typer.Typer(help="A group.")
@g{n}.callback()
def _c{n}(): pass
app.add_typer(g{n}, name="g{n}")
"""
FILL = """
from controller import JobController
from controller.documents import new_job_document
from controller.states import JobState
from uuid import uuid4
with JobController.from_project_name() as c:
    c.jobs.insert_many([
        new_job_document({"uuid": str(uuid4()), "index": 1, "name": f"job {n}", "hosts": ["f"]},
                         db_id=str(n), parents=[], state=JobState.COMPLETED, worker="local")
        for n in range(10000)])
"""


def median(*words: str, env: dict[str, str], times: int = 7) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(words, env=env, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    python, jf = sys.executable, str(Path(sys.executable).with_name("jf"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "settings.yaml").touch()
        empty = folder / "empty.py"
        empty.write_text(
            EMPTY.format(groups="".join(GROUP.format(n=n) for n in range(len(GROUPS))))
        )
        env = {
            **os.environ,
            "JFREMOTE_PROJECTS_FOLDER": str(folder / "projects"),
            "JFREMOTE_CONFIG_FILE": str(folder / "settings.yaml"),
        }
        yard = median(python, str(empty), "--help", env=env)
        typer = median(python, "-c", "import typer", env=env)
        print(f"yardstick: help of an empty Typer program {yard:.3f} s; import typer {typer:.3f} s")
        for words in (["--help"], ["--version"]):
            took = median(jf, *words, env=env)
            print(f"jf {' '.join(words)}: {took:.3f} s, {took / yard:.2f} x the yardstick")
        subprocess.run([jf, "quickstart"], env=env, check=True, capture_output=True)
        subprocess.run([python, "-c", FILL], env=env, check=True)
        for words in (["job", "list"], ["job", "list", "-m", "0", "--json"]):
            took = median(jf, *words, env=env, times=3)
            print(
                f"jf {' '.join(words)}, 10,000 jobs: {took:.2f} s, "
                f"{took / typer:.1f} x import typer"
            )


if __name__ == "__main__":
    main()
