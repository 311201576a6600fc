"""A pool of warm processes: runs the jobs of run directories without a new interpreter for each.

::

    with WarmPool(PoolSettings(processes=2)) as pool:
        pool.submit(run_dir, token)  # returns at once
        for event in pool.events(timeout=60):
            print(event.kind, event.run_dir)

The processes are children of a program, ``jf execution pool``, that has imported jobflow and does
nothing else. A job runs as on a shell worker: in its run directory, with the same files, in a
process that leads a session. Between two jobs the process is reset, or replaced if that is not
possible (docs/warm.md). `WarmPool` starts the program when it is first needed. If the program dies,
it is started again, and there is an event for each of its jobs.

Messages are lines of JSON: ``{"do": "configure" | "run" | "stop", ...}`` to the program, and
``{"event": "ready" | "started" | "ended" | "refused" | "outdated", ...}`` from it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from controller.errors import ControllerError

_PROGRAM = ("jf", "execution", "pool")
_TOO_MANY_DEATHS = 3
"""Number of consecutive programs that end without doing anything after which to give up."""


class PoolError(ControllerError):
    """The program of a pool cannot be started, or ends again and again."""


@dataclass(frozen=True)
class PoolSettings:
    """Settings of a pool.

    Attributes
    ----------
    processes
        Maximum number of jobs at the same time.
    jobs_per_process
        Number of jobs after which a process is replaced.
    memory_growth
        Growth in MB since its first job above which a process is replaced.
    memory_limit
        Maximum memory of a process in MB: a job that needs more fails, or is killed with its
        process. None for no limit.
    idle_time
        Seconds after which a process without a job ends.
    grace
        Seconds that a job gets to end when it is asked to, and that its remaining threads get.
    jobs_outlive
        Whether running jobs continue when the pool is closed or the process that started it dies;
        otherwise they are killed.
    """

    processes: int = 1
    jobs_per_process: int = 1000
    memory_growth: float = 200.0
    memory_limit: float | None = None
    idle_time: float = 60.0
    grace: float = 3.0
    jobs_outlive: bool = True


class EventKind(StrEnum):
    """What happened to a job of a pool.

    STARTED: it is running in the process given by ``pid`` and ``start_time``.
    ENDED: it has ended, and its run directory is complete; ``status`` is that of the exit file.
    REFUSED: it was not started; ``reason`` says why (see `controller.execution.warm`).
    LOST: the program died before the job was known to have started. Submit it again; this does
    nothing if it has started.
    ORPHANED: the program died while the job was running. Its process finishes this job, then ends.
    """

    STARTED = "started"
    ENDED = "ended"
    REFUSED = "refused"
    LOST = "lost"
    ORPHANED = "orphaned"


@dataclass(frozen=True)
class PoolEvent:
    """Something that happened to a job; see `EventKind`.

    Attributes
    ----------
    kind, run_dir
        What happened, and the run directory of the job.
    pid, start_time
        The process, as identified by `controller.identity`; None and "" if unknown.
    status
        Exit status of the job's command, 128 + N after signal N; None if it has not ended.
    seconds
        Run time in seconds; None if the job has not ended, or its process died.
    reason
        Why it was refused, or why its process takes no further job; "" if neither applies.
    """

    kind: EventKind
    run_dir: Path
    pid: int | None = None
    start_time: str = ""
    status: int | None = None
    reason: str = ""
    seconds: float | None = None


class WarmPool:
    """Runs jobs in warm processes; to be used in one thread only.

    Parameters
    ----------
    settings
        See `PoolSettings`.
    command
        Command of the program; None means the ``jf`` of this Python, or the first on the PATH.
    environment
        Environment of the program and all jobs; None means that of this process.
    """

    def __init__(
        self,
        settings: PoolSettings | None = None,
        *,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings or PoolSettings()
        self._command, self._environment = command, environment
        self._program: _Program | None = None
        self._retired: list[_Program] = []
        self._deaths = 0

    def __enter__(self) -> WarmPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the running programs."""
        return [program.pid for program in self._programs]

    @property
    def jobs(self) -> list[Path]:
        """Run directories of the submitted jobs that have not ended, in order of submission."""
        return [Path(name) for program in self._programs for name in program.jobs]

    def start(self) -> None:
        """Start the program now, so that it imports jobflow while the caller does something else.

        Raises
        ------
        PoolError
            The program cannot be started.
        """
        if self._program is None:
            self._program = _Program(self._words(), self._variables())
            self._program.send(do="configure", **asdict(self._settings))

    def submit(self, run_dir: Path | str, token: str = "", process_id: str = "") -> None:
        """Submit a job, which runs as soon as a process is free; return at once.

        Parameters
        ----------
        run_dir
            Absolute path of the run directory, which contains the input file.
        token
            Token of the attempt: it is not started a second time, nor in a folder that belongs to
            another attempt.
        process_id
            The job's id in its queue, for the start file; "" means the process id.

        Raises
        ------
        PoolError
            The program cannot be started, or has died several times in a row.
        """
        self.start()
        assert self._program is not None
        known = {"token": token, "process_id": process_id}
        self._program.run(str(run_dir), {k: v for k, v in known.items() if v})

    def stop(self, run_dir: Path | str) -> None:
        """End a job: its process group is asked to end, and killed after ``grace``.

        ENDED follows, or REFUSED if it had not begun.
        """
        for program in self._programs:
            if str(run_dir) in program.jobs:
                program.send(do="stop", run_dir=str(run_dir))

    def resize(self, processes: int) -> None:
        """Change the maximum number of jobs at the same time; running jobs continue."""
        if processes != self._settings.processes:
            self._settings = PoolSettings(**{**asdict(self._settings), "processes": processes})
            if self._program is not None:
                self._program.send(do="configure", processes=processes)

    def files(self) -> list[int]:
        """Open files to ``poll``: when one is readable, `events` has something to return."""
        return [program.answers for program in self._programs]

    def events(self, timeout: float = 0.0) -> list[PoolEvent]:
        """Return the events that have happened, in order.

        Parameters
        ----------
        timeout
            Seconds to wait when nothing has happened yet.
        """
        deadline = time.monotonic() + timeout
        while True:
            found = [event for program in self._programs for event in self._heard(program)]
            left = deadline - time.monotonic()
            if found or left <= 0:
                return found
            self._wait(left)

    def close(self) -> None:
        """End the program; running jobs (``jobs_outlive``) cause no further events."""
        for program in self._programs:
            program.close()
        self._program, self._retired = None, []

    @property
    def _programs(self) -> list[_Program]:
        return [*self._retired, *([self._program] if self._program else [])]

    def _words(self) -> list[str]:
        if self._command is not None:
            return list(self._command)
        path = self._variables().get("PATH", os.defpath)
        found = shutil.which(_PROGRAM[0], path=path)
        if found is None:
            raise PoolError(
                "cannot start warm processes: there is no command jf",
                hint="install jfr on this machine, or use `warm: false`",
            )
        return [found, *_PROGRAM[1:]]

    def _variables(self) -> dict[str, str]:
        if self._environment is not None:
            return dict(self._environment)
        here = str(Path(sys.executable).parent)
        return {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}

    def _wait(self, seconds: float) -> None:
        poller = select.poll()
        for program in self._programs:
            poller.register(program.answers, select.POLLIN)
            if program.has_more_to_send:
                poller.register(program.commands, select.POLLOUT)
        poller.poll(max(1, int(seconds * 1000)))

    def _heard(self, program: _Program) -> list[PoolEvent]:
        events, outdated = [], {}
        for message in program.heard():
            run_dir = message.get("run_dir", "")
            if message["event"] == "ready":
                program.pid = message["pid"]  # the started command may have been a wrapper
            elif not program.has(run_dir, message.get("token", "")):
                continue  # an earlier attempt in the same folder
            elif message["event"] == "outdated":
                outdated[run_dir] = program.jobs.pop(run_dir)
            else:
                events.append(_event(message))
                if message["event"] == "started":
                    program.started[run_dir] = events[-1]
                else:
                    del program.jobs[run_dir]
                    program.started.pop(run_dir, None)
                self._deaths = 0
        if outdated:
            self._replace(program, outdated)
        if program.has_ended or (program in self._retired and not program.jobs):
            events += self._gone(program)
        return events

    def _replace(self, program: _Program, jobs: Mapping[str, dict[str, Any]]) -> None:
        """Start a new program because its code has changed; the old one ends after its last job."""
        if program is self._program:
            self._program = None
            self._retired.append(program)
        self.start()
        assert self._program is not None
        for run_dir, known in jobs.items():
            self._program.run(run_dir, known)

    def _gone(self, program: _Program) -> list[PoolEvent]:
        if program is self._program:
            self._program = None
            self._deaths += 1
        else:
            self._retired.remove(program)
        said = program.last_words()
        program.close()
        events = []
        for run_dir in program.jobs:
            start = program.started.get(run_dir)
            kind = EventKind.LOST if start is None else EventKind.ORPHANED
            pid, began = (start.pid, start.start_time) if start else (None, "")
            events.append(PoolEvent(kind, Path(run_dir), pid, began, None, said))
        if self._deaths >= _TOO_MANY_DEATHS:
            self._deaths = 0
            raise PoolError(f"warm processes cannot be used: {said or 'jf execution pool ended'}")
        return events


