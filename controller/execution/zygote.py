"""The program ``jf execution pool``: forks warm processes and hands them jobs.

It has imported jobflow, has no threads, no database and no connection. It reads messages from
standard input and writes messages to standard output, a line of JSON each; the other side is
`controller.execution.pool`, which describes them. It ends when its standard input ends, and so do
its processes: those without a job at once, the others after their job, unless ``jobs_outlive`` is
false. The next runner finds such a job by what is in its run directory, as it finds any that went
on without a runner.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from controller.execution.code_files import CodeFiles
from controller.execution.files import EXIT_FILE, QUEUE_ERR, exit_status
from controller.execution.process_facts import memory_of
from controller.execution.warm import IS_STOPPED

_LOOK_AT_MEMORY = 0.5
_LOOK_AT_CODE = 2.0
"""Seconds between two looks at the memory of processes, and at the files of imported modules."""
_TOO_MANY = 3
"""Processes in a row that have ended before their first job began."""
_IMPORTED = (
    "controller.execution.warm",
    "controller.execution.filestore",
    "controller.execution.serialising",
    "controller.documents",
    "jobflow.core.flow",
    "jobflow.core.job",
    "jobflow.core.store",
    "jobflow.utils.log",
    "monty.json",
    "numpy.random",
    "random",
)


def main() -> int:
    """Serve until standard input ends; returns the exit status of the program."""
    begun = time.time()
    for name in _IMPORTED:
        __import__(name)
    code = CodeFiles(since=begun)
    changed = code.note_new()
    answers = os.dup(1)
    os.dup2(2, 1)  # what is printed by chance must not look like a message
    pool = _Pool(answers, code, is_outdated=changed is not None)
    gc.collect()
    gc.freeze()  # what is imported is not copied into the memory of each process
    pool.serve()
    pool.end()
    return 0


@dataclass(frozen=True)
class _Job:
    run_dir: str
    message: Mapping[str, Any]

    @property
    def names(self) -> dict[str, str]:
        """What says of which job a message is: one run directory has several attempts."""
        return {"run_dir": self.run_dir, "token": self.message.get("token", "")}


@dataclass
class _Child:
    pid: int
    commands: int
    answers: int
    job: _Job | None = None
    leaves: bool = False
    has_started: bool = False
    idle_since: float = 0.0
    kill_at: float | None = None
    ended_by: str | None = None
    waiting: bytes = b""


@dataclass
class _Pool:
    answers: int
    code: CodeFiles
    is_outdated: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    jobs: deque[_Job] = field(default_factory=deque)
    children: dict[int, _Child] = field(default_factory=dict)
    said: bytearray = field(default_factory=bytearray)
    stillborn: int = 0

    def serve(self) -> None:
        """Pass messages on until no process is left that could send any."""
        self._read, wake = os.pipe()
        for end in (self._read, wake, 0, self.answers):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner ends it
        self._asked, self._wake = b"", wake
        self._looked_at_code = time.monotonic()
        self._say(event="ready", pid=os.getpid())
        while self._turn():
            pass

    def end(self) -> None:
        """End the jobs that run, where they are not to go on alone."""
        if not self.settings.get("jobs_outlive", True):
            for child in self.children.values():
                if child.job is not None:
                    _signal_group(child.pid, signal.SIGKILL)

    def _turn(self) -> bool:
        """Wait for something, and do what follows from it; False at the end."""
        poller = select.poll()
        answers = [c.answers for c in self.children.values() if c.answers >= 0]
        for source in (0, self._read, *answers):
            poller.register(source, select.POLLIN)
        if self.said:
            poller.register(self.answers, select.POLLOUT)
        found = dict(poller.poll(self._pause()))
        if self._read in found:
            with suppress(BlockingIOError):
                os.read(self._read, 4096)
        for child in list(self.children.values()):
            if child.answers in found:
                self._hear(child)
        self._reap()
        if 0 in found and not self._obey():
            return False
        self._look_after()
        self._hand_out()
        return self._write()

    # ------------------------------------------------------------------ the other side

    def _say(self, **what: Any) -> None:
        self.said += json.dumps(what).encode() + b"\n"

    def _write(self) -> bool:
        """Write pending messages, as far as there is room; False when the reader is gone."""
        while self.said:
            try:
                written = os.write(self.answers, self.said)
            except BlockingIOError:
                return True
            except OSError:
                return False
            del self.said[:written]
        return True

    def _obey(self) -> bool:
        """Read commands; False when there will be none any more."""
        try:
            data = os.read(0, 1 << 16)
        except BlockingIOError:
            return True
        if not data:
            return False
        *lines, self._asked = (self._asked + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            match message.pop("do"):
                case "configure":
                    self.settings.update(message)
                case "run":
                    self.jobs.append(_Job(message["run_dir"], message))
                case "stop":
                    self._stop(message["run_dir"])
        return True

    def _stop(self, run_dir: str) -> None:
        """End a job: forget it if it has not begun, else end its process group."""
        left = [job for job in self.jobs if job.run_dir != run_dir]
        if len(left) < len(self.jobs):
            for job in self.jobs:
                if job.run_dir == run_dir:
                    self._say(event="refused", **job.names, reason=IS_STOPPED)
            self.jobs = deque(left)
        for child in self.children.values():
            if child.job is not None and child.job.run_dir == run_dir and child.kill_at is None:
                child.kill_at = time.monotonic() + self.settings["grace"]
                _signal_group(child.pid, signal.SIGTERM)
                _signal_group(child.pid, signal.SIGCONT)

    # ------------------------------------------------------------------ the processes

    def _hand_out(self) -> None:
        """Give jobs to processes, and make processes for jobs."""
        if not self.jobs or not self.settings:
            return
        if time.monotonic() - self._looked_at_code > _LOOK_AT_CODE and not self.is_outdated:
            self._looked_at_code = time.monotonic()
            self.is_outdated = self.code.changed() is not None
        if self.is_outdated:
            for job in self.jobs:
                self._say(event="outdated", **job.names)
            self.jobs.clear()
            return
        busy = sum(child.job is not None for child in self.children.values())
        free = [c for c in self.children.values() if c.job is None and not c.leaves]
        free.sort(key=lambda child: child.idle_since, reverse=True)  # the others may shrink
        while self.jobs and busy < self.settings["processes"]:
            child = free.pop(0) if free else self._fork()
            child.job = self.jobs.popleft()
            child.has_started = False
            try:
                os.write(child.commands, json.dumps(child.job.message).encode() + b"\n")
            except OSError:  # it is dead: the job is given to another one when that is noticed
                child.leaves = True
            busy += 1

    def _fork(self) -> _Child:
        commands_out, commands_in = os.pipe()
        answers_out, answers_in = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(commands_in)  # its end would never be noticed
            os.close(answers_out)
            self._become_child(commands_out, answers_in)
        os.close(commands_out)
        os.close(answers_in)
        os.set_blocking(answers_out, False)
        child = _Child(pid, commands_in, answers_out)
        self.children[pid] = child
        return child

    def _become_child(self, commands: int, answers: int) -> NoReturn:
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for child in self.children.values():
                self._close(child)
            for number in (self._read, self._wake, self.answers):
                os.close(number)
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            os.close(nothing)
            from controller.execution.warm import serve_jobs

            serve_jobs(commands, answers, self.settings)
        finally:
            os._exit(1)

    def _hear(self, child: _Child) -> bool:
        """Read what a process says; False when there is nothing at present."""
        try:
            data = os.read(child.answers, 1 << 16)
        except BlockingIOError:
            return False
        if not data:
            child.leaves = True
            self._close(child)
            return True
        *lines, child.waiting = (child.waiting + data).split(b"\n")
        for line in lines:
            self._heed(child, json.loads(line))
        return True

    def _heed(self, child: _Child, message: dict[str, Any]) -> None:
        job = child.job
        if job is None or message.pop("run_dir") != job.run_dir:
            return
        match message["event"]:
            case "started":
                child.has_started, self.stillborn = True, 0
                self._say(**message, **job.names, pid=child.pid)
                return
            case "unfit":  # nothing has begun
                child.leaves = True
                self.jobs.appendleft(job)
            case "refused":
                self._say(**message, **job.names)
            case "ended":
                child.leaves = message["reason"] is not None
                self._say(**message, **job.names, pid=child.pid)
        if child.kill_at is not None:  # its end was asked for: what it left behind ends, too
            child.leaves = True
            _signal_group(child.pid, signal.SIGKILL)
        child.job, child.kill_at, child.idle_since = None, None, time.monotonic()

    def _reap(self) -> None:
        """Notice processes that have ended."""
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self.children.get(pid)
            if child is None:
                continue  # left behind by another one
            while child.answers >= 0 and self._hear(child):
                pass
            del self.children[pid]
            self._close(child)
            if child.job is not None:
                self._ended_with_job(child, child.job, os.waitstatus_to_exitcode(status))

    def _ended_with_job(self, child: _Child, job: _Job, code: int) -> None:
        """A process has ended in the middle of a job, or just after it."""
        folder = Path(job.run_dir)
        if not child.has_started and not _has_begun(folder, child.pid):
            self.stillborn += 1
            if self.stillborn < _TOO_MANY:
                self.jobs.appendleft(job)
            else:
                said = f"warm processes end as soon as they start (status {code})"
                self._say(event="refused", **job.names, reason=said)
            return
        status = exit_status(folder)
        if status is None:
            status = 128 - code if code < 0 else code
            if child.ended_by is not None:
                with suppress(OSError), (folder / QUEUE_ERR).open("a") as stream:
                    stream.write(f"jfr: {child.ended_by}\n")
            with suppress(OSError):
                (folder / EXIT_FILE).write_text(f"{status}\n")
        if child.kill_at is not None:
            _signal_group(child.pid, signal.SIGKILL)
        reason = "its process ended"
        self._say(event="ended", **job.names, status=status, reason=reason, pid=child.pid)

    def _close(self, child: _Child) -> None:
        for name in ("commands", "answers"):
            if (number := getattr(child, name)) >= 0:
                setattr(child, name, -1)
                os.close(number)

    # ------------------------------------------------------------------ in time

    def _look_after(self) -> None:
        """Kill what does not end or takes too much memory, and end what has nothing to do."""
        now = time.monotonic()
        limit = self.settings.get("memory_limit")
        for child in list(self.children.values()):
            if child.kill_at is not None and now >= child.kill_at:
                child.kill_at = now + self.settings["grace"]
                _signal_group(child.pid, signal.SIGKILL)
            if child.job is not None and limit and memory_of(child.pid) > limit:
                child.ended_by = (
                    f"Exceeded job memory limit: a process of the worker may use {limit:g} MB"
                )
                _signal_group(child.pid, signal.SIGKILL)
            is_idle = child.job is None and not child.leaves
            if is_idle and now - child.idle_since > self.settings["idle_time"]:
                child.leaves = True
                os.close(child.commands)
                child.commands = -1

    def _pause(self) -> int | None:
        """Milliseconds until something is due; None where nothing is."""
        now, due = time.monotonic(), []
        for child in self.children.values():
            if child.kill_at is not None:
                due.append(child.kill_at - now)
            if child.job is not None and self.settings.get("memory_limit"):
                due.append(_LOOK_AT_MEMORY)
            if child.job is None and not child.leaves:
                due.append(child.idle_since + self.settings["idle_time"] - now)
        return max(10, int(min(due) * 1000) + 1) if due else None


def _has_begun(folder: Path, pid: int) -> bool:
    """Whether the start file of a job names a process."""
    from controller.schedulers.start import STARTED, parse_start

    try:
        start = parse_start((folder / STARTED).read_text(errors="replace"))
    except OSError:
        return False
    return start is not None and start.pid == str(pid)


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
