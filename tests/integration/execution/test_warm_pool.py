"""Jobs in warm processes: what they leave, and what the next one finds."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import careless_jobs
import pytest
import sample_jobs
from worker_process import Run, prepare, run_forked

from controller.execution import files
from controller.execution.pool import EventKind, PoolError, PoolEvent, PoolSettings, WarmPool
from controller.rules.causes import EndFacts, cause_of_end
from controller.schedulers.processes import is_over
from controller.schedulers.start import parse_start, stop_file
from controller.states import Cause

HERE = Path(__file__).parent
DEADLINE = 60.0


class Warm:
    """A pool of one process, and folders for its jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules = folder / "modules"
        self.modules.mkdir()
        path = os.pathsep.join([str(HERE), str(self.modules)])
        self._environment = {
            **os.environ,
            "PYTHONPATH": path,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self._number = 0
        self.pool = self.open()

    def open(self, **settings: Any) -> WarmPool:
        known = {"grace": 0.2, "memory_limit": 4096, **settings}
        return WarmPool(PoolSettings(**known), environment=self._environment)

    def submit(self, job: Any, pool: WarmPool | None = None, token: str = "token") -> Run:
        self._number += 1
        directory = self.folder / "work dir" / str(self._number)
        names = prepare(directory, job)
        (pool or self.pool).submit(directory, token)
        return Run(directory, 0, "", "", names)

    def wait(self, run: Run, *kinds: EventKind, pool: WarmPool | None = None) -> PoolEvent:
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            for event in (pool or self.pool).events(1.0):
                if event.run_dir == run.directory and event.kind in (kinds or (EventKind.ENDED,)):
                    return event
        raise AssertionError(f"{run.directory} was not heard of")

    def run(self, job: Any) -> tuple[Run, PoolEvent]:
        run = self.submit(job)
        return run, self.wait(run)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    made = Warm(tmp_path_factory.mktemp("warm"))
    yield made
    made.pool.close()


def wait_until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def usual(warm: Warm) -> tuple[Any, int | None]:
    """What a job observes in a fresh process."""
    run, event = warm.run(careless_jobs.observe())
    assert run.output.error is None
    assert run.result["cwd is the run directory"]
    assert run.result["stdin"] == ""
    return run.result, event.pid


def test_a_folder_is_that_of_a_cold_run(warm: Warm, tmp_path: Path) -> None:
    run, event = warm.run(sample_jobs.speak())
    cold = tmp_path / "cold"
    prepare(cold, sample_jobs.speak())
    from controller.execution.run import run_remote_job

    _, out, err = run_forked(cold, lambda: run_remote_job(cold))
    assert (run.directory / files.QUEUE_ERR).read_text() == err == "a warning\n"
    said = (run.directory / files.QUEUE_OUT).read_text().splitlines()
    assert [len(line) for line in said] == [len(line) for line in out.splitlines()]
    own = {"jfr_started", files.EXIT_FILE, files.QUEUE_OUT, files.QUEUE_ERR}
    assert {p.name for p in run.directory.iterdir()} == {p.name for p in cold.iterdir()} | own
    assert (files.exit_status(run.directory), event.status) == (0, 0)
    start = parse_start((run.directory / "jfr_started").read_text())
    assert start is not None
    assert (start.token, start.pid, start.is_warm) == ("token", str(event.pid), True)
    assert start.start_time == event.start_time or event.start_time == ""


STAYS: dict[str, Any] = {
    "changes everything": careless_jobs.change_everything(),
    "closes its standard streams": careless_jobs.close_streams(),
    "writes into standard input": careless_jobs.use_standard_input(),
    "prints much": careless_jobs.print_much(),
    "forks and returns in the child": careless_jobs.fork_and_return(),
    "uses libraries with threads": careless_jobs.use_threads_of_libraries(),
}
"""Jobs after which the process goes on."""


@pytest.mark.parametrize("what", STAYS)
def test_the_next_job_finds_a_process_as_if_fresh(
    warm: Warm, usual: tuple[Any, int], what: str
) -> None:
    run, event = warm.run(STAYS[what])
    assert run.output.error is None
    after, next_event = warm.run(careless_jobs.observe())
    assert after.result == usual[0]
    if what != "forks and returns in the child":  # which may take a moment to end
        assert next_event.pid == event.pid
    if what == "prints much":
        printed = run.directory / files.QUEUE_OUT
        assert printed.stat().st_size > 100_000_000
        assert b"from a library" in files.read_end(printed, 1000)
        printed.unlink()
    if what == "uses libraries with threads":
        again, last = warm.run(STAYS[what])
        assert (again.result, last.pid) == (run.result, event.pid)
        assert set(run.result) <= {300.0, 1.0}
    if what == "writes into standard input":
        assert run.result == ["Bad file descriptor", ""]


REPLACED: dict[str, tuple[Any, str | None, int]] = {
    "closes all files": (careless_jobs.close_all_files(), None, 0),
    "leaves a file open": (careless_jobs.leave_file_open(), None, 0),
    "leaves a thread": (careless_jobs.leave_thread(True), None, 0),
    "leaves a thread that is waited for": (careless_jobs.leave_thread(False), None, 0),
    "leaves a process": (careless_jobs.leave_process(), None, 0),
    "leaves a daemon": (careless_jobs.leave_daemon(), None, 0),
    "replaces a module": (careless_jobs.replace_module(), None, 0),
    "fails": (sample_jobs.fail(), "ValueError: the cell has no atoms", 0),
    "exits": (careless_jobs.leave("exit"), "the job ended its process: sys.exit(3)", 0),
    "exits at once": (careless_jobs.leave("_exit"), "its process ended at once with status 3", 3),
    "aborts": (careless_jobs.leave("abort"), "its process was killed by SIGABRT", 134),
    "is killed": (careless_jobs.leave("kill"), "its process was killed by SIGKILL", 137),
    "eats memory": (careless_jobs.eat_memory(), "MemoryError", 0),
}
"""Jobs after which it does not: {what: (the job, part of its error or None, its exit status)}."""


@pytest.mark.parametrize("what", REPLACED)
def test_a_process_in_doubt_is_replaced(warm: Warm, usual: tuple[Any, int], what: str) -> None:
    job, error, status = REPLACED[what]
    run, event = warm.run(job)
    assert event.status == status == files.exit_status(run.directory)
    if error is None:
        assert run.output.error is None
    else:
        assert error in (run.output.error or "")
    after, next_event = warm.run(careless_jobs.observe())
    assert after.result == usual[0]
    assert next_event.pid != event.pid
    if what in ("leaves a process", "leaves a daemon"):  # it goes on, as it does after a cold job
        os.kill(run.result, signal.SIGKILL)


def test_a_process_over_its_memory_has_that_cause() -> None:
    log = "jfr: Exceeded job memory limit: a process of the worker may use 10 MB\n"
    facts = EndFacts("the job wrote no result", has_result=False, log=log, exit_status=137)
    assert cause_of_end(facts) is Cause.OUT_OF_MEMORY


def test_random_numbers_are_those_of_no_other_job(warm: Warm) -> None:
    drawn = [warm.run(careless_jobs.numbers())[0].result for _ in range(3)]
    assert len({number for *pair, _ in drawn for number in pair}) == 6


def test_a_changed_module_is_imported_anew(warm: Warm) -> None:
    module = warm.modules / "edited.py"
    text = "from jobflow import job\n@job\ndef give():\n    return {}\n"
    sys.path.insert(0, str(warm.modules))
    try:
        module.write_text(text.format(1))
        import edited

        job = edited.give()
    finally:
        sys.path.remove(str(warm.modules))
    assert warm.run(job)[0].result == 1
    assert warm.run(job)[0].result == 1
    module.write_text(text.format(22))
    assert warm.run(job)[0].result == 22


def test_an_attempt_runs_once_and_in_its_own_folder(warm: Warm) -> None:
    run, _ = warm.run(sample_jobs.add(1, 2))
    warm.pool.submit(run.directory, "token")
    assert warm.wait(run, EventKind.REFUSED).reason == "started before"
    (run.directory / "jfr_attempt").write_text("other\n")
    warm.pool.submit(run.directory, "token")
    assert warm.wait(run, EventKind.REFUSED).reason == "other attempt"
    assert run.result == 3
    warm.pool.submit(warm.folder / "nowhere", "token")
    missing = Run(warm.folder / "nowhere", 0, "", "", run.files)
    assert warm.wait(missing, EventKind.REFUSED).reason == "No such file or directory"


def test_a_job_that_was_withdrawn_does_not_start(warm: Warm) -> None:
    directory = warm.folder / "work dir" / "withdrawn"
    names = prepare(directory, sample_jobs.add(1, 2))
    (directory / "jfr_withdrawn").touch()
    warm.pool.submit(directory, "token")
    run = Run(directory, 0, "", "", names)
    assert warm.wait(run, EventKind.REFUSED).reason == "withdrawn"
    assert not (directory / files.OUT_FILE).exists()


def test_stopping_a_job_ends_its_process_group_and_nothing_else(warm: Warm) -> None:
    run = warm.submit(careless_jobs.ignore_termination())
    waiting = warm.submit(sample_jobs.add(1, 2))
    forgotten = warm.submit(sample_jobs.add(1, 2))
    started = warm.wait(run, EventKind.STARTED)
    wait_until((run.directory / "ready").exists)
    warm.pool.stop(forgotten.directory)
    assert warm.wait(forgotten, EventKind.REFUSED).reason == "stopped"
    warm.pool.stop(run.directory)
    assert warm.wait(run).status == 137
    wait_until(lambda: is_over(str(started.pid)))
    assert warm.wait(waiting).status == 0


def test_a_process_asked_to_end_takes_no_other_job(warm: Warm) -> None:
    run = warm.submit(careless_jobs.wait_for("go"))
    wait_until((run.directory / "ready").exists)
    (run.directory / stop_file("token")).touch()
    (run.directory / "go").touch()
    event = warm.wait(run)
    assert run.output.error is None
    assert warm.run(careless_jobs.numbers())[1].pid != event.pid


def test_a_process_is_replaced_after_its_jobs(warm: Warm) -> None:
    with warm.open(jobs_per_process=2, processes=2, idle_time=0.05) as pool:
        pids = []
        for _ in range(4):
            run = warm.submit(careless_jobs.numbers(), pool)
            pids.append(warm.wait(run, pool=pool).pid)
        assert pids == [pids[0], pids[0], pids[2], pids[2]]
        one = warm.submit(careless_jobs.numbers(), pool)
        pid = warm.wait(one, pool=pool).pid
        wait_until(lambda: not pool.events() and is_over(str(pid)))  # it was idle
        # The program dies while a job runs, and another one waits.
        pool.resize(1)
        run = warm.submit(careless_jobs.wait_for("go"), pool)
        lost = warm.submit(sample_jobs.add(1, 2), pool)
        warm.wait(run, EventKind.STARTED, pool=pool)
        os.kill(pool.pids[0], signal.SIGKILL)
        events = {}
        wait_until(
            lambda: events.update({e.run_dir: e for e in pool.events(0.1)}) or len(events) > 1
        )
        assert events[run.directory].kind is EventKind.ORPHANED
        assert events[lost.directory].kind is EventKind.LOST
        pool.submit(lost.directory, "token")
        assert warm.wait(lost, pool=pool).status == 0
        (run.directory / "go").touch()
        wait_until(lambda: files.exit_status(run.directory) == 0)
        assert run.result == events[run.directory].pid
        wait_until(lambda: is_over(str(run.result)))


def test_nothing_is_left_of_a_pilot_that_is_gone(warm: Warm) -> None:
    """Jobs of a runner go on alone; those of a pilot begin anew elsewhere."""
    warm.pool.start()
    warm.pool._program.send(do="configure", jobs_outlive=False, processes=2)  # type: ignore[union-attr]
    busy = warm.submit(careless_jobs.wait_for("go"))
    wait_until((busy.directory / "ready").exists)
    _, event = warm.run(careless_jobs.numbers())
    (program,) = warm.pool.pids
    warm.pool.close()
    start = parse_start((busy.directory / "jfr_started").read_text())
    assert start is not None
    wait_until(lambda: all(is_over(str(pid)) for pid in (program, event.pid, start.pid)))
    assert warm.pool.pids == []


def test_a_program_that_does_not_start_says_why(warm: Warm) -> None:
    pool = WarmPool(command=[sys.executable, "-c", "raise ValueError('no jobflow here')"])
    run = warm.submit(sample_jobs.add(1, 2), pool)

    def submit_again() -> None:
        while events := pool.events(DEADLINE):
            assert [event.kind for event in events] == [EventKind.LOST]
            pool.submit(run.directory)

    with pytest.raises(PoolError, match="no jobflow here"):
        submit_again()
    pool.close()


def test_what_is_told_of_an_earlier_attempt_is_not_that_of_the_next(tmp_path: Path) -> None:
    """The end of an attempt may be read when its folder has been handed over again."""
    program = (
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    told = {'event': 'ended', 'run_dir': asked.get('run_dir'), 'status': 143}\n"
        "    for token in ('first', 'second') if asked.get('token') == 'second' else ():\n"
        "        print(json.dumps({**told, 'token': token, 'reason': token}), flush=True)\n"
    )
    with WarmPool(command=[sys.executable, "-c", program]) as pool:
        pool.submit(tmp_path, "first")
        pool.submit(tmp_path, "second")
        heard = pool.events(DEADLINE)
        while pool.jobs:
            heard += pool.events(DEADLINE)
    assert [event.reason for event in heard] == ["second"]


def test_messages_say_of_which_attempt_they_are(warm: Warm) -> None:
    pool = warm.open()
    heard: list[dict[str, Any]] = []
    pool.start()
    assert pool._program is not None
    ours = pool._program.heard
    pool._program.heard = lambda: heard.extend(found := ours()) or found  # type: ignore[func-returns-value,method-assign]
    run = warm.submit(sample_jobs.add(1, 2), pool, token="attempt")
    warm.wait(run, pool=pool)
    pool.close()
    told = [(message["event"], message["token"]) for message in heard if "run_dir" in message]
    assert told == [("started", "attempt"), ("ended", "attempt")]
