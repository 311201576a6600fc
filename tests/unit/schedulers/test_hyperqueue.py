"""HyperQueue on recorded answers of `hq`, and on a stand-in that runs what is submitted."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from qtoolkit.core.data_objects import QResources, QState
from qtoolkit.core.exceptions import CommandFailedError, OutputParsingError

from controller.errors import RemoteError
from controller.hosts import LocalHost
from controller.schedulers import Queue, ScriptSpec, render_script
from controller.schedulers.dialects import dialect_of
from controller.schedulers.hyperqueue import HyperQueueIO, ids_of_token
from controller.schedulers.queued_jobs import UNSEEN, Submission

HQ = HyperQueueIO()


def listed(number: int, name: str = "echo", **stats: int) -> dict[str, Any]:
    """An entry of `hq --output-mode=json job list` of version 0.19."""
    none = {"canceled": 0, "failed": 0, "finished": 0, "running": 0, "waiting": 0}
    return {
        "cancel_reason": None,
        "id": number,
        "is_open": False,
        "name": name,
        "task_count": 1,
        "task_stats": {**none, **stats},
    }


@pytest.mark.parametrize(
    ("stats", "state"),
    [
        ({"waiting": 1}, QState.QUEUED),
        ({"running": 1}, QState.RUNNING),
        ({"finished": 1}, QState.DONE),
        ({"failed": 1}, QState.FAILED),
        ({"canceled": 1}, QState.FAILED),
        ({"waiting": 1, "failed": 2}, QState.QUEUED),
        ({}, QState.QUEUED),
    ],
)
def test_states(stats: dict[str, int], state: QState) -> None:
    (job,) = HQ.parse_jobs_list_output(0, json.dumps([listed(7, **stats)]), "")
    assert (job.job_id, job.state) == ("7", state)


@pytest.mark.parametrize(
    ("out", "job_id"),
    [
        ('{\n  "id": 12\n}\n', "12"),
        ('Welcome to the cluster\n{"id": 3}', "3"),
        ("", None),
        ("{", None),
        ("[]", None),
    ],
)
def test_the_id_of_a_submission(out: str, job_id: str | None) -> None:
    assert HQ.parse_submit_output(0, out.encode(), b"").job_id == job_id


@pytest.mark.parametrize(
    ("code", "out", "error"),
    [
        (1, "", CommandFailedError),  # no server
        (0, "", OutputParsingError),
        (0, '[{"id": 1', OutputParsingError),
        (0, '{"error": "no"}', OutputParsingError),
        (0, '[{"id": 1}]', OutputParsingError),
    ],
)
def test_listings_that_say_nothing(code: int, out: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        HQ.parse_jobs_list_output(code, out, "")


def test_tokens_are_names() -> None:
    text = json.dumps([listed(1, "jfr:t1"), listed(2, "jfr:t2"), listed(3, "jfr:t1")])
    assert ids_of_token(text, "t1") == ["1", "3"]
    assert ids_of_token("", "t1") == ids_of_token("{", "t1") == []


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({}, []),
        ({"cpus": 4, "mem": 2000}, ["--cpus=4", "--resource mem=2000"]),
        ({"time": "00:10:00"}, ["--time-request=600s", "--time-limit=600s"]),
        ({"time": "2h", "time_limit": "3h"}, ["--time-request=2h", "--time-limit=3h"]),
        ({"crash_limit": 1, "priority": 5}, ["--priority=5", "--crash-limit=1"]),
        ({"qverbatim": "#HQ --pin taskset"}, ["--pin taskset"]),
    ],
)
def test_headers(given: dict[str, Any], lines: list[str]) -> None:
    header = HQ.generate_header({**given, "job_name": "it has a name"})
    assert [line for line in header.splitlines() if line] == [f"#HQ {line}" for line in lines]


def test_resources_of_qtoolkit() -> None:
    resources = QResources(
        job_name="n",
        processes=2,
        threads_per_process=3,
        memory_per_thread=100,
        time_limit=60,
        gpus_per_job=1,
    )
    header = HQ.generate_header(resources)
    for line in ("--cpus=6", "--resource mem=600", "--resource gpus/nvidia=1", "--time-limit=60s"):
        assert f"#HQ {line}" in header.splitlines()
    with pytest.raises(ValueError, match="wall"):
        HQ.generate_header({"walltime": 1})


def test_the_start_guard_knows_a_job_by_its_own_queue() -> None:
    """Inside an allocation of Slurm there is an id of Slurm as well."""
    assert dialect_of(HQ).own_id == '"${HQ_JOB_ID:-$$}"'
    script = render_script(HQ, ScriptSpec("/run", "true", "job", token="t1"))
    lines = script.splitlines()
    assert lines[1] == "#HQ --name=jfr:t1"
    assert 'jfr_me="${HQ_JOB_ID:-$$}"; jfr_token=t1' in lines


STAND_IN = """\
#!/bin/sh
# Runs what is submitted, and keeps its list in a folder.
jobs={folder}
shift
case "$1 $2" in
  "submit --directives=file")
    [ -x "$3" ] || exit 1
    n=$(($(ls "$jobs" | wc -l) + 1))
    name=$(sed -n 's/^#HQ --name=//p' "$3")
    echo "$name" > "$jobs/$n"
    (HQ_JOB_ID=$n setsid "$3" > /dev/null 2>&1; echo ended > "$jobs/$n") > /dev/null 2>&1 &
    echo "{{\\"id\\": $n}}";;
  "job list")
    [ ! -e {folder}.down ] || {{ echo "no server" >&2; exit 1; }}
    echo "["; sep=
    for f in "$jobs"/*; do
      read -r name < "$f" && [ "$name" != ended ] || continue
      echo "$sep {{\\"id\\": ${{f##*/}}, \\"name\\": \\"$name\\","
      echo "\\"task_stats\\": {{\\"running\\": 1, \\"waiting\\": 0}}}}"; sep=,
    done; echo "]";;
  "job cancel") echo ended > "$jobs/$3";;
