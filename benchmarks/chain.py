"""A chain of five trivial jobs, from submission to COMPLETED, against the import of jobflow.

The worker is not warm: every job starts a Python process that imports jobflow, so five imports are
the floor; `throughput.py` has the same with warm processes. Runs on the embedded engine, and on
MongoDB where JFR_TEST_MONGO_URI is set. ``python benchmarks/chain.py``
"""

from __future__ import annotations

import statistics

from measuring import PYTHON, Table, engines, project, run, scratch, seconds

SUBMIT = """
from jobflow import Flow
from controller import submit_flow
from chain_jobs import add
jobs = [add(1, 1)]
for _ in range(4):
    jobs.append(add(jobs[-1].output, 1))
print(*submit_flow(Flow(jobs)))
"""
JOBS = "from jobflow import job\n@job\ndef add(a, b):\n    return a + b\n"
REPEATS = 3


def chain(table: Table, engine: str) -> None:
    with scratch() as folder, project(engine, folder, {"chain_jobs": JOBS}) as made:
        text = made.file.read_text()
        made.file.write_text(text.replace("warm: true", "warm: false"))
        turns = []
        for _ in range(REPEATS):
            yard = seconds(lambda: run(PYTHON, "-c", "import jobflow"))
            submit = seconds(lambda: made.python(SUBMIT))
            ran = seconds(lambda: made.jf("runner", "run", "--until-idle"))
            turns.append((yard, submit, ran))
        yard, submit, ran = (statistics.median(each) for each in zip(*turns))
        states = made.jf("job", "list", "--max-results", "0").count("COMPLETED")
        if states != 5 * REPEATS:
            raise SystemExit(f"{states} jobs of {5 * REPEATS} are COMPLETED")
        table.row(
            f"five jobs, submitted until COMPLETED, {engine}",
            submit + ran,
            5 * yard + 3,
            "s",
            f"5 x import of jobflow ({yard:.2f} s) + 3 s",
        )
        table.note(
            f"submission {submit:.1f} s, runner {ran:.1f} s: {5 * yard:.1f} s five imports on the "
            f"worker, {2 * yard:.1f} s those of submission and runner, "
            f"{submit + ran - 7 * yard:.1f} s all else"
        )


def main() -> int:
    table = Table("a chain of jobs")
    for engine in engines():
        chain(table, engine)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
