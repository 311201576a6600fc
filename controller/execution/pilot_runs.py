"""The jobs of a pilot as processes: each is ``bash submit.sh`` in its run directory.

Each job has its own process group in the session of the pilot. Processes of the group that remain
when the job ends are killed, and so is the whole group when the pilot dies for any reason: a small
process in the group waits for the end of a pipe that only the pilot holds open.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from controller.rules.pool_files import CLAIM, Entry

_BLIND_POLL = 0.05
"""Seconds between checks of processes if the kernel cannot report their end."""


class Runs(Protocol):
    """Runs jobs; each is identified by its claim."""

    def start(self, claim: str, run_dir: Path, entry: Entry) -> None:
        """Start a job.

        Raises
        ------
        OSError
            The job cannot be started; nothing has happened.
        """

    def ended(self) -> dict[str, int]:
        """Return {claim: exit status} of the jobs that have ended since the last call."""

    def stop(self, claim: str, *, force: bool) -> None:
        """End a job and everything that it has started; with force, at once."""

    def wait(self, seconds: float, wake: int) -> None:
        """Wait until a job ends, a descriptor can be read, or the time is up."""

    def close(self) -> None:
        """End everything."""


class ColdRuns:
    """Runs each job in a new process and interpreter."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[subprocess.Popen[bytes], int]] = {}

    def start(self, claim: str, run_dir: Path, entry: Entry) -> None:
        """See `Runs`."""
        theirs, ours = os.pipe()
        watch = f"cat <&{theirs} > /dev/null 2>&1 && kill -KILL 0 &"
        try:
            process = subprocess.Popen(
                ["bash", "-c", f"{watch}\nexec bash submit.sh {theirs}<&-"],
                cwd=run_dir,
                env={**os.environ, CLAIM: claim},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs],
                process_group=0,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._jobs[claim] = (process, ours)

    def ended(self) -> dict[str, int]:
        """See `Runs`."""
        found = {}
        for claim, (process, pipe) in list(self._jobs.items()):
            status = process.poll()
            if status is not None:
                os.close(pipe)
                del self._jobs[claim]
                found[claim] = status
        return found

    def stop(self, claim: str, *, force: bool) -> None:
        """See `Runs`."""
        if claim in self._jobs:
            with suppress(ProcessLookupError):
                os.killpg(self._jobs[claim][0].pid, signal.SIGKILL if force else signal.SIGTERM)

    def wait(self, seconds: float, wake: int, also: Sequence[int] = ()) -> None:
        """See `Runs`.

        Parameters
        ----------
        also
            Further descriptors.
        """
        end = time.monotonic() + seconds
        poller, descriptors = select.poll(), list[int]()
        others = {wake, *also}
        for descriptor in others:
            poller.register(descriptor, select.POLLIN)
        try:
            if hasattr(os, "pidfd_open"):  # not on a Mac
                for process, _ in self._jobs.values():
                    with suppress(OSError):
                        descriptors.append(os.pidfd_open(process.pid))
                        poller.register(descriptors[-1], select.POLLIN)
            if len(descriptors) == len(self._jobs):
                poller.poll(seconds * 1000)
                return
            while time.monotonic() < end:
                if any(process.poll() is not None for process, _ in self._jobs.values()):
                    return
                left = max(0.0, end - time.monotonic())
                if any(fd in others for fd, _ in poller.poll(min(_BLIND_POLL, left) * 1000)):
                    return
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def close(self) -> None:
        """See `Runs`."""
        for claim in list(self._jobs):
            self.stop(claim, force=True)
        for process, pipe in self._jobs.values():
            process.wait()
            os.close(pipe)
        self._jobs.clear()
