"""Who may write to the file now: an ``flock`` that queues fairly and waits for a bounded time.

SQLite's own waiting polls, and starves: waiting writers took turns after seconds. The kernel
queues those who wait for an ``flock`` in the order in which they came. It also keeps commits and
checkpoints apart, which SQLite before 3.51.3 may confuse (https://sqlite.org/wal.html#walreset).
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from controller.errors import StorageBusyError
from controller.identity import Liveness, liveness, this_process

_OWNER_SIZE = 200
_KNOWN = ("pid", "start_time", "boot_id", "pid_namespace")


def owner_text() -> str:
    """Return a text that tells this process from all others, also after its end."""
    me = this_process()
    return " ".join(str(me[key]) or "-" for key in ("host", *_KNOWN))


def is_gone(owner: str) -> bool:
    """Whether the process that `owner_text` described was of this host and has ended for certain.

    Not so for one that is out of sight, in another PID namespace or behind a ``/proc`` that hides
    it: it may write still.
    """
    host, *words = owner.split() or [""]
    known = {key: "" if word == "-" else word for key, word in zip(_KNOWN, words)}
    return host == socket.gethostname() and liveness(known) is Liveness.ENDED


class FileLock:
    """The right to write, for one connection; a descriptor of its own, so threads exclude too.

    Parameters
    ----------
    path
        The lock file. It is never removed: its name must lead everybody to one inode.
    wait
        Seconds to wait before `StorageBusyError`.
    """

    def __init__(self, path: Path, wait: float) -> None:
        self._path, self._wait = path, wait
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    @contextmanager
    def held(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock.

        Raises
        ------
        StorageBusyError
            Somebody else held it for the whole time; the message names the process.
        """
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            self._queue(mode)
        if not shared:
            # Only a courtesy to those who wait: a full disk must not prevent what frees space.
            with suppress(OSError):
                os.pwrite(self._descriptor, owner_text().encode().ljust(_OWNER_SIZE), 0)
        try:
            yield
        finally:
            # Not by closing: a process forked meanwhile may hold a copy of the descriptor.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release the descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _queue(self, mode: int) -> None:
        """Wait in the kernel's queue, in a thread, since ``flock`` itself cannot time out."""
        turn = _Turn(self._descriptor, mode)
        threading.Thread(target=turn.take, daemon=True, name="jfr-file-lock").start()
        if turn.arrived.wait(self._wait) or not turn.give_up():
            return
        # The thread keeps the old descriptor, and its place in the queue, until its turn comes.
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        holder = os.pread(self._descriptor, _OWNER_SIZE, 0).decode(errors="replace").split()
        who = f"process {holder[1]} on {holder[0]}" if len(holder) > 1 else "another process"
        raise StorageBusyError(
            f"{self._path.with_suffix('')} has been busy for {self._wait:g} s; {who} holds it",
            hint="if that process was stopped (Ctrl-Z), continue or end it, then try again",
        )


class _Turn:
    """One thread's place in the queue; whoever waits for it may give up."""

    def __init__(self, descriptor: int, mode: int) -> None:
        self._descriptor, self._mode = descriptor, mode
        self._decided = threading.Lock()
        self._given_up = False
        self.arrived = threading.Event()

    def take(self) -> None:
        fcntl.flock(self._descriptor, self._mode)
        with self._decided:
            if self._given_up:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
                os.close(self._descriptor)
                return
            self.arrived.set()

    def give_up(self) -> bool:
        """Stop waiting; False when the turn came in this very moment."""
        with self._decided:
            if self.arrived.is_set():
                return False
            self._given_up = True
            return True
