"""The write lock of the file: an ``flock`` that queues fairly and waits for a bounded time.

SQLite's own waiting polls and is unfair: waiting writers were delayed by seconds. The kernel serves
those waiting for an ``flock`` in order of arrival. It also keeps commits and checkpoints apart,
which SQLite before 3.51.3 may confuse (https://sqlite.org/wal.html#walreset).
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from controller.errors import StorageBusyError, StorageUnavailableError
from controller.identity import Liveness, liveness, this_process

_OWNER_SIZE = 200
_KNOWN = ("pid", "start_time", "boot_id", "pid_namespace")


def owner_text() -> str:
    """Return a text that tells this process from all others, also after its end."""
    me = this_process()
    return " ".join(str(me[key]) or "-" for key in ("host", *_KNOWN))


def is_gone(owner: str) -> bool:
    """Whether the process that `owner_text` described was on this host and has certainly ended.

    False for an invisible one, in another PID namespace or behind a ``/proc`` that hides it: it may
    still be writing.
    """
    host, *words = owner.split() or [""]
    known = {key: "" if word == "-" else word for key, word in zip(_KNOWN, words)}
    return host == socket.gethostname() and liveness(known) is Liveness.ENDED


class FileLock:
    """The right to write, for one connection; a descriptor of its own, so threads exclude too.

    Parameters
    ----------
    path
        The lock file; opened, and created, on first use. It is never removed: its name must lead
        all processes to one inode.
    wait
        Seconds to wait before `StorageBusyError`.
    """

    def __init__(self, path: Path, wait: float) -> None:
        self._path, self._wait = path, wait
        self._descriptor = -1
        self._turn: _Turn | None = None

    @contextmanager
    def held(self, *, shared: bool = False, wait: float | None = None) -> Iterator[float]:
        """Hold the lock; the value is how many seconds that took.

        Parameters
        ----------
        wait
            Seconds to wait, if not the default; 0 takes no place in the queue.

        Raises
        ------
        StorageBusyError
            Another process held it the whole time; the message names it.
        StorageUnavailableError
            The lock file cannot be opened.
        """
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        if self._descriptor < 0:
            self._descriptor = self._open()
        waited = 0.0
        try:
            fcntl.flock(self._descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = self._queue(mode, self._wait if wait is None else wait)
        if not shared:
            # Only information for waiting processes: a full disk must not prevent freeing space.
            with suppress(OSError):
                os.pwrite(self._descriptor, owner_text().encode().ljust(_OWNER_SIZE), 0)
        try:
            yield waited
        finally:
            # Not by closing: a process forked meanwhile may hold a copy of the descriptor.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release the descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC
        try:
            with suppress(FileExistsError):
                descriptor = os.open(self._path, flags | os.O_CREAT | os.O_EXCL, 0o600)
                os.fchmod(descriptor, 0o600)  # whatever the umask
                return descriptor
            return os.open(self._path, flags | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageUnavailableError(
                f"{self._path.with_suffix('')} cannot be opened for writing: {error.strerror}",
                hint="check the permissions of the file and of its folder, and the disk's space",
            ) from None

    def _queue(self, mode: int, wait: float) -> float:
        """Wait in the kernel's queue, in a thread, because ``flock`` has no timeout.

        A new attempt takes over the place of one that gave up: however often one tries, there is
        only one thread.
        """
        began = time.monotonic()
        if wait > 0:
            turn, self._turn = self._turn, None
            if turn is None or not turn.resume(mode):
                turn = _Turn(self._descriptor, mode)
                threading.Thread(target=turn.take, daemon=True, name="jfr-file-lock").start()
            try:
                came = turn.arrived.wait(wait) or not turn.give_up()
            except BaseException:  # Ctrl-C: the lock obtained by the thread would never be released
                if not turn.give_up():
                    self._take_over(turn)
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)
                raise
            if came:
                self._take_over(turn)
                return time.monotonic() - began
            self._turn = turn
            if turn.descriptor == self._descriptor:  # it belongs to the thread now
                self._descriptor = -1
                self._descriptor = self._open()
        holder = os.pread(self._descriptor, _OWNER_SIZE, 0).decode(errors="replace").split()
        who = f"process {holder[1]} on {holder[0]}" if len(holder) > 1 else "another process"
        raise StorageBusyError(
            f"{self._path.with_suffix('')} has been busy for {wait:g} s; {who} holds the lock",
            hint="if that process was suspended (Ctrl-Z), continue or end it, then try again",
        )

    def _take_over(self, turn: _Turn) -> None:
        """Use the descriptor that obtained the lock from now on."""
        if turn.descriptor != self._descriptor:
            self.close()
            self._descriptor = turn.descriptor


class _Turn:
    """One thread's place in the queue; its caller may give up."""

    def __init__(self, descriptor: int, mode: int) -> None:
        self.descriptor, self._mode = descriptor, mode
        self._decided = threading.Lock()
        self._given_up = self._ended = False
        self.arrived = threading.Event()

    def take(self) -> None:
        fcntl.flock(self.descriptor, self._mode)
        with self._decided:
            if self._given_up:
                self._ended = True
                fcntl.flock(self.descriptor, fcntl.LOCK_UN)
                os.close(self.descriptor)
                return
            self.arrived.set()

    def give_up(self) -> bool:
        """Stop waiting; return False if the lock was obtained at this moment."""
        with self._decided:
            if self.arrived.is_set():
                return False
            self._given_up = True
            return True

    def resume(self, mode: int) -> bool:
        """Wait again; return False if the turn has passed."""
        with self._decided:
            if self._ended or mode != self._mode:
                return False
            self._given_up = False
            return True
