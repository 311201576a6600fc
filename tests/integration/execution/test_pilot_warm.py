"""Warm jobs of a pilot when their pool refuses them, dies or cannot be used; the pool is played."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.execution.pilot_warm import PilotRuns
from controller.execution.pool import EventKind, PoolError, PoolEvent
from controller.identity import start_time
from controller.rules.pool_files import Entry

WARM = Entry("t", warm=True)
DEADLINE = 30.0


class PlayedPool:
    """A pool that does what the test says."""

    def __init__(self) -> None:
        self.given: list[tuple[Path, str, str]] = []
        self.stopped: list[Path] = []
        self.said: deque[PoolEvent | PoolError] = deque()
        self.refuses = False

    def submit(self, run_dir: Path, token: str, process_id: str) -> None:
        if self.refuses:
            raise PoolError("there is no command jf")
        self.given.append((run_dir, token, process_id))

    def say(self, kind: EventKind, run_dir: Path, **more: Any) -> None:
        self.said.append(PoolEvent(kind, run_dir, **more))

    def events(self, timeout: float = 0.0) -> list[PoolEvent]:
        found = []
        while self.said:
            if isinstance(one := self.said.popleft(), PoolError):
                raise one
            found.append(one)
        return found

    def stop(self, run_dir: Path) -> None:
        self.stopped.append(run_dir)
        self.say(EventKind.REFUSED, run_dir, reason="stopped")

    def files(self) -> list[int]:
        return []

    def close(self) -> None:
        pass


@pytest.fixture
def pool() -> PlayedPool:
    return PlayedPool()


@pytest.fixture
def runs(pool: PlayedPool) -> Iterator[PilotRuns]:
    made = PilotRuns(2, pool)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    (tmp_path / "submit.sh").write_text("[ -e jfr_started ] || echo cold > kind; exit 5\n")
    return tmp_path


def until_ended(runs: PilotRuns) -> dict[str, int]:
    deadline = time.monotonic() + DEADLINE
    while not (found := runs.ended()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def begin(run_dir: Path, claim: str, process: subprocess.Popen[bytes]) -> None:
    """Leave the start file of a warm job."""
    words = [claim, start_time(process.pid), "t", str(process.pid), "-", "-", "n1", "warm"]
    (run_dir / "jfr_started").write_text(" ".join(words) + "\n")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """One that runs a job."""
    made = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield made
    made.kill()
    made.wait()


def test_a_warm_job_runs_in_the_pool_and_another_one_does_not(
    runs: PilotRuns, pool: PlayedPool, run_dir: Path
) -> None:
    runs.start("c1", run_dir, WARM)
    assert pool.given == [(run_dir, "t", "c1")]
    for claim, entry in (("c2", Entry("t")), ("c3", WARM)):  # the pool has one of this folder
        runs.start(claim, run_dir, entry)
        assert until_ended(runs) == {claim: 5}
    pool.say(EventKind.STARTED, run_dir)
    pool.say(EventKind.ENDED, run_dir, status=3)
    assert until_ended(runs) == {"c1": 3}
    assert len(pool.given) == 1


@pytest.mark.parametrize("reason", ["other attempt", "withdrawn", "stopped"])
def test_what_must_not_start_does_not_start_otherwise(
    runs: PilotRuns, pool: PlayedPool, run_dir: Path, reason: str
) -> None:
    runs.start("c1", run_dir, WARM)
    pool.say(EventKind.REFUSED, run_dir, reason=reason)
    assert until_ended(runs) == {"c1": 0}
    assert not (run_dir / "kind").exists()


def test_what_a_warm_process_cannot_begin_a_new_one_does(
    runs: PilotRuns, pool: PlayedPool, run_dir: Path
) -> None:
    runs.start("c1", run_dir, WARM)
    pool.say(
        EventKind.REFUSED, run_dir, reason="warm processes end as soon as they start (status -11)"
    )
    assert until_ended(runs) == {"c1": 5}
    assert (run_dir / "kind").read_text() == "cold\n"


def test_a_job_lost_before_it_began_gets_another_pool(
    runs: PilotRuns, pool: PlayedPool, run_dir: Path
) -> None:
    runs.start("c1", run_dir, WARM)
    pool.say(EventKind.LOST, run_dir)
    assert runs.ended() == {}
    assert pool.given == [(run_dir, "t", "c1")] * 2


@pytest.mark.parametrize("kind", ["orphaned", "lost", "started before", "given up"])
def test_a_job_that_goes_on_without_its_pool_is_waited_for(
    runs: PilotRuns,
    pool: PlayedPool,
    run_dir: Path,
    process: subprocess.Popen[bytes],
    kind: str,
) -> None:
    """Its end must not be told while it runs: its results would be looked for, and be missed."""
    runs.start("c1", run_dir, WARM)
    begin(run_dir, "c1", process)
    if kind == "given up":
        pool.said.append(PoolError("warm processes cannot be used"))
    elif kind == "started before":
        pool.say(EventKind.REFUSED, run_dir, reason=kind)
    else:
        pool.say(EventKind(kind), run_dir)
    assert runs.ended() == runs.ended() == {}
    runs.stop("c1", force=False)
    process.wait(DEADLINE)
    assert until_ended(runs) == {"c1": 0}
    assert len(pool.given) == 1
    assert not (run_dir / "kind").exists()


def test_a_job_that_another_claim_began(
    runs: PilotRuns, pool: PlayedPool, run_dir: Path, process: subprocess.Popen[bytes]
) -> None:
    runs.start("c1", run_dir, WARM)
    begin(run_dir, "b.7.1", process)
    pool.say(EventKind.REFUSED, run_dir, reason="started before")
    assert until_ended(runs) == {"c1": 0}
    assert process.poll() is None


@pytest.mark.parametrize("when", ["at once", "later"])
def test_without_a_pool_jobs_run_as_others_do(
    runs: PilotRuns, pool: PlayedPool, run_dir: Path, when: str
) -> None:
    pool.refuses = when == "at once"
    runs.start("c1", run_dir, WARM)
    if when == "later":
        pool.said.append(PoolError("warm processes cannot be used"))
    assert until_ended(runs) == {"c1": 5}
    given = len(pool.given)
    runs.start("c2", run_dir, WARM)
    assert until_ended(runs) == {"c2": 5}
    assert len(pool.given) == given, "it is not asked again"


def test_a_folder_that_is_gone(runs: PilotRuns, pool: PlayedPool, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    runs.start("c1", gone, WARM)
    pool.say(EventKind.REFUSED, gone, reason="No such file or directory")
    assert until_ended(runs) == {"c1": 127}


def test_nothing_begins_while_a_pilot_ends(
    pool: PlayedPool, run_dir: Path, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    runs = PilotRuns(2, pool)  # type: ignore[arg-type]
    goes_on = tmp_path / "other"
    goes_on.mkdir()
    runs.start("c1", run_dir, WARM)
    runs.start("c2", goes_on, WARM)
    begin(goes_on, "c2", process)
    pool.say(EventKind.LOST, goes_on)
    assert runs.ended() == {}
    runs.close()
    assert pool.stopped == [run_dir]
    assert not (run_dir / "kind").exists()
    assert process.wait(DEADLINE) == -signal.SIGKILL, "it would go on in the folder of the next"
