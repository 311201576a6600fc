"""Wait for an event: the end of a local process, a wake-up call, or a timeout."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress

from controller.identity import exists, find_process, start_time

_BLIND_POLL = 0.05
"""Seconds between checks of processes, if the kernel cannot notify about their end."""


class ProcessWatcher:
    """Wakes up when a process ends, without polling.

    The processes need not be children of this one (``pidfd_open(2)``, Linux 5.3). Without kernel
    support, they are checked many times a second.

    Attributes
    ----------
    only_heard
        Whether the last `wait` ended for nothing but something to read in the files of `listen`.
    """

    def __init__(self) -> None:
        self._descriptors: dict[str, int] = {}
        self._unseen: set[int] = set()
        self._told: set[str] = set()
        self._sources: list[int] = []
        self.only_heard = False
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        os.set_blocking(self._read, False)

    def set(self, process_ids: set[str]) -> None:
        """Set the processes to watch."""
        for gone in set(self._descriptors) - process_ids:
            os.close(self._descriptors.pop(gone))
        self._unseen = set()
        self._told &= process_ids
        for new in process_ids - set(self._descriptors) - self._told:
            try:
                self._watch(new)
            except (ProcessLookupError, ValueError, OverflowError):
                # It has already ended, or its id is unknown here: reported once.
                self._told.add(new)
                self.wake()

    def listen(self, files: list[int]) -> None:
        """Set the open files that wake it up when there is something to read."""
        self._sources = files

    def _watch(self, process_id: str) -> None:
        number = int(process_id)
        if hasattr(os, "pidfd_open"):
            try:
                self._descriptors[process_id] = os.pidfd_open(number)
            except ProcessLookupError:
                raise
            except OSError:
                pass  # an older kernel, or no descriptor is left
            else:
                return
        if not exists(number):
            raise ProcessLookupError(process_id)
        self._unseen.add(number)

    def wake(self) -> None:
        """End the current or the next `wait` immediately; may be called from a signal handler."""
        if (descriptor := self._write) < 0:
            return  # closed: a lane that was left behind has something to tell
        with suppress(BlockingIOError):
            os.write(descriptor, b"x")

    def wait(self, timeout: float) -> bool:
        """Wait; return whether a process ended, a file can be read, or `wake` was called."""
        deadline = time.monotonic() + timeout
        poller = select.poll()
        for descriptor in (self._read, *self._sources, *self._descriptors.values()):
            poller.register(descriptor, select.POLLIN)
        while True:
            left = max(0.0, deadline - time.monotonic())
            step = min(left, _BLIND_POLL) if self._unseen else left
            events = poller.poll(int(step * 1000))
            if events or self._has_one_ended():
                break
            if time.monotonic() >= deadline or not self._unseen:
                return False
        self.only_heard = bool(events) and all(number in self._sources for number, _ in events)
        self._heed([descriptor for descriptor, _ in events])
        return True

    def _has_one_ended(self) -> bool:
        ended = {pid for pid in self._unseen if not start_time(pid) and not self._is_hidden(pid)}
        self._unseen -= ended
        return bool(ended)

    @staticmethod
    def _is_hidden(pid: int) -> bool:
        return find_process(pid) is None and exists(pid)

    def _heed(self, descriptors: list[int]) -> None:
        if self._read in descriptors:
            with suppress(BlockingIOError):
                os.read(self._read, 4096)
        for process_id in [p for p, d in self._descriptors.items() if d in descriptors]:
            os.close(self._descriptors.pop(process_id))

    def close(self) -> None:
        """Release all descriptors."""
        pipe = self._read, self._write
        self._read = self._write = -1  # first: `wake` must not write to a number that is reused
        for descriptor in (*self._descriptors.values(), *pipe):
            os.close(descriptor)
        self._descriptors = {}
