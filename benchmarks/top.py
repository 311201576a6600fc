"""What `jf top` costs at 100,000 jobs: share of a core, and bytes per second over the line.

It runs in a terminal of 80 columns and 24 lines, with twenty jobs under way whose run times go on.
Idle means that nothing changes in the database; busy, that another process changes a job each half
second, so that everything is read again each time. The yardstick is absolute: a core's second, and
2 kB. ``python benchmarks/top.py [SECONDS]``
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import pexpect
from measuring import JF, Project, Table, filled_project

from controller.config import ConfigManager
from controller.documents import utc_now
from controller.jobcontroller import JobController
from controller.states import JobState

JOBS = 100_000
SHARE_LIMIT = 3.0
"""Per cent of a core."""
BYTES_LIMIT = 2000.0
"""Per second."""


class Top:
    """A `jf top` in a terminal."""

    def __init__(self, made: Project) -> None:
        env = {**os.environ, **made.env, "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES"):
            env.pop(name, None)
        self._child = pexpect.spawn(JF, ["top"], env=env, dimensions=(24, 80), timeout=60)
        self._child.expect("quit")

    def processor(self) -> float:
        """Return the seconds of processor time that it has used."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def bytes_in(self, seconds: float, change: bool, controller: JobController) -> int:
        """Read what it writes for some time; perhaps change a job again and again meanwhile."""
        written, end, number = 0, time.monotonic() + seconds, 0
        while time.monotonic() < end:
            if change:
                number += 1
                controller.queue.jobs.update_one({"db_id": "3"}, {"$set": {"priority": number}})
            step = min(end, time.monotonic() + 0.5)
            while (left := step - time.monotonic()) > 0:
                try:
                    written += len(self._child.read_nonblocking(65536, timeout=left))
                except pexpect.TIMEOUT:
                    break
        return written

    def close(self) -> None:
        """End it."""
        self._child.send("q")
        self._child.expect(pexpect.EOF)
        self._child.close()


def set_under_way(controller: JobController) -> None:
    """Let twenty jobs run."""
    for number in range(20):
        since = utc_now() - timedelta(seconds=97 * number)
        controller.queue.jobs.update_one(
            {"db_id": str(5 * number + 1)},
            {"$set": {"state": JobState.RUNNING.value, "start_time": since}},
        )


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    table = Table(f"jf top, {JOBS} jobs, embedded database, {seconds:.0f} s each")
    with filled_project(JOBS) as (made, _):
        project = next(iter(ConfigManager(folder=made.file.parent).projects.values()))
        with JobController.from_project(project) as controller:
            set_under_way(controller)
            top = Top(made)
            top.bytes_in(12.0, False, controller)  # the hour is counted, and the count settles
            for what, change in (("idle", False), ("busy", True)):
                before = top.processor()
                written = top.bytes_in(seconds, change, controller)
                share = 100 * (top.processor() - before) / seconds
                table.row(f"{what}: share of a core", share, SHARE_LIMIT, "%", "a core")
                table.row(f"{what}: written per second", written / seconds, BYTES_LIMIT, "B", "")
            top.close()
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
