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


@contextmanager
def slurm(folder: Path) -> Iterator[str]:
    """Start a cluster; yields the path of its configuration, which clients need."""
    if reason := why_no_slurm(os.environ):
        if os.environ.get("CI") and FIXTURE.exists() and "JFR_SLURM_UNAVAILABLE" not in os.environ:
            pytest.fail(f"no Slurm, and nothing says that it cannot be had: {reason}")
        pytest.skip(f"no Slurm: {reason}")
    command = [sys.executable, str(FIXTURE)]
    subprocess.run(
        [*command, "start", str(folder), "--cpus", "4"], check=True, timeout=60, capture_output=True
    )
    try:
        yield str(folder / "slurm.conf")
    finally:
        subprocess.run([*command, "stop", str(folder)], timeout=60, capture_output=True)
