"""Pilots on a pool of scripts without jobflow: what they claim, finish, give back and refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from controller.execution import pilot as pilots
from controller.execution.files import run_dir_path
from controller.execution.local_pool import LocalPool
from controller.execution.pilot import Pilot
from controller.execution.pilot_rules import Limits
from controller.execution.pilot_runs import ColdRuns
from controller.rules.pool_files import BatchInfo, Entry

DEADLINE = 30.0
DONE = 'echo \'{"response": {}, "error": null}\' > jfremote_out.json'
QUICK = Limits(max_wait=0.05)


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@dataclass
class Pool:
    folder: Path

    def __post_init__(self) -> None:
        LocalPool(self.folder / "pool", "x").make_folders()
        self.made = 0

    def add(self, script: str = DONE, entry: Entry | None = None) -> str:
        """Put a job into the pool; returns the name of its file."""
        self.made += 1
        name = f"{self.made:08d}-uuid_1"
        run_dir = self.run_dir(name)
        run_dir.mkdir(parents=True)
        (run_dir / "submit.sh").write_text(f"{script}\n")
        text = "" if entry is None else entry.encode()
        (self.folder / "pool" / "submitted" / name).write_text(text)
        return name

    def run_dir(self, name: str) -> Path:
        return run_dir_path(self.folder / "work", name.removesuffix("_1"), 1)

    def pilot(self, limits: Limits = QUICK, uid: str = "a", **more: Any) -> Pilot:
        home = self.folder / uid
        home.mkdir(exist_ok=True)
        pool = LocalPool(self.folder / "pool", uid)
        return Pilot(pool, self.folder / "work", uid, limits, home=home, **more)

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.folder / "pool" / folder).iterdir())

    def finished(self) -> dict[str, Entry]:
        folder = self.folder / "pool" / "run_finished"
        return {p.name: Entry.decode(p.read_text()) for p in sorted(folder.iterdir())}

    def info(self, uid: str = "a") -> BatchInfo:
        return BatchInfo.decode((self.folder / uid / "batch_info.json").read_text())


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(tmp_path / "a b")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()


def test_all_jobs_run_once_and_the_end_is_said(pool: Pool) -> None:
    entry = Entry(token="t")
    ours = [pool.add(f"echo run >> count; {DONE}", entry) for _ in range(4)]
    theirs = pool.add(f"echo run >> count; {DONE}")  # jobflow-remote's runner writes nothing
    bad = pool.add("exit 3", entry)
    why = pool.pilot(slots=3).run()
    assert why.startswith("it had no job for 0.05 s")
    assert pool.names("submitted") == pool.names("running") == []
    finished = pool.finished()
    assert sorted(finished) == sorted(f"{name}_a" for name in [*ours, theirs, bad])
    assert finished[f"{ours[0]}_a"] == entry
    assert finished[f"{theirs}_a"] == Entry()
    assert {(pool.run_dir(n) / "count").read_text() for n in [*ours, theirs]} == {"run\n"}
    report = pool.info().report
    assert report is not None
    assert (report.done, report.failed, report.running, report.takes_jobs) == (6, 1, (), False)
    assert pool.info().end_time is not None


def test_max_jobs_counts_those_of_all_places(pool: Pool) -> None:
    for _ in range(5):
        pool.add()
    assert "max_jobs_per_batch" in pool.pilot(Limits(max_wait=0.05, max_jobs=3), slots=2).run()
    assert (len(pool.names("submitted")), len(pool.finished())) == (2, 3)


def test_all_places_stay_busy_while_one_job_takes_long(pool: Pool) -> None:
    """An idle place waits as long as another is busy: jobs that come later find it."""
    pool.add(f"while [ ! -e ../../../../go ]; do sleep 0.05; done; {DONE}")
    running = threading.Thread(target=pool.pilot(slots=2, longest_sleep=0.05).run)
    running.start()
    wait_for(lambda: len(pool.names("running")) == 1)
    time.sleep(0.2)  # longer than max_wait
    later = pool.add()
    wait_for(lambda: f"{later}_a" in pool.finished())
    (pool.folder / "work" / "go").touch()
    running.join(DEADLINE)
    assert len(pool.finished()) == 2


def test_a_pilot_looks_before_it_ends_for_lack_of_jobs(pool: Pool) -> None:
    """However long it took to begin."""
    now = [0.0]
    pilot = pool.pilot(Limits(max_wait=60), clock=lambda: now[0])
    pool.add()
    now[0] = 100.0
    runner = threading.Thread(target=pilot.run, daemon=True)
    runner.start()
    wait_for(pool.finished)
    pilot.stop()
    runner.join(DEADLINE)


def test_pilots_share_a_pool(pool: Pool) -> None:
    names = [pool.add(f"echo run >> count; {DONE}") for _ in range(30)]
    threads = [threading.Thread(target=pool.pilot(uid=uid, slots=2).run) for uid in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert pool.names("submitted") == pool.names("running") == []
    assert sorted(name.rpartition("_")[0] for name in pool.finished()) == sorted(names)
    assert {(pool.run_dir(name) / "count").read_text() for name in names} == {"run\n"}


def test_what_does_not_fit_is_left_and_what_never_fits_is_refused(pool: Pool) -> None:
    clock = [0.0]
    pilot = pool.pilot(Limits(max_wait=600, allocation=1000), clock=lambda: clock[0])
    long = pool.add(entry=Entry("t", time_limit=900))
    longest = pool.add(entry=Entry("t", time_limit=2000))
    short = pool.add(entry=Entry("t", time_limit=10))
    clock[0] = 500.0
    told = []

    class Runs(ColdRuns):
        def wait(self, seconds: float, wake: int) -> None:
            told.append(pool.info().report.note)  # type: ignore[union-attr]
            clock[0] += max(seconds, 50.0)
            super().wait(0.02, wake)

    pilot._runs = Runs()
    pilot.run()
    assert pool.names("submitted") == [long]
    finished = pool.finished()
    assert sorted(finished) == [f"{longest}_a", f"{short}_a"]
    assert "asks for 2000 s, and a pilot of this worker lives for 1000 s" in (
        finished[f"{longest}_a"].refused
    )
    assert any("asks for 900 s is left to other pilots" in note for note in told)


def test_a_pilot_drains_before_its_allocation_ends(pool: Pool) -> None:
    clock = [0.0]
    pilot = pool.pilot(Limits(allocation=100), clock=lambda: clock[0])
    clock[0] = 96.0
    pool.add(entry=Entry("t"))
    assert pilot.run() == "its allocation ends in 4 s"
    assert len(pool.names("submitted")) == 1


def test_jobs_whose_pilots_died_run_apart(pool: Pool) -> None:
    log = pool.folder / "work" / "log"
    script = f"echo begin >> ../../../../log; sleep 0.1; echo end >> ../../../../log; {DONE}"
    for _ in range(2):
        pool.add(script, Entry("t", deaths=1))
    pool.pilot(Limits(max_wait=0.5), slots=2, longest_sleep=0.05).run()
    assert log.read_text().split() == ["begin", "end"] * 2


@pytest.mark.parametrize("signals", [1, 2])
def test_a_pilot_that_is_asked_to_end(pool: Pool, signals: int) -> None:
    """Once: its jobs end by themselves, and failures are given back; twice: they are ended."""
    good = pool.add(f"sleep 0.3; {DONE}", Entry("t"))
    bad = pool.add("sleep 0.3; exit 1", Entry("t"))
    pilot = pool.pilot(slots=2)
    thread = threading.Thread(target=pilot.run)
    thread.start()
    wait_for(lambda: len(pool.names("running")) == 2)
    left = pool.add()
    for _ in range(signals):
        pilot.stop()
    thread.join(DEADLINE)
    assert pool.names("submitted") == [left]
    finished = pool.finished()
    assert bool(finished[f"{good}_a"].lost) == (signals == 2)
    assert finished[f"{bad}_a"].lost
    assert "asked to end" in (pool.info().report or pytest.fail("no report")).note


@pytest.mark.parametrize("is_told", [True, False])
def test_a_job_that_ends_of_a_signal_before_its_pilot_hears_of_it(
    pool: Pool, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue signals all processes of an allocation, in no order: such a job is given back."""
    monkeypatch.setattr(pilots, "LATE_SIGNAL", DEADLINE if is_told else 0.1)
    name = pool.add("kill -TERM $$", Entry("t"))
    pilot = pool.pilot()
    thread = threading.Thread(target=pilot.run)
    thread.start()
    if is_told:
        wait_for(lambda: pilot._untold)
        assert pool.names("run_finished") == []
        pilot.stop()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert bool(pool.finished()[f"{name}_a"].lost) is is_told
    report = pool.info().report
    assert report is not None
    assert (report.done, report.failed) == (1, 0 if is_told else 1)


