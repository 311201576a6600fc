"""Waiting for something to happen: a local process ends, somebody wakes us, time is up."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress

_BLIND_POLL = 0.05
"""Seconds between looks at processes where the kernel cannot tell of their end."""


class ProcessWatcher:
    """Wakes up when a process ends, without asking for it again and again.

    The processes need not be children of this one (``pidfd_open(2)``, Linux 5.3).
    """

    def __init__(self) -> None:
        self._descriptors: dict[str, int] = {}
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        os.set_blocking(self._read, False)
        self._blind = False

    def set(self, process_ids: set[str]) -> None:
        """Say which processes to watch from now on."""
        for gone in set(self._descriptors) - process_ids:
            os.close(self._descriptors.pop(gone))
        self._blind = False
        for new in process_ids - set(self._descriptors):
            try:
                self._descriptors[new] = os.pidfd_open(int(new))
            except ProcessLookupError:
                self.wake()  # it has ended already
            except (OSError, ValueError, OverflowError):
                self._blind = True

    def wake(self) -> None:
        """End the present or the next `wait` at once; may be called from a signal handler."""
        with suppress(BlockingIOError):
            os.write(self._write, b"x")

    def wait(self, timeout: float) -> bool:
        """Wait; True when a process ended or somebody woke us."""
        deadline = time.monotonic() + timeout
        poller = select.poll()
        for descriptor in (self._read, *self._descriptors.values()):
            poller.register(descriptor, select.POLLIN)
        step = min(timeout, _BLIND_POLL) if self._blind else timeout
        events = poller.poll(max(0, int(step * 1000)))
        if any(descriptor == self._read for descriptor, _ in events):
            with suppress(BlockingIOError):
                os.read(self._read, 4096)
        ended = {d for d, _ in events if d != self._read}
        for process_id in [p for p, d in self._descriptors.items() if d in ended]:
            os.close(self._descriptors.pop(process_id))
        return bool(events) or (self._blind and time.monotonic() < deadline)

    def close(self) -> None:
        """Release all descriptors."""
        for descriptor in (*self._descriptors.values(), self._read, self._write):
            os.close(descriptor)
        self._descriptors = {}
