"""Change streams of a server, as a hint that something happened; never as truth.

A stream ends a wait. The process then looks at the database, as it does at its usual pace without
a stream: one that dies, misses changes or tells of none costs nothing but time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pymongo.errors import OperationFailure, PyMongoError

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until a stream that died is opened again; doubled each time."""
AWAIT_MS = 1000
"""How long a server may take to say that nothing changed; an end takes as long at most."""
_UNSUPPORTED = frozenset((40573, 115, 59))
"""Codes of servers without change streams: no replica set, not supported, no such command."""


class Stream(Protocol):
    """What is used of pymongo's ``ChangeStream``."""

    @property
    def resume_token(self) -> Any:
        """Where a later stream can go on."""

    def try_next(self) -> Any:
        """Return the next change; None where there is none for a while."""


Open = Callable[[Any], AbstractContextManager[Stream]]
"""Opens a stream that goes on at a token; None begins with what happens from now on."""


class ChangeHints:
    """Follows a stream in a thread of its own, until it is closed.

    Parameters
    ----------
    open_stream
        See `Open`.
    wake
        Called when something may have changed; it must not block.
    """

    def __init__(self, open_stream: Open, wake: Callable[[], None]) -> None:
        self._open, self._wake = open_stream, wake
        self._ended = threading.Event()
        self._token: Any = None
        self._pause = FIRST_PAUSE
        self._thread = threading.Thread(target=self._run, name="change hints", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except PyMongoError as error:
                if not self._goes_on_after(error):
                    return
                self._ended.wait(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _follow(self) -> None:
        with self._open(self._token) as stream:
            while not self._ended.is_set():
                change = stream.try_next()
                self._token = stream.resume_token
                self._pause = FIRST_PAUSE
                if change is not None:
                    self._wake()

    def _goes_on_after(self, error: PyMongoError) -> bool:
        """Whether to open another stream; what happened meanwhile is looked for in any case."""
        if self._ended.is_set():
            return False
        self._wake()
        if isinstance(error, OperationFailure):
            self._token = None  # the server refuses, perhaps for it has no history so old
            if error.code in _UNSUPPORTED:
                logger.info("the server has no change streams: changes are looked for")
                return False
        logger.debug("the change stream ended: %s", error)
        return True

    def close(self) -> None:
        """End the thread, within some seconds."""
        self._ended.set()
        self._thread.join(2 * AWAIT_MS / 1000)
