"""How often and how much at once: what keeps us welcome on a machine that many share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from controller.errors import HostUnavailableError
from controller.hosts.link import Clock

AT_ONCE = 8
"""Commands at a time on one machine; sshd allows 10 sessions by default."""

LOGIN_INTERVAL = 3.0
"""Seconds between two logins at least: sites block who comes more often."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds without an attempt after a login that failed; doubled each time."""


class Slots:
    """Lets some commands run on a machine, and the next ones wait."""

    def __init__(self, name: str, number: int = AT_ONCE) -> None:
        self._name, self._free = name, threading.BoundedSemaphore(number)

    @contextmanager
    def one(self, clock: Clock) -> Iterator[None]:
        """Hold one place; waiting for it is not waiting for an answer.

        Raises
        ------
        HostUnavailableError
            None became free in the time that a command may take.
        """
        if not self._free.acquire(timeout=clock.seconds):
            raise HostUnavailableError(
                f"{AT_ONCE} commands run on {self._name}, and none ended in {clock.seconds:g} s"
            )
        try:
            clock.restart()
            yield
        finally:
            self._free.release()


class LoginGate:
    """Decides when a machine may be logged in to.

    After a failure it is left alone for a while, longer each time; until then every use fails at
    once with what the failure was. After a success, the next login waits a moment.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pause = FIRST_PAUSE
        self._not_before = self._last = float("-inf")
        self._error: HostUnavailableError | None = None

    @contextmanager
    def login(self) -> Iterator[None]:
        """Surround one login.

        Raises
        ------
        HostUnavailableError
            The last one failed not long ago; ``retry_in`` says when the next may be tried.
        """
        now = time.monotonic()
        if self._error is not None and now < self._not_before:
            raise self._again(self._error, self._not_before - now)
        if (wait := self._last + LOGIN_INTERVAL - now) > 0:
            time.sleep(wait)
        self._last = time.monotonic()
        try:
            yield
        except HostUnavailableError as error:
            error.retry_in = self._pause
            self._error = error
            self._not_before = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            raise
        self.reset()

    def reset(self) -> None:
        """Forget failures."""
        self._error, self._pause = None, FIRST_PAUSE

    def _again(self, error: HostUnavailableError, left: float) -> HostUnavailableError:
        """Return the error of the last login anew, for this use of the machine."""
        again = type(error)(error.msg, retry_in=left, hint=error.hint)
        again.__cause__ = None
        return again
