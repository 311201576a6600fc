"""A pilot: a process in an allocation of a queue that runs jobs of a batch worker's pool.

``jf execution run-batch`` as in jobflow-remote 1.0.1, on the same files (see
`controller.rules.pool_files`), for runners of either program. It needs files only: no database, no
network. One process, the pilot, claims jobs for all its places, writes a heartbeat from the same
loop, and decides with `controller.execution.pilot_rules`:

* it starts no job that cannot end before the allocation does, and reports that;
* it ends before its allocation does, when it is asked to, and when there are no more jobs;
* jobs that it cannot finish are given back; no attempt is counted.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from controller.errors import RemoteError
from controller.execution.files import read_output, run_dir_path
from controller.execution.local_pool import LocalPool, write_whole
from controller.execution.pilot_rules import (
    Brake,
    Limits,
    Standing,
    fits,
    never_fits,
    seconds_of_allocation,
    why_no_more,
)
from controller.execution.pilot_runs import Runs
from controller.execution.pilot_warm import PilotRuns
from controller.rules.pool_files import (
    BATCH_INFO,
    BatchInfo,
    Entry,
    PilotReport,
    claimed_file,
    read_job_file,
)

STARTED, WITHDRAWN = "jfr_started", "jfr_withdrawn"
SLEEP_TIME, FIRST_SLEEP, SLEEP_GROWTH = 10.0, 0.1, 1.3
"""Seconds between two reads of the pool while there is no job: the longest, the shortest, and the
growth factor. ``sleep_time`` of the worker replaces the longest."""
BEAT_EVERY = 5.0
"""Seconds between two heartbeats."""
LOOK_AT_RUNNING_EVERY = 2.0
"""Seconds between two checks whether a running job was withdrawn."""
STOP_GRACE = 10.0
"""Seconds that a job gets to end by itself."""
LATE_SIGNAL = 1.0
"""Seconds for which the failure of a job is not reported: a queue that ends an allocation signals
all its processes, and a job may die of that before the pilot has received its own signal."""
_LARGE = 4 << 20
"""Size in bytes above which a result is not read: a result this large means success."""


def run_batch_jobs(
    base_run_dir: str | Path,
    files_dir: str | Path,
    batch_uid: str,
    max_time: float | None = None,
    max_wait: float | None = 60,
    max_jobs: int | None = None,
    parallel_jobs: int | None = None,
    sleep_time: float | None = None,
) -> int:
    """Run jobs of a pool, in the current folder, until there is a reason to end.

    Parameters
    ----------
    base_run_dir
        ``work_dir`` of the worker, which contains the run directories of jobs.
    files_dir
        The pool, ``jobs_handle_dir`` of the worker.
    batch_uid
        batch_uid of this pilot.
    max_time
        Seconds after which no further job starts; None for no limit.
    max_wait
        Seconds without a job after which the pilot ends; 0 or None for no limit.
    max_jobs
        Maximum number of jobs to run in total; 0 or None for no limit.
    parallel_jobs
        Maximum number of jobs at the same time; 0 or None for one.
    sleep_time
        Maximum seconds between reads of an empty pool; 0 or None for 10.

    Returns
    -------
    int
        Exit status: 0, or 1 if the pool cannot be used.
    """
    limits = Limits(max_time, max_wait, max_jobs, _allocation())
    pool = LocalPool(Path(files_dir).absolute(), batch_uid)
    pilot = Pilot(
        pool,
        Path(base_run_dir).absolute(),
        batch_uid,
        limits,
        slots=parallel_jobs or 1,
        longest_sleep=sleep_time or SLEEP_TIME,
    )
    try:
        pool.make_folders()
    except OSError as error:
        sys.stderr.write(f"jf: cannot use the pool {files_dir}: {error}\n")
        return 1
    with pilot.heeding_signals():
        pilot.run()
    return 0


def _allocation() -> float | None:
    """Return how many seconds the queue gives this process."""
    listed = None
    job = os.environ.get("SLURM_JOB_ID")
    if job and "SLURM_JOB_END_TIME" not in os.environ:
        with suppress(OSError, subprocess.SubprocessError):
            command = ["squeue", "-h", "-j", job, "-o", "%L"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
            listed = done.stdout
    return seconds_of_allocation(os.environ, time.time(), listed)


@dataclass
class _Job:
    """A running job."""

    name: str
    run_dir: Path
    entry: Entry
    began: float
    stop_since: float | None = None
    killed: bool = False


class Pilot:
    """The loop; see the module.

    Parameters
    ----------
    pool
        The pool of jobs.
    base_run_dir
        Folder that contains their run directories.
    batch_uid
        batch_uid of the pilot.
    limits
        The limits of the pilot.
    slots
        Maximum number of jobs at the same time.
    longest_sleep
        Maximum seconds between reads of an empty pool.
    runs
        Runs the jobs; None means warm processes for suitable jobs, and new ones for the others.
    home
        Folder for the heartbeat; None means the current one.
    clock
        Returns monotonic seconds.
    """

    def __init__(
        self,
        pool: LocalPool,
        base_run_dir: Path,
        batch_uid: str,
        limits: Limits,
        *,
        slots: int = 1,
        longest_sleep: float = SLEEP_TIME,
        runs: Runs | None = None,
        home: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool, self._base, self._uid, self._limits = pool, base_run_dir, batch_uid, limits
        self._slots, self._longest_sleep, self._clock = slots, longest_sleep, clock
        self._runs: Runs = runs or PilotRuns(slots)
        self._info = (home or Path.cwd()) / BATCH_INFO
        self._began, self._start_time = clock(), _now()
        self._jobs: dict[str, _Job] = {}
        self._untold: list[tuple[float, _Job]] = []
        self._names: list[str] = []
        self._brake = Brake()
        self._signals = self._begun = self._done = self._failed = self._seq = 0
        self._last_busy = self._last_look = self._began
        self._sleep = FIRST_SLEEP
        self._look_at = self._look_at_running = self._next_beat = 0.0
        self._told = self._unfit = ""
        self._read, self._write = os.pipe()
        for descriptor in (self._read, self._write):
            os.set_blocking(descriptor, False)

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT: the first ends the pilot after its jobs, a second one both."""

        def heed(number: int, frame: FrameType | None) -> None:
            self.stop()

        try:
            old = {n: signal.signal(n, heed) for n in (signal.SIGTERM, signal.SIGINT)}
        except ValueError:  # not the main thread
            yield
            return
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Start no further job; a second call also ends the running ones."""
        self._signals += 1
        with suppress(OSError):  # full, or closed by the end
            os.write(self._write, b"x")

    def run(self) -> str:
        """Run jobs until there is a reason to end; return the reason."""
        self._settle_earlier_start()
        try:
            while True:
                self._settle_ended()
                self._tell_failures()
                self._stop_what_must_end()
                why = why_no_more(self._limits, self._standing())
                if why and not (self._jobs or self._untold):
                    return why
                if not why:
                    self._fill()
                self._beat(why)
                self._runs.wait(self._seconds_to_wait(why), self._read)
                with suppress(BlockingIOError):
                    os.read(self._read, 64)
        finally:
            self._runs.close()
            self._tell_failures(at_once=True)
            for job in self._jobs.values():
                self._finish(job, replace(job.entry, lost="its pilot ended"))
            why = why_no_more(self._limits, self._standing()) or "it failed"
            self._beat(why, ended=True)
            self._say(f"the pilot ends after {self._done} jobs: {why}")
            pipe, self._read, self._write = (self._read, self._write), -1, -1
            for descriptor in pipe:
                os.close(descriptor)

    def _standing(self) -> Standing:
        now = self._clock()
        return Standing(
            age=now - self._began,
            begun=self._begun,
            # A pilot that was suspended or started late has not waited: it reads the pool first.
            idle=0.0 if self._jobs else max(0.0, self._last_look - self._last_busy),
            signalled=self._signals > 0,
            given_up=self._brake.has_given_up,
        )

    def _settle_earlier_start(self) -> None:
        """Give back the jobs left by an earlier start of this pilot that the queue has ended."""
        for name, entry in self._pool.own():
            run_dir = self._run_dir(name)
            if run_dir is not None and not (run_dir / STARTED).exists():
                self._pool.give_back(name)
            else:
                lost = replace(entry, lost="its pilot was put back into the queue")
                with suppress(OSError):
                    self._pool.finish(name, lost)

    # ------------------------------------------------------------------ starting jobs

    def _fill(self) -> None:
        """Start jobs while there are free places and jobs for them."""
        now = self._clock()
        if self._brake.holds(now):
            return
        while len(self._jobs) < self._slots and not why_no_more(self._limits, self._standing()):
            name = self._next_name(now)
            if name is None:
                return
            self._begin(name)

    def _next_name(self, now: float) -> str | None:
        """Return a job that may start now."""
        has_looked = False
        while True:
            while self._names:
                name = self._names.pop(0)
                if (entry := self._pool.peek(name)) is not None and self._may_begin(name, entry):
                    return name
            if has_looked or now < self._look_at:
                return None
            has_looked, self._unfit, self._last_look = True, "", now
            self._names = self._pool.waiting()
            if self._names:
                self._sleep = FIRST_SLEEP
            else:
                self._look_at = now + self._sleep
                if self._limits.max_wait:
                    last = self._last_busy + self._limits.max_wait
                    self._look_at = max(now, min(self._look_at, last))
                self._sleep = min(self._sleep * SLEEP_GROWTH, self._longest_sleep)

    def _may_begin(self, name: str, entry: Entry) -> bool:
        if reason := never_fits(entry.time_limit, self._limits):
            if (claimed := self._pool.claim(name)) is not None:
                self._pool.finish(name, replace(claimed, refused=reason))
            return False
        if not fits(entry.time_limit, self._limits, self._clock() - self._began):
            self._unfit = f"a job that asks for {entry.time_limit:.0f} s is left to other pilots"
        elif not (entry.deaths and any(job.entry.deaths for job in self._jobs.values())):
            return True
        # It is considered again when something has changed.
        self._look_at = self._clock() + min(1.0, self._longest_sleep)
        return False

    def _begin(self, name: str) -> None:
        entry = self._pool.claim(name)
        if entry is None:
            return
        self._begun += 1
        run_dir, claim = self._run_dir(name), f"{self._uid}.{os.getpid()}.{self._begun}"
        if run_dir is None:
            self._pool.finish(name, entry)
            return
        job = _Job(name, run_dir, entry, self._clock())
        try:
            self._runs.start(claim, run_dir, entry)
        except OSError as error:
            self._say(f"job {name} cannot be started: {error}")
            self._end_of(job, has_result=False)
            lost = replace(
                entry, lost=f"it could not be started on {socket.gethostname()}: {error}"
            )
            self._finish(job, lost)
            return
        self._jobs[claim] = job
        self._last_busy = self._clock()

    def _run_dir(self, name: str) -> Path | None:
        known = read_job_file(name)
        assert known is not None
        try:
            return run_dir_path(self._base, *known)
        except RemoteError:
            return None

    # ------------------------------------------------------------------ ending jobs

    def _settle_ended(self) -> None:
        for claim, status in self._runs.ended().items():
            job = self._jobs.pop(claim)
            self._last_busy = self._clock()
            if not self._has_run(job, claim):
                self._pool_forgets(job)
                continue
            succeeded, has_result = _outcome(job.run_dir, status)
            self._end_of(job, has_result=has_result)
            if not succeeded and job.stop_since is None:
                self._untold.append((self._last_busy + LATE_SIGNAL, job))
            elif job.killed and self._signals > 1:
                self._finish(job, replace(job.entry, lost="its pilot was ended"))
            else:
                self._failed += not succeeded
                self._finish(job, job.entry)

    def _tell_failures(self, *, at_once: bool = False) -> None:
        """Finish jobs that failed by themselves, and give back those that the queue ended."""
        now = self._clock()
        due = [one for one in self._untold if at_once or self._signals or one[0] <= now]
        for one in due:
            self._untold.remove(one)
            _, job = one
            if self._signals:
                # The queue ends all processes of an allocation together.
                self._finish(job, replace(job.entry, lost="its pilot was asked to end (SIGTERM)"))
            else:
                self._failed += 1
                self._finish(job, job.entry)

    def _has_run(self, job: _Job, claim: str) -> bool:
        """Whether the script of a job ran under this claim, and not under an earlier one."""
        try:
            words = (job.run_dir / STARTED).read_text(encoding="utf-8", errors="replace").split()
        except OSError:
            return True
        own = words[0] if words else claim
        return own == claim or "." not in own  # one of jobflow-remote's pilots, or a number

    def _pool_forgets(self, job: _Job) -> None:
        """Leave the end of a job to the pilot that runs it."""
        with suppress(OSError):
            self._pool.forget(job.name)

    def _end_of(self, job: _Job, *, has_result: bool) -> None:
        self._done += 1
        now = self._clock()
        self._brake.note(now, seconds=now - job.began, has_result=has_result)

    def _finish(self, job: _Job, entry: Entry) -> None:
        try:
            self._pool.finish(job.name, entry)
        except OSError as error:
            # The claim stays: the runner finds it when this pilot has ended.
            self._say(f"the end of job {job.name} cannot be written: {error}")

    def _stop_what_must_end(self) -> None:
        """End jobs that were withdrawn, or all jobs after a second signal."""
        now = self._clock()
        if now >= self._look_at_running:
            self._look_at_running = now + LOOK_AT_RUNNING_EVERY
            for claim, job in self._jobs.items():
                if job.stop_since is None and (job.run_dir / WITHDRAWN).exists():
                    job.stop_since = now
                    self._runs.stop(claim, force=False)
        for claim, job in self._jobs.items():
            if self._signals > 1 and job.stop_since is None:
                job.stop_since = now
                job.killed = True
                self._runs.stop(claim, force=False)
            elif job.stop_since is not None and now - job.stop_since > STOP_GRACE:
                self._runs.stop(claim, force=True)

    # ------------------------------------------------------------------ telling

    def _seconds_to_wait(self, why: str) -> float:
        now = self._clock()
        due = [self._next_beat - now, *(until - now for until, _ in self._untold)]
        if self._jobs:
            due.append(self._look_at_running - now)
        if not why and len(self._jobs) < self._slots:
            due.append(max(self._look_at, self._brake.until) - now)
        return max(0.02, min(due))

    def _beat(self, why: str, *, ended: bool = False) -> None:
        """Write the pilot's heartbeat and state if that is due."""
        now = self._clock()
        if self._brake.holds(now):
            note = "its jobs fail at once: it pauses so that other pilots get them"
        else:
            note = why or self._unfit
        if note != self._told:
            self._told = note
            if note:
                self._say(f"the pilot {'starts no more jobs' if why else 'says'}: {note}")
        elif now < self._next_beat and not ended:
            return
        self._seq += 1
        self._next_beat = now + BEAT_EVERY
        left = self._limits.seconds_left(now - self._began)
        held = [*self._jobs.values(), *(job for _, job in self._untold)]
        running = [claimed_file(job.name, self._uid) for job in held]
        report = PilotReport(
            seq=self._seq,
            node=socket.gethostname(),
            slots=self._slots,
            running=tuple(sorted(running)),
            done=self._done,
            failed=self._failed,
            takes_jobs=not (why or ended),
            note=note,
            seconds_left=None if left is None else int(left),
        )
        times = BatchInfo(self._start_time, _now(), _now() if ended else None, report)
        with suppress(OSError):  # the disk may be full: the pilot continues without a heartbeat
            write_whole(self._info, times.encode())

    def _say(self, text: str) -> None:
        sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n")
        sys.stderr.flush()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _outcome(run_dir: Path, status: int) -> tuple[bool, bool]:
    """Return whether a job has succeeded, and whether it left a result."""
    try:
        if (run_dir / "jfremote_out.json").stat().st_size > _LARGE:
            return status == 0, True
        found: Any = read_output(run_dir)
    except (OSError, RemoteError, ValueError):
        return False, False
    first = (found.error or "").partition("\n")[0]
    is_import_error = "ImportError" in first or "ModuleNotFoundError" in first
    return found.response is not None, found.has_result and not is_import_error
