"""The pool of a batch worker through every kind of host, beside pilots on the same files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controller.errors import OtherAttemptError, RemoteError
from controller.execution.local_pool import LocalPool
from controller.hosts import Host
from controller.operations.batch_pool import BatchPool, Placed, PoolFile
from controller.rules.pool_files import BatchInfo, Entry, PilotReport


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "it's a pool"


@pytest.fixture
def pool(host: Host, folder: Path) -> BatchPool:
    return BatchPool(host, folder)


def placed(tmp_path: Path, number: int, token: str = "t1") -> Placed:
    run_dir = tmp_path / "a work" / f"u{number}_1"
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / f"jfr_owner.{token}").touch()
    entry = Entry(token, time_limit=60.0 * number, deaths=number)
    return Placed(f"u{number}", 1, run_dir, f"echo 'it is {number}'\n", entry)


def test_from_the_pool_and_back(pool: BatchPool, folder: Path, tmp_path: Path) -> None:
    assert pool.look(submitted=True).submitted == frozenset(), "there is no folder yet"
    jobs = [placed(tmp_path, number) for number in (1, 2, 3)]
    assert pool.put(jobs) == [None] * 3
    assert (jobs[0].run_dir / "submit.sh").read_text() == jobs[0].script
    assert pool.look(submitted=True).submitted == {("u1", 1), ("u2", 1), ("u3", 1)}
    pilot = LocalPool(folder, "pilot-1")
    assert pilot.claim("u1_1") == jobs[0].entry
    lost = replace(jobs[1].entry, lost='it\'s "lost"\n for $reasons')
    assert pilot.claim("u2_1") == jobs[1].entry
    pilot.finish("u2_1", lost)
    (folder / "run_finished" / "u9_1_theirs").touch()  # by a pilot of jobflow-remote
    info = BatchInfo(report=PilotReport(1, "n1", 2, ("u1_1_pilot-1",)))
    told = tmp_path / "batch_info.json"
    told.write_text(info.encode())
    view = pool.look([tmp_path / "none" / "batch_info.json", told])
    assert view.submitted is None
    (running,) = view.running
    assert (running.key, running.batch_uid, running.entry) == (("u1", 1), "pilot-1", jobs[0].entry)
    assert {f.name: f.entry for f in view.finished} == {
        "u2_1_pilot-1": lost,
        "u9_1_theirs": Entry(),
    }
    assert view.infos == {told: info}
    changed = next(f for f in view.finished if f.uuid == "u2")
    pool.forget([replace(changed, content="{}"), *(f for f in view.finished if f is not changed)])
    assert [f.name for f in pool.look().finished] == ["u2_1_pilot-1"], "it has changed since"
    pool.forget([changed])
    pool.forget_claims([running])
    assert pool.look(submitted=True) == replace(
        pool.look(), submitted=frozenset({("u3", 1)}), running=[], finished=[]
    )


def put_alone(pool: BatchPool, job: Placed) -> Exception | None:
    """Put a job into a pool; some hosts refuse all of those that they were given."""
    try:
        return pool.put([job])[0]
    except (RemoteError, FileNotFoundError) as error:
        return error


def test_what_is_there_already_stays(pool: BatchPool, folder: Path, tmp_path: Path) -> None:
    """A runner that died may have put a job there; it may have been claimed or begun since."""
    claimed, ended, begun, other, gone = (placed(tmp_path, number) for number in range(1, 6))
    pilot = LocalPool(folder, "p")
    assert pool.put([claimed, ended]) == [None, None]
    for job in (claimed, ended):
        assert pilot.claim(f"{job.uuid}_1") is not None
    pilot.finish(f"{ended.uuid}_1", ended.entry)
    (begun.run_dir / "jfr_started").touch()
    (other.run_dir / "jfr_owner.t1").rename(other.run_dir / "jfr_owner.t2")
    found = pool.put([claimed, ended, begun, other])
    assert found[:3] == [None, None, None]
    assert isinstance(found[3], OtherAttemptError)
    assert pool.look(submitted=True).submitted == frozenset()
    assert not (begun.run_dir / "submit.sh").exists()
    gone.run_dir.joinpath("jfr_owner.t1").unlink()
    gone.run_dir.rmdir()
    assert isinstance(put_alone(pool, gone), RemoteError | FileNotFoundError)


def test_jobs_are_withdrawn(pool: BatchPool, folder: Path, tmp_path: Path) -> None:
    waits, runs, later = (placed(tmp_path, number) for number in (1, 2, 3))
    pool.put([waits, runs, later])
    pilot = LocalPool(folder, "p")
    assert pilot.claim("u2_1") is not None

    def withdraw(job: Placed, token: str = "t1") -> bool:
        return pool.withdraw(job.uuid, job.index, job.run_dir, token)

    assert withdraw(waits)
    assert not withdraw(runs), "its pilot has to end it"
    assert withdraw(later, "t0"), "an earlier attempt, of which nothing is left"
    marks = [(job.run_dir / "jfr_withdrawn").exists() for job in (waits, runs, later)]
    assert marks == [True, True, False]
    assert pool.look(submitted=True).submitted == {("u3", 1)}
    pilot.finish("u2_1", runs.entry)
    assert withdraw(runs)
    (folder / "running" / "u1_1_theirs").touch()
    assert not withdraw(waits), "a pilot of jobflow-remote tells no attempt"
    found = pool.put([waits])
    assert "it was withdrawn" in str(found[0])
    assert pool.withdraw("u7", 1, tmp_path / "nowhere", "t")


def test_many_files(pool: BatchPool, folder: Path) -> None:
    LocalPool(folder, "p").make_folders()
    names = [f"u{number}_1_p" for number in range(450)]
    for name in names:
        (folder / "run_finished" / name).write_text(Entry("t").encode())
    files = pool.look().finished
    assert sorted(f.name for f in files) == sorted(names)
    assert isinstance(files[0], PoolFile)
    pool.forget(files)
    assert pool.look().finished == []
