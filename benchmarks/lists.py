"""How long lists of 10,000 jobs take, and how soon `jf` says that a server does not answer.

Lists are measured by the import of typer: 0.6 s for the newest hundred where that takes 0.1 s,
and 2 s for all of them. A list does not wait for a process that is stopped in
a transaction. ``python benchmarks/lists.py [REPEATS]``
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from measuring import (
    JF,
    PYTHON,
    Project,
    Table,
    filled_project,
    in_turn,
    run,
    seconds,
    usual,
)

JOBS = 10_000
LIST_LIMIT = 6.0
"""Times a Python that imports typer."""
ALL_LIMIT = 20.0
"""Times a Python that imports typer."""
STOPPED_LIMIT = 1.5
"""Times the same alone."""
STOPS = """
import sys, time
from controller.storage.embedded import open_database
database = open_database(sys.argv[1])
jobs = database.collection("jobs")
with database.transaction() as session:
    jobs.update_many({"db_id": {"$in": ["1", "2"]}}, {"$set": {"priority": 9}}, session=session)
    print("within", flush=True)
    time.sleep(600)
"""
AWAY = """
name: away
base_dir: {folder}
workers: {{}}
jobstore: {{docs_store: {{type: MemoryStore}}}}
queue:
  store: {{type: MongoStore, host: {host}, port: 9, database: x, collection_name: jobs}}
"""


def job_lists(table: Table, made: Project, repeats: int) -> None:
    taken = in_turn(
        {
            "list": lambda: made.jf("job", "list"),
            "table": lambda: made.jf("job", "list", "-m", "0"),
            "json": lambda: made.jf("job", "list", "--json", "-m", "0"),
            "typer": lambda: run(PYTHON, "-c", "import typer"),
        },
        repeats,
    )
    typer = taken["typer"]
    for what, name, limit in (
        (f"jf job list, {JOBS} jobs in the database", "list", LIST_LIMIT),
        (f"all {JOBS} jobs as a table in a pipe", "table", ALL_LIMIT),
        (f"all {JOBS} jobs as JSON", "json", ALL_LIMIT),
    ):
        by = f"{limit:.0f} x python -c 'import typer' ({typer:.3f} s)"
        table.row(what, taken[name], limit * typer, "s", by)


def beside_a_stopped_process(table: Table, made: Project, repeats: int) -> None:
    """List while another process is stopped within a transaction, having written."""
    queue = made.file.with_suffix("") / "queue.sqlite"
    taken: dict[str, list[float]] = {"alone": [], "beside": []}
    for _ in range(repeats):
        taken["alone"].append(seconds(lambda: made.jf("job", "list")))
        other = subprocess.Popen([PYTHON, "-c", STOPS, str(queue)], stdout=subprocess.PIPE)
        assert other.stdout is not None
        other.stdout.readline()
        os.kill(other.pid, signal.SIGSTOP)
        taken["beside"].append(seconds(lambda: made.jf("job", "list")))
        other.kill()
        other.communicate()
    alone, beside = usual(taken["alone"]), usual(taken["beside"])
    by = f"{STOPPED_LIMIT} x alone ({alone:.3f} s)"
    what = "jf job list while another process is stopped in a transaction"
    table.row(what, beside, STOPPED_LIMIT * alone, "s", by)


def unreachable(table: Table, made: Project) -> None:
    """How long until `jf` says that the server does not answer: one refuses, one is silent."""
    for what, host in (("refuses", "127.0.0.1"), ("is silent", "10.255.255.1")):
        folder = made.file.parent / what.replace(" ", "_")
        folder.mkdir()
        (folder / "away.yaml").write_text(AWAY.format(folder=folder, host=host))
        env = {**os.environ, **made.env, "JFREMOTE_PROJECTS_FOLDER": str(folder)}
        for doing, command, more, code, limit in (
            ("jf job list", [JF, "job", "list"], {}, 4, 5.0),
            ("TAB on a job id", [JF], {"_JF_OFFER": "jobs"}, 0, 2.0),
        ):
            start = time.perf_counter()
            done = subprocess.run(command, env={**env, **more}, capture_output=True, text=True)
            taken = time.perf_counter() - start
            if done.returncode != code:
                raise SystemExit(f"exit {done.returncode} instead of {code}: {done.stderr}")
            table.row(f"{doing} where a server {what}", taken, limit, "s", "absolute")


def main() -> int:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    table = Table("lists of the command line")
    with filled_project(JOBS) as (made, _):
        job_lists(table, made, repeats)
        beside_a_stopped_process(table, made, repeats)
        unreachable(table, made)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