def test_an_earlier_start_of_the_same_pilot(pool: Pool) -> None:
    """The queue has put it back: what had begun is lost, what had not is taken again."""
    begun, not_begun = (pool.add(entry=Entry("t")) for _ in range(2))
    earlier = LocalPool(pool.folder / "pool", "a")
    for name in (begun, not_begun):
        assert earlier.claim(name) == Entry("t")
    (pool.run_dir(begun) / "jfr_started").write_text("a.1 5\n")
    pool.pilot().run()
    finished = pool.finished()
    assert finished[f"{begun}_a"] == Entry("t", lost="its pilot was put back into the queue")
    assert finished[f"{not_begun}_a"] == Entry("t")


def test_a_job_that_another_pilot_began_first(pool: Pool) -> None:
    """The second start ends at the guard of the script; its end says nothing of the job."""
    name = pool.add("exit 0", Entry("t"))
    (pool.run_dir(name) / "jfr_started").write_text("b.77.1 5 t\n")
    pool.pilot().run()
    assert pool.finished() == {}
    assert pool.names("running") == pool.names("submitted") == []


def test_a_job_that_was_withdrawn_while_it_ran(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilots, "LOOK_AT_RUNNING_EVERY", 0.05)
    monkeypatch.setattr(pilots, "STOP_GRACE", 0.1)
    name = pool.add("trap '' TERM; sleep 60 & while :; do wait; done", Entry("t"))
    thread = threading.Thread(target=pool.pilot().run)
    thread.start()
    wait_for(lambda: pool.names("running"))
    (pool.run_dir(name) / "jfr_withdrawn").touch()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert pool.finished() == {f"{name}_a": Entry("t")}


