"""Bytes of the queue file for each finished trivial job: live, with its events, and archived.

A project as `jf quickstart` makes it runs jobs to their end, in flows of one and of a hundred; the
runner ends idle, as a service would be. What a file without jobs takes is left out of the archived
figures, as it does not grow. ``python benchmarks/bytes_per_job.py [JOBS]``
"""

from __future__ import annotations

import sys

from measuring import Project, Table, project, scratch

JOBS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
LIVE, ARCHIVED = 2000, 600
"""Bytes at most."""
MODULE = """
from jobflow import job
@job
def nothing(a):
    return a
"""
SUBMIT = """
import sys
from jobflow import Flow
from controller import submit_flow
from bytes_jobs import nothing
count, size = int(sys.argv[1]), int(sys.argv[2])
for start in range(0, count, size):
    submit_flow(Flow([nothing(n) for n in range(size)]))
"""


def size_of(made: Project) -> int:
    """Return the bytes of the queue file with its log."""
    folder = made.file.with_suffix("")
    return sum(path.stat().st_size for path in folder.glob("queue.sqlite*"))


def measure(table: Table, per_flow: int) -> None:
    with scratch() as folder, project("embedded", folder, {"bytes_jobs": MODULE}) as made:
        made.jf("admin", "compact")
        empty = size_of(made)
        made.python(SUBMIT, str(JOBS), str(per_flow))
        made.jf("runner", "run", "--until-idle")
        what = f"{JOBS} finished jobs in flows of {per_flow}"
        table.row(f"{what}, live", size_of(made) / JOBS, LIVE, "B", "whole file, with events")
        made.jf("flow", "archive", "--yes")
        made.jf("admin", "compact")
        left = size_of(made) - empty
        table.row(f"{what}, archived", left / JOBS, ARCHIVED, "B", f"+ {empty} B of an empty file")


def main() -> int:
    table = Table("bytes of the queue file per finished trivial job")
    for per_flow in (1, 100):
        measure(table, per_flow)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