esac
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    (tmp_path / "jobs").mkdir()
    program = tmp_path / "bin" / "hq"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(folder=tmp_path / "jobs"))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return Queue("hyperqueue", LocalHost(30))


def test_a_job_from_its_submission_to_its_end(queue: Queue, tmp_path: Path) -> None:
    queue.check()
    run_dir = tmp_path / "run dir"
    run_dir.mkdir()
    go = tmp_path / "go"
    command = f"while [ ! -e '{go}' ]; do sleep 0.02; done"
    script = render_script(queue.scheduler, ScriptSpec(str(run_dir), command, "job", token="t1"))
    assert queue.submit(run_dir, script, "t1") == "1"
    assert queue.submit(run_dir, script, "t1") == "1", "it is there already"
    assert queue.find_by_token("t1") == ["1"]
    assert [job.state for job in queue.poll([("1", run_dir), ("9", None)])] == ["RUNNING", None]
    (tmp_path / "jobs.down").touch()
    with pytest.raises(RemoteError, match="no server"):
        queue.poll([("1", run_dir)])
    (tmp_path / "jobs.down").unlink()
    go.touch()
    deadline = time.monotonic() + 20
    while queue.poll([("1", run_dir)])[0].state is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (run_dir / "jfr_exit").read_text() == "0\n"
    assert (run_dir / "jfr_started").read_text().split()[0] == "1"
    queue.cancel("1", run_dir)


def test_a_server_that_forgets_its_jobs_when_it_restarts(queue: Queue, tmp_path: Path) -> None:
    """One that has ended says so in its folder; another one is asked for until it is given up."""
    ended, runs = (Submission(str(n), tmp_path / str(n), f"t{n}") for n in (1, 2))
    for job in (ended, runs):
        assert job.run_dir is not None
        job.run_dir.mkdir()
    (tmp_path / "1" / "jfr_exit").write_text("0\n")
    found = queue.poll([ended, runs])
    assert [queued.state for queued in found] == [None, None]
    assert [q.state for q in queue.confirm_ends([ended, runs], found)] == [None, UNSEEN]
    (tmp_path / "jobs.down").touch()  # it restarts
    with pytest.raises(RemoteError, match="no server"):
        queue.poll([runs])
    (tmp_path / "jobs.down").unlink()
    (tmp_path / "jobs" / "2").write_text("jfr:t2\n")  # from its journal
    found = queue.poll([runs])
    assert [q.state for q in queue.confirm_ends([runs], found)] == ["RUNNING"]
