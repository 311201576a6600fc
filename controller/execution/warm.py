"""A warm process: runs one job after the other, each as a process of its own would.

The pool (``controller.execution.zygote``) forks it and sends it a message for each job, a line of
JSON with the run directory. It answers with a line when the job has started, and one when it has
ended. In the run directory it does what the submitted script does around a job: it makes sure that
the attempt runs once, and leaves the same files (``controller.schedulers.start`` describes them).

It runs another job only after the exit file of the last one was written, and not if a process has
made its `stop_file`. So a process that finds no exit file after it has made that file can end this
one, and will not hit another job.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from controller.execution.code_files import CodeFiles
from controller.execution.files import EXIT_FILE, QUEUE_ERR, QUEUE_OUT
from controller.execution.process_facts import memory_in_use
from controller.execution.restoring import (
    ProcessState,
    end_threads_and_exit_functions,
    new_random_numbers,
)
from controller.execution.run import Surroundings, allocate, run_job
from controller.execution.standard_streams import standard_streams
from controller.identity import this_process
from controller.schedulers.start import ATTEMPT, STARTED, WARM, WITHDRAWN, stop_file

OTHER_ATTEMPT, IS_STARTED, IS_WITHDRAWN = "other attempt", "started before", "withdrawn"
IS_STOPPED = "stopped"
"""Why a job was not started: the folder is that of another attempt of it; this attempt was started
before; it was withdrawn; it was stopped before it began."""
_SCARCE = 16 << 20
"""Bytes free on a file system below which the reserved ones are needed."""
_SHORT = 1.0
"""Seconds: the result of a shorter job may be lost in a power cut, like that of one that runs."""
_HIGH = 1000
"""Numbers of files that a job does not close by chance are not far below this."""


class CannotStartError(Exception):
    """The job was not started, for one of the reasons above or an error of the system."""


def serve_jobs(commands: int, answers: int, settings: dict[str, Any]) -> NoReturn:
    """Run jobs until the pool ends; called in a process that was just forked.

    Parameters
    ----------
    commands, answers
        Open files: where jobs come from, and where the answers go.
    settings
        The fields of `controller.execution.pool.PoolSettings`.
    """
    status = 1
    try:
        _WarmProcess(_out_of_the_way(commands), _out_of_the_way(answers), settings).serve()
        status = 0
    finally:
        os._exit(status)


class _Around(Surroundings):
    """What a warm process does around a job, some of it once for many."""

    def __init__(self, state: ProcessState) -> None:
        self._state = state
        self._reserve, self._device = -1, -1
        self._begun = 0.0

    def reserve(self, home: Path) -> None:
        """Keep space on the file system of the job, from one job to the next."""
        self._begun = time.monotonic()
        device = home.stat().st_dev
        if device == self._device:
            return
        self.give_back()
        name = home / f".jfr_reserve.{os.getpid()}"
        opened = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
        name.unlink()  # the space is taken as long as the file is open
        self._reserve, self._device = _out_of_the_way(opened), device
        self._state.keep_open(self._reserve)
        try:
            allocate(self._reserve)
        except OSError:
            self.give_back()
            raise

    def release(self, home: Path) -> None:
        """Give the space back where there is hardly any other."""
        free = os.statvfs(home)
        if free.f_bavail * free.f_frsize < _SCARCE:
            self.give_back()

    def give_back(self) -> None:
        """Give the space back."""
        if self._reserve >= 0:
            with suppress(OSError):  # a job has closed it
                os.close(self._reserve)
        self._reserve = self._device = -1

    def imported(self) -> None:
        """Count what a module has configured as that of the process."""
        self._state.adopt()

    def lasting(self) -> bool:
        """Whether the job took so long that its result should survive a power cut."""
        return time.monotonic() - self._begun > _SHORT


class _WarmProcess:
    def __init__(self, commands: int, answers: int, settings: dict[str, Any]) -> None:
        self._commands, self._answers, self._settings = commands, answers, settings
        self._jobs = 0
        limit = settings.get("memory_limit")
        if limit:
            with suppress(OSError, ValueError):
                hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
                resource.setrlimit(resource.RLIMIT_DATA, (int(limit * 1024**2), hard))
        known = this_process()
        words = (known["boot_id"], known["pid_namespace"], _node())
        self._identity = [str(word).replace(" ", "_") or "-" for word in words]
        self._start_time = known["start_time"] or "-"
        self._code = CodeFiles(sys.modules, since=time.time())
        self._state = ProcessState()
        self._state.restore()
        new_random_numbers()
        self._around = _Around(self._state)
        self._first_memory: float | None = None

    def serve(self) -> None:
        for message in _lines(self._commands):
            if (file := self._code.changed()) is not None:
                self._say(event="unfit", run_dir=message["run_dir"], reason=f"{file} has changed")
                return
            leaves = self._run(message)
            if leaves is not None:
                return
            new_random_numbers()  # here, so that the end of the job is known before

    def _run(self, message: dict[str, Any]) -> str | None:
        """Run a job; returns why this process takes no other one."""
        run_dir, token = message["run_dir"], message.get("token") or ""
        try:
            begin(run_dir, token, self._start_line(message))
        except (CannotStartError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self._say(event="refused", run_dir=run_dir, reason=reason)
            return None
        self._say(event="started", run_dir=run_dir, start_time=self._start_time)
        process, begun = os.getpid(), time.monotonic()
        folder = Path(run_dir)
        os.chdir(folder)
        with standard_streams(QUEUE_OUT, QUEUE_ERR):
            end = run_job(run_dir, self._around)
            if os.getpid() != process:
                os._exit(1)
            for stream in (sys.stdout, sys.stderr):
                with suppress(Exception):
                    stream.flush()
            leaves = "the job failed" if end.error is not None else self._state.unfinished()
            if leaves is not None:
                end_threads_and_exit_functions(self._settings["grace"])
        leaves = leaves or self._state.restore() or self._is_worn_out()
        written = _write_exit(folder, end.status)
        if not written:
            leaves = leaves or "the end of the job cannot be written"
        if token and (folder / stop_file(token)).exists():
            leaves = leaves or "the end of the job was asked for"
        seconds = round(time.monotonic() - begun, 4)
        self._say(event="ended", run_dir=run_dir, status=end.status, reason=leaves, seconds=seconds)
        return leaves

    def _start_line(self, message: dict[str, Any]) -> str:
        pid, token = str(os.getpid()), message.get("token") or "-"
        identity = [message.get("process_id") or pid, self._start_time, token, pid]
        return " ".join([*identity, *self._identity, WARM])

    def _is_worn_out(self) -> str | None:
        self._jobs += 1
        if self._jobs >= self._settings["jobs_per_process"]:
            return f"it has run {self._jobs} jobs"
        changed = self._code.note_new()
        if changed is not None:
            return f"{changed} was changed while it was imported"
        memory = memory_in_use()
        if self._first_memory is None:
            self._first_memory = memory
        if memory - self._first_memory > self._settings["memory_growth"]:
            return "its memory has grown"
        return None

    def _say(self, **what: Any) -> None:
        data = json.dumps(what).encode() + b"\n"
        # A job that has begun runs to its end even if its reader is gone.
        with suppress(OSError):
            while data:
                data = data[os.write(self._answers, data) :]


def begin(run_dir: str, token: str, start_line: str) -> None:
    """Do what the first lines of a submitted script do, so that an attempt runs once.

    Raises
    ------
    CannotStartError
        It must not run.
    OSError
        The folder cannot be used.
    """
    folder = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if token and _first_word(folder, ATTEMPT) not in ("", token):
            raise CannotStartError(OTHER_ATTEMPT)
        try:
            mark = os.open(STARTED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
        except FileExistsError:
            raise CannotStartError(IS_STARTED) from None
        try:
            os.write(mark, f"{start_line}\n".encode())
        finally:
            os.close(mark)
        if _exists(folder, WITHDRAWN) or _exists(folder, f"{WITHDRAWN}.{token or 'none'}"):
            raise CannotStartError(IS_WITHDRAWN)
    finally:
        os.close(folder)


def _first_word(folder: int, name: str) -> str:
    try:
        opened = os.open(name, os.O_RDONLY, dir_fd=folder)
    except FileNotFoundError:
        return ""
    try:
        words = os.read(opened, 1000).decode(errors="replace").split()
    finally:
        os.close(opened)
    return words[0] if words else ""


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _write_exit(folder: Path, status: int) -> bool:
    try:
        (folder / EXIT_FILE).write_text(f"{status}\n")
    except OSError:
        return False
    return True


def _node() -> str:
    return os.environ.get("SLURMD_NODENAME") or os.uname().nodename


def _out_of_the_way(number: int) -> int:
    """Give an open file a number that jobs hardly use, and that programs do not inherit."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = _HIGH if soft == resource.RLIM_INFINITY else min(_HIGH, soft - 8)
    moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, max(10, most))
    os.close(number)
    return moved


def _lines(source: int) -> Iterator[dict[str, Any]]:
    """Yield messages; ends when the other end was closed."""
    waiting = b""
    while True:
        try:
            data = os.read(source, 65536)
        except OSError:
            return  # a job has closed it
        if not data:
            return
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            yield json.loads(line)