def _event(message: Mapping[str, Any]) -> PoolEvent:
    names = ("pid", "start_time", "status", "reason", "seconds")
    known = {name: message[name] for name in names if message.get(name) is not None}
    return PoolEvent(EventKind(message["event"]), Path(message["run_dir"]), **known)


class _Program:
    """One ``jf execution pool``."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self._errors: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the program runs)
        try:
            self._process = subprocess.Popen(
                words,
                env=environment,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C is for the runner
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise PoolError(f"cannot start warm processes: {error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.pid = self._process.pid
        self.commands, self.answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        for end in (self.commands, self.answers):
            os.set_blocking(end, False)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.started: dict[str, PoolEvent] = {}
        self.has_ended = False
        self._to_send, self._waiting = bytearray(), b""

    @property
    def has_more_to_send(self) -> bool:
        return bool(self._to_send) and not self.has_ended

    def run(self, run_dir: str, known: dict[str, Any]) -> None:
        self.jobs[run_dir] = known
        self.started.pop(run_dir, None)  # that of an earlier attempt
        self.send(do="run", run_dir=run_dir, **known)

    def has(self, run_dir: str, token: str) -> bool:
        """Whether an attempt is the last one that it was told to run in a folder."""
        return run_dir in self.jobs and self.jobs[run_dir].get("token", "") == token

    def send(self, **message: Any) -> None:
        self._to_send += json.dumps(message).encode() + b"\n"
        self._flush()

    def _flush(self) -> None:
        while self._to_send and not self.has_ended:
            try:
                written = os.write(self.commands, self._to_send)
            except BlockingIOError:
                return
            except OSError:
                return  # it has ended: reading tells
            del self._to_send[:written]

    def heard(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived."""
        self._flush()
        while not self.has_ended:
            try:
                data = os.read(self.answers, 1 << 16)
            except BlockingIOError:
                break
            self.has_ended = not data
            self._waiting += data
        *lines, self._waiting = self._waiting.split(b"\n")
        return [json.loads(line) for line in lines]

    def last_words(self) -> str:
        """Return the last line that the program wrote to its standard error."""
        with suppress(OSError, ValueError):
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    def close(self) -> None:
        """Let the program end by closing its standard input."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._errors.close()
        if not self.jobs:  # it may still be importing
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
