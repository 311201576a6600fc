"""PBS as far as Slurm has its commands: to submit and to cancel, with Slurm's own qsub and qdel."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import slurm

from controller.errors import RemoteError
from controller.hosts import LocalHost
from controller.schedulers import Queue, ScriptSpec, render_script

UNPACKED = Path(os.environ.get("JFR_TEST_TORQUE", "/nonexistent"))
"""Where the packages slurm-wlm-torque, libslurm-perl, libslurmdb-perl, libswitch-perl and
libslurm38 are unpacked: they cannot be installed beside Grid Engine."""
TOKEN = "0123456789abcdef" * 2

pytestmark = pytest.mark.skipif(
    not (UNPACKED / "usr/bin/qsub").exists(), reason="Slurm's commands of Torque are not unpacked"
)


@pytest.fixture
def torque(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    programs = tmp_path_factory.mktemp("bin")
    for folder in (UNPACKED / "usr/bin", Path("/usr/bin")):  # they call Slurm's where they lie
        for name in ("qsub", "qdel", "qstat", "sbatch", "scancel", "squeue", "scontrol"):
            if (folder / name).exists() and not (programs / name).exists():
                (programs / name).symlink_to(folder / name)
    libraries = UNPACKED / "usr/lib/x86_64-linux-gnu"
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    monkeypatch.setenv("PERL5LIB", f"{libraries / 'perl5/5.36'}:{UNPACKED / 'usr/share/perl5'}")
    with slurm(tmp_path_factory.mktemp("slurm")) as configuration:
        monkeypatch.setenv("SLURM_CONF", configuration)
        yield


def listed() -> dict[str, str]:
    done = subprocess.run(
        ["squeue", "-h", "-o", "%i %T"], capture_output=True, text=True, check=True, timeout=60
    )
    return {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}


@pytest.mark.usefixtures("torque")
def test_a_job_is_submitted_once_and_cancelled(tmp_path: Path) -> None:
    queue = Queue("pbs", LocalHost())
    spec = ScriptSpec(run_dir=str(tmp_path), command="sleep 60", name="a job", token=TOKEN)
    script = render_script(queue.scheduler, spec)
    assert queue.begin_attempt(tmp_path, TOKEN) is None
    process_id = queue.submit(tmp_path, script, TOKEN)
    assert queue.submit(tmp_path, script, TOKEN) == process_id
    assert set(listed()) == {process_id}
    with pytest.raises(RemoteError, match="cannot be queried about its jobs"):
        queue.poll([(process_id, tmp_path)])  # their ids lack the server: nothing is known
    queue.cancel(process_id, tmp_path)
    assert set(listed().values()) <= {"COMPLETING"}
