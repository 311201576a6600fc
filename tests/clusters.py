"""A Slurm of one machine for tests, from the testbed beside the project, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parents[2] / "shared" / "testbed" / "slurm_fixture.py"
PROGRAMS = ("sbatch", "squeue", "scancel", "sinfo", "/usr/sbin/slurmctld", "/usr/sbin/slurmd")


def why_no_slurm(environment: Mapping[str, str]) -> str:
    """Why no cluster can be started here; "" where one can."""
    if not FIXTURE.exists():
        return "there is no testbed beside the project"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        said = environment.get("JFR_SLURM_UNAVAILABLE")
        return said or f"Slurm is not installed ({missing[0]} is missing)"
    return ""


_START = """
import runpy, sys
from pathlib import Path
fixture = runpy.run_path(sys.argv[1], run_name="fixture")
known = fixture["write_conf"].__globals__
for words in sys.argv[3:]:
    old, _, new = words.partition("=>")
    known["CONF"] = known["CONF"].replace(old, new) if old else known["CONF"] + new + "\\n"
fixture["start"](Path(sys.argv[2]), 1, 4, False)
"""
CGROUP_CONF = """\
CgroupMountpoint=/sys/fs/cgroup
CgroupPlugin=cgroup/v1
ConstrainRAMSpace=yes
ConstrainSwapSpace=yes
"""
MEMORY_IS_ENFORCED = (
    "proctrack/{proctrack}=>proctrack/cgroup",
    "task/none=>task/cgroup",
    "CR_Core=>CR_Core_Memory",
)
"""Changes of the configuration with which a job cannot use more memory than it asked for."""


def can_enforce_memory() -> bool:
    """Whether Slurm can limit the memory of jobs here: by control groups of version 1, as root."""
    return os.access("/sys/fs/cgroup/memory/cgroup.procs", os.W_OK) and os.geteuid() == 0


@contextmanager
def slurm(folder: Path, *changes: str) -> Iterator[str]:
    """Start a cluster; yields the path of its configuration, which clients need.

    Each of ``changes`` replaces a part of the configuration, ``old=>new``, or adds ``=>line``.
    """
    if reason := why_no_slurm(os.environ):
        if os.environ.get("CI") and FIXTURE.exists() and "JFR_SLURM_UNAVAILABLE" not in os.environ:
            pytest.fail(f"no Slurm, and nothing says that it cannot be had: {reason}")
        pytest.skip(f"no Slurm: {reason}")
    command = [sys.executable, str(FIXTURE)]
    folder.mkdir(exist_ok=True)
    (folder / "cgroup.conf").write_text(CGROUP_CONF)
    start = [sys.executable, "-c", _START, str(FIXTURE), str(folder), *changes]
    subprocess.run(start, check=True, timeout=60, capture_output=True)
    try:
        yield str(folder / "slurm.conf")
    finally:
        subprocess.run([*command, "stop", str(folder)], timeout=60, capture_output=True)
