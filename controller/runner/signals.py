"""What a runner does when it receives SIGTERM, SIGINT or SIGHUP."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any


class SignalHandlers:
    """The signal handlers of a runner.

    SIGTERM and SIGINT stop it after the current step; a second one interrupts the step. SIGHUP
    reloads the project file, but stops a runner in a terminal, which sends it when it is closed.

    Parameters
    ----------
    stop, reload
        Called by the handlers.
    in_foreground
        Whether a user started the runner, rather than a service manager.

    Attributes
    ----------
    closing
        Set once the runner is cleaning up: then a second signal does not interrupt it, only a
        third one does.
    """

    def __init__(
        self, stop: Callable[[], None], reload: Callable[[], None], *, in_foreground: bool
    ) -> None:
        self._stop, self._reload, self._in_foreground = stop, reload, in_foreground
        self._received = 0
        self._previous: dict[int, Any] = {}
        self.closing = False

    def install(self) -> None:
        """Install the handlers; in another thread than the main one, nothing can be installed."""
        handlers: dict[int, Any] = {signal.SIGTERM: self._end, signal.SIGINT: self._end}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it
            ends = self._in_foreground and _has_terminal()
            handlers[signal.SIGHUP] = self._end if ends else self._read_again
        try:
            for number, handler in handlers.items():
                self._previous[number] = signal.signal(number, handler)
        except ValueError:  # not the main thread: the caller stops the runner
            pass

    def restore(self) -> None:
        """Install the previous handlers again."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._received += 1
        if self._received > (2 if self.closing else 1):
            raise KeyboardInterrupt
        self._stop()

    def _read_again(self, number: int, frame: FrameType | None) -> None:
        self._reload()


def _has_terminal() -> bool:
    try:
        return os.isatty(0) or os.isatty(2)
    except OSError:
        return False
