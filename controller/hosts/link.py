"""Interface of a connection that runs scripts on another machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from controller.hosts.conversation import Listener


class SilenceError(Exception):
    """Timeout: no data for too long, or the whole took too long."""


class Clock:
    """How long to wait for an answer.

    Parameters
    ----------
    seconds
        Time limit of the whole command or, if ``idle``, of a period without any data.
    before
        Time limit for the shell to start, if that may take longer.
    """

    def __init__(self, seconds: float, *, idle: bool = False, before: float = 0.0) -> None:
        self.seconds, self._idle = seconds, idle
        self._before = max(seconds, before)
        self.restart()

    def restart(self) -> None:
        """Restart: the wait was for a place, not for an answer."""
        self._deadline = time.monotonic() + self._before

    def start(self) -> None:
        """Note that the command starts now."""
        self._deadline = time.monotonic() + self.seconds

    def moved(self) -> None:
        """Note that data was transferred."""
        if self._idle:
            self._deadline = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds left.

        Raises
        ------
        SilenceError
            No time is left.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise SilenceError
        return left


class Link(Protocol):
    """A connection to one machine, which any number of threads may use.

    Attributes
    ----------
    name
        Name of the machine, for messages.
    """

    name: str

    def run(
        self, command: str, listener: Listener, stdin: Iterator[bytes] | None, clock: Clock
    ) -> int | None:
        """Run a command line with input, and pass its output to the listener until it has finished.

        Returns
        -------
        int or None
            Exit status, if the command ended before the listener had received all; None if the
            listener has finished, or the connection was lost.

        Raises
        ------
        SilenceError
            The time limit was exceeded.
        HostUnavailableError
            There is no connection; the command was not started.
        """

    def connect(self) -> None:
        """Log in, if necessary; errors as for `run`."""

    def drop(self) -> None:
        """Drop a connection that does not answer; the next command makes a new one."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as one can tell without using it."""

    def close(self) -> None:
        """End the connection."""
