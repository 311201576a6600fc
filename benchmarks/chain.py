"""A chain of five trivial jobs, from submission to COMPLETED, against the import of jobflow.

Every job starts a Python process that imports jobflow, so five imports are the floor. Runs on the
embedded engine, and on MongoDB where JFR_TEST_MONGO_URI is set.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

SCRIPT = """
from jobflow import Flow
from controller import submit_flow
from chain_jobs import add
jobs = [add(1, 1)]
for _ in range(4):
    jobs.append(add(jobs[-1].output, 1))
print(*submit_flow(Flow(jobs)))
"""
JOBS = "from jobflow import job\n@job\ndef add(a, b):\n    return a + b\n"


def timed(*words: str, env: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, env=env, check=True, capture_output=True)
    return time.perf_counter() - start


def chain(engine: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "chain_jobs.py").write_text(JOBS)
        (folder / "settings.yaml").touch()
        python, jf = sys.executable, str(Path(sys.executable).with_name("jf"))
        env = {
            **os.environ,
            "JFREMOTE_PROJECTS_FOLDER": str(folder / "projects"),
            "JFREMOTE_CONFIG_FILE": str(folder / "settings.yaml"),
            "PYTHONPATH": os.pathsep.join([name, os.environ.get("PYTHONPATH", "")]),
        }
        timed(jf, "quickstart", env=env)
        if engine == "mongodb":
            to_mongodb(folder / "projects" / "jfr.yaml")
            timed(jf, "admin", "reset", "--yes", env=env)
        yard = min(timed(python, "-c", "import jobflow", env=env) for _ in range(3))
        submit = timed(python, "-c", SCRIPT, env=env)
        run = timed(jf, "runner", "run", "--until-idle", env=env)
        limit = 5 * yard + 3
        print(
            f"{engine}: submit {submit:.1f} s + run {run:.1f} s = {submit + run:.1f} s; "
            f"import of jobflow {yard:.2f} s; limit 5 x import + 3 s = {limit:.1f} s; "
            f"ratio to limit {(submit + run) / limit:.2f}"
        )
        print(
            f"  where it goes: {5 * yard:.1f} s five imports on the worker, {2 * yard:.1f} s those "
            f"of submission and runner, {submit + run - 7 * yard:.1f} s all else"
        )


def to_mongodb(path: Path) -> None:
    from ruamel.yaml import YAML

    yaml = YAML()
    project = yaml.load(path)
    store = {
        "type": "MongoURIStore",
        "uri": os.environ["JFR_TEST_MONGO_URI"],
        "database": f"jfr_bench_{uuid4().hex[:8]}",
    }
    project["queue"]["store"] = {**store, "collection_name": "jobs"}
    yaml.dump(project, path)


if __name__ == "__main__":
    chain("embedded")
    if os.environ.get("JFR_TEST_MONGO_URI"):
        chain("mongodb")
