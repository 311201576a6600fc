"""Limits on logins and concurrent commands, out of consideration for shared machines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from controller.errors import HostUnavailableError
from controller.hosts.link import Clock

AT_ONCE = 8
"""Maximum number of concurrent commands on one machine; sshd allows 10 sessions by default."""

LOGIN_INTERVAL = 3.0
"""Minimum time in seconds between two logins: sites block clients that log in more often."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds without an attempt after a failed login; doubled each time."""


class Slots:
    """Limits the number of commands running on a machine; further ones wait."""

    def __init__(self, name: str, number: int = AT_ONCE) -> None:
        self._name, self._free = name, threading.BoundedSemaphore(number)

    @contextmanager
    def one(self, clock: Clock) -> Iterator[None]:
        """Hold one place; the wait for it does not count as waiting for an answer.

        Raises
        ------
        HostUnavailableError
            No place became free within the time limit of a command.
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
    """Decides when a login to a machine may be tried.

    After a failure no login is tried for a while, longer each time; until then every use fails
    immediately with the same error. After a success, the next login waits a moment.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pause = FIRST_PAUSE
        self._not_before = self._last = float("-inf")
        self._error: HostUnavailableError | None = None

    @contextmanager
    def login(self) -> Iterator[None]:
        """Context of one login.

        Raises
        ------
        HostUnavailableError
            The last one failed recently; ``retry_in`` says when the next may be tried.
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
        """Return a new copy of the error of the last login, for this use of the machine."""
        again = type(error)(error.msg, retry_in=left, hint=error.hint)
        again.__cause__ = None
        return again
