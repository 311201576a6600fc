"""Find out what is on a worker, with one command."""

from __future__ import annotations

import shlex
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from controller.hosts import Host
from controller.rules.worker_facts import COMMANDS, WorkerFacts, read_facts

if TYPE_CHECKING:
    from controller.config.workers import WorkerBase

PACKAGES = ("jfr", "jobflow-remote", "jobflow", "monty", "maggma", "pydantic", "numpy", "pymatgen")
"""Packages whose versions matter to jobs."""

_ASK = """\
import json, platform
try:
    from importlib.metadata import version
except ImportError:
    from pkg_resources import get_distribution
    version = lambda name: get_distribution(name).version
found = {}
for name in @NAMES@:
    try:
        found[name] = version(name)
    except Exception:
        pass
print("jfr:python=" + platform.python_version())
print("jfr:packages=" + json.dumps(found))
"""
_SCRIPT = """\
echo "jfr:clock=$(date +%s)"
echo "jfr:user=$(id -un)"; echo "jfr:host=$(uname -n)"
jfr_p=$(command -v @PROGRAM@); echo "jfr:program=$jfr_p"
for c in @COMMANDS@; do echo "jfr:command.$c=$(command -v "$c")"; done
echo "jfr:free=$(df -Pk @WORK_DIR@ 2>/dev/null | awk 'END {print $4}')"
jfr_first() { LC_ALL=C sed -n "$1" "$jfr_p" 2>/dev/null; }
jfr_py=$(jfr_first '1s/^#! *\\([^ ]*python[^ ]*\\).*/\\1/p')
[ -x "$jfr_py" ] || jfr_py=$(jfr_first "2s/^'''exec' *\\"*\\([^ \\"]*\\).*/\\1/p")
[ -x "$jfr_py" ] || jfr_py=$(command -v python || command -v python3)
[ -z "$jfr_py" ] || "$jfr_py" -c @ASK@
"""


def find_out(host: Host, worker: WorkerBase) -> WorkerFacts:
    """Return what is on a worker: its `jf`, the Python of that, queue, space and clock.

    Raises
    ------
    RemoteError
        The worker refused, or did not answer in time.
    HostUnavailableError
        It cannot be reached.
    """
    script = (
        _SCRIPT.replace("@PROGRAM@", shlex.quote(worker.command.split()[0]))
        .replace("@COMMANDS@", " ".join(COMMANDS.get(worker.scheduler_name, ())))
        .replace("@WORK_DIR@", shlex.quote(str(worker.work_dir)))
        .replace("@ASK@", shlex.quote(_ASK.replace("@NAMES@", repr(PACKAGES))))
    )
    started = time.time()
    done = host.execute(as_jobs_run(worker, script))
    return read_facts(done.stdout, worker.scheduler_name, started=started, ended=time.time())


def as_jobs_run(worker: WorkerBase, command: str) -> str:
    """Return a command as jobs run it: in bash, after the worker's pre_run."""
    lines = [line for line in (worker.pre_run, command) if line]
    return f"bash -c {shlex.quote(chr(10).join(lines))}"


def packages_here() -> dict[str, str]:
    """{name: version} of the packages that matter, on this machine."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def python_here() -> str:
    """Version of Python on this machine."""
    return ".".join(map(str, sys.version_info[:3]))