def test_folders_that_vanish(pool: Pool) -> None:
    no_run_dir = pool.add(entry=Entry("t"))
    (pool.run_dir(no_run_dir) / "submit.sh").unlink()
    pool.run_dir(no_run_dir).rmdir()
    slow = pool.add(f"sleep 0.3; {DONE}", Entry("u"))
    thread = threading.Thread(target=pool.pilot(slots=2).run)
    thread.start()
    wait_for(lambda: pool.names("running"))
    wait_for(lambda: f"{no_run_dir}_a" in pool.finished())
    lost = pool.finished()[f"{no_run_dir}_a"].lost
    (pool.folder / "pool").rename(pool.folder / "gone")
    thread.join(DEADLINE)
    assert "could not be started" in lost
    assert pool.finished() == {f"{slow}_a": Entry("u")}


def test_a_pilot_whose_own_folder_vanishes(pool: Pool) -> None:
    """Its heartbeat has no place any more; its jobs do not notice."""
    name = pool.add(f"rm -rf ../../../../../a; {DONE}", Entry("t"))
    later = pool.add(entry=Entry("t"))
    assert pool.pilot().run().startswith("it had no job for")
    assert sorted(pool.finished()) == [f"{name}_a", f"{later}_a"]
    assert not (pool.folder / "a").exists()


