"""A Slurm of three small shell scripts and a folder, and the nodes that run what it holds.

``ids/N``     was given out
``queue/N``   is listed: the path of the run directory
``running/N`` has begun
``executed``  one line per execution: "uuid index N"
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from controller.execution.files import IN_FILE
from controller.execution.formats import decode_json
from controller.execution.run import run_remote_job

_HERE = "JFR_CHAOS_CLUSTER"
_SCRIPTS = {
    "sbatch": f"""\
n=1
while ! (set -C; : > "${_HERE}/ids/$n") 2>/dev/null; do n=$((n + 1)); done
pwd > "${_HERE}/new.$n" && mv "${_HERE}/new.$n" "${_HERE}/queue/$n"
echo "Submitted batch job $n"
""",
    "squeue": f"""\
for file in "${_HERE}"/queue/*; do
  [ -e "$file" ] || continue
  n=${{file##*/}}; state=PENDING; [ ! -e "${_HERE}/running/$n" ] || state=RUNNING
  echo "$n|$state|None|n1|(null)"
done
""",
    "scancel": f"""\
for last; do :; done
rm -f "${_HERE}/queue/$last"
""",
}


@dataclass(frozen=True)
class Cluster:
    """The queue in a folder."""

    folder: Path

    def create(self) -> None:
        """Make the folder, with nothing in it."""
        for name in ("ids", "queue", "running", "bin", "marks"):
            (self.folder / name).mkdir(parents=True)
        for name, text in _SCRIPTS.items():
            script = self.folder / "bin" / name
            script.write_text(f"#!/bin/sh\n{text}")
            script.chmod(0o755)

    def environment(self) -> dict[str, str]:
        """Variables with which commands and jobs find it."""
        return {
            _HERE: str(self.folder),
            "JFR_CHAOS_MARKS": str(self.folder / "marks"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
        }

    def listed(self) -> dict[str, Path]:
        """{id: run directory} of what has not ended."""
        found = (self.folder / "queue").iterdir()
        return {p.name: Path(p.read_text().strip()) for p in sorted(found, key=lambda p: p.name)}

    def start(self) -> int:
        """Let everything begin that is queued."""
        for number in self.listed():
            (self.folder / "running" / number).touch()
        return len(self.listed())

    def work(self, limit: int = 1000, *, vanish: bool = False) -> int:
        """Run what is queued, in this process; returns how many jobs left the queue.

        Parameters
        ----------
        vanish
            The node breaks down at the first: it leaves the queue without a result.
        """
        done = 0
        for number, run_dir in list(self.listed().items())[:limit]:
            if not (vanish and done == 0):
                self._execute(number, run_dir)
            (self.folder / "queue" / number).unlink(missing_ok=True)
            done += 1
        return done

    def _execute(self, number: str, run_dir: Path) -> None:
        """Do what the submission script does: only the first of several submissions runs."""
        try:
            with (run_dir / "jfr_started").open("x") as stream:
                stream.write(f"{number}\n")
        except FileExistsError:
            if (run_dir / "jfr_started").read_text().split()[:1] != [number]:
                return
        except FileNotFoundError:
            return
        if (run_dir / "jfr_withdrawn").exists():
            return
        job = decode_json((run_dir / IN_FILE).read_bytes())["job"]
        with (self.folder / "executed").open("a") as stream:
            stream.write(f"{json.dumps([job['uuid'], job['index'], number])}\n")
        run_remote_job(run_dir)
        os.chdir(self.folder)

    def executed(self) -> list[tuple[str, int]]:
        """(uuid, index) of every execution."""
        try:
            lines = (self.folder / "executed").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [(uuid, index) for uuid, index, _ in map(json.loads, lines)]
