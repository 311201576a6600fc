"""What carries a script to another machine: a command line out, two streams back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from controller.hosts.conversation import Listener


class SilenceError(Exception):
    """Time is up: nothing came for too long, or the whole took too long."""


class Clock:
    """How long to wait for an answer.

    Parameters
    ----------
    seconds
        For the whole, or, where ``idle``, without anything happening.
    before
        For the shell to begin, where that may take longer.
    """

    def __init__(self, seconds: float, *, idle: bool = False, before: float = 0.0) -> None:
        self.seconds, self._idle = seconds, idle
        self._before = max(seconds, before)
        self.restart()

    def restart(self) -> None:
        """Begin anew: what was waited for was a place, not an answer."""
        self._deadline = time.monotonic() + self._before

    def start(self) -> None:
        """Say that the command begins now."""
        self._deadline = time.monotonic() + self.seconds

    def moved(self) -> None:
        """Say that something happened."""
        if self._idle:
            self._deadline = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds left.

        Raises
        ------
        SilenceError
            There are none.
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
        Of the machine, for messages.
    """

    name: str

    def run(
        self, command: str, listener: Listener, stdin: Iterator[bytes] | None, clock: Clock
    ) -> int | None:
        """Run a command line, feed it, and let the listener hear it until it has finished.

        Returns
        -------
        int or None
            Exit status, where the command ended before the listener had heard all; None where
            the listener has finished, or the connection was lost.

        Raises
        ------
        SilenceError
            Time is up.
        HostUnavailableError
            There is no connection; the command was not begun.
        """

    def connect(self) -> None:
        """Log in, where that is to be done; errors as for `run`."""

    def drop(self) -> None:
        """Give up a connection that does not answer; the next command makes a new one."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as one can tell without using it."""

    def close(self) -> None:
        """End the connection."""