def test_a_pilot_that_stood_still_for_a_minute(pool: Pool) -> None:
    """Its own clock went on: it goes on with what it has, and knows how much time is left."""
    clock = [0.0]

    class Runs(ColdRuns):
        def wait(self, seconds: float, wake: int) -> None:
            if clock[0] < 60.0:
                clock[0] += 60.0  # with a job under way
            super().wait(min(seconds, 0.05), wake)

    name = pool.add(f"sleep 0.2; {DONE}", Entry("t"))
    too_long = pool.add(entry=Entry("t", time_limit=50))
    limits = Limits(max_wait=5e-3, allocation=100)
    pilot = pool.pilot(
        limits,
        runs=Runs(),
        longest_sleep=1e-3,
        clock=lambda: clock[0] + time.monotonic() * 1e-2,
    )
    pilot.run()
    assert pool.finished() == {f"{name}_a": Entry("t")}
    assert pool.names("submitted") == [too_long]


def test_a_full_disk(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renames need no space; a heartbeat is left out; what is lost keeps its claim."""

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("controller.execution.pilot.write_whole", full)
    monkeypatch.setattr("controller.execution.local_pool.write_whole", full)
    name = pool.add(entry=Entry("t"))
    lost = pool.add(entry=Entry("t"))
    (pool.run_dir(lost) / "submit.sh").unlink()
    pool.run_dir(lost).rmdir()
    pool.pilot().run()
    assert pool.finished() == {f"{name}_a": Entry("t")}
    assert pool.names("running") == [f"{lost}_a"]


def test_a_node_that_fails_all_jobs_at_once(pool: Pool) -> None:
    clock = [0.0]

    class Runs(ColdRuns):
        def wait(self, seconds: float, wake: int) -> None:
            clock[0] += seconds
            super().wait(min(seconds, 0.05), wake)

    for _ in range(20):
        pool.add("exit 127", Entry("t"))
    pilot = pool.pilot(Limits(max_wait=600), runs=Runs(), clock=lambda: clock[0])
    assert pilot.run() == "its node fails all jobs at once"
    assert len(pool.finished()) == 8
    assert clock[0] >= 70, "it paused for 10, 20 and 40 s"


def start(pool: Pool, uid: str = "a") -> subprocess.Popen[bytes]:
    """Start a pilot as the command does, but for the command line."""
    code = (
        "import sys; from controller.execution.pilot import run_batch_jobs as r; r(*sys.argv[1:])"
    )
    home = pool.folder / uid
    home.mkdir(exist_ok=True)
    words = [str(pool.folder / "work"), str(pool.folder / "pool"), uid]
    return subprocess.Popen([sys.executable, "-c", code, *words], cwd=home)


def alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_pilot_that_is_killed_takes_its_jobs_along(pool: Pool) -> None:
    name = pool.add("sleep 100 & echo $! > pids; echo $$ >> pids; wait", Entry("t"))
    process = start(pool)
    pids = pool.run_dir(name) / "pids"
    try:
        wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        numbers = [int(pid) for pid in pids.read_text().split()]
        # Stopped for a while, it goes on as if nothing had happened.
        process.send_signal(signal.SIGSTOP)
        assert all(map(alive, numbers))
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait(DEADLINE)
        wait_for(lambda: not any(map(alive, numbers)))
    finally:
        process.kill()
        process.wait()
    assert pool.names("running") == [f"{name}_a"], "the runner finds it there"
    info = json.loads((pool.folder / "a" / "batch_info.json").read_text())
    assert "end_time" not in info


def test_environment_of_a_job(pool: Pool) -> None:
    name = pool.add(f'echo "$JFR_CLAIM" > claim; [ -t 0 ] || cat > stdin; {DONE}', Entry("t"))
    pool.pilot().run()
    claim = (pool.run_dir(name) / "claim").read_text().strip()
    assert claim == f"a.{os.getpid()}.1"
    assert (pool.run_dir(name) / "stdin").read_text() == ""
    assert replace(pool.finished()[f"{name}_a"]) == Entry("t")
