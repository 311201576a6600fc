"""Live updates: one check of the database for all open pages.

Pages are told that something changed, never what; they then request themselves again. Requests for
the same page after the same change share one answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field

from controller.errors import ControllerError
from controller.reader import QueueReader

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two checks of the database."""
PULSE = 5.0
"""Seconds after which values that change all the time, such as heartbeats, count as changed."""
_ALIVE = 15.0
"""Seconds after which a keep-alive is sent on a silent connection."""
_FRESH = 2 * PULSE
"""Maximum number of seconds for which an answer is shared."""
_MOST = 200

Mark = tuple[object, ...]


class Watch:
    """Reads values that change with every write of a job or flow."""

    def __init__(self, reader: QueueReader) -> None:
        self._queue = reader.queue
        self._token: object | None = None
        self._mark: Mark = ()

    def look(self) -> Mark:
        """Return a value that differs after any change of a job or flow."""
        token = self._queue.database.change_token()
        if token is None or token != self._token:
            found = (self._newest("jobs"), self._newest("flows"), self._last_event())
            self._token, self._mark = token, found
        return self._mark

    def _newest(self, which: str) -> object:
        collection = getattr(self._queue, which)
        found = collection.find_one({}, ["updated_on", "state"], sort=[("updated_on", -1)])
        return found and (found["_id"], found["updated_on"], found["state"])

    def _last_event(self) -> object:
        found = self._queue.events.collection.find_one({}, ["_id"], sort=[("_id", -1)])
        return found and found["_id"]


@dataclass
class News:
    """Tells open pages of changes. Used in the event loop only.

    Attributes
    ----------
    look
        Returns a value that differs after a change.
    version, pulse
        Counters that increase with every change, and every `PULSE` seconds.
    """

    look: Callable[[], Awaitable[Mark]]
    version: int = 0
    pulse: int = 0
    _listeners: set[asyncio.Event] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None
    _ended: bool = False

    async def listen(self) -> AsyncIterator[str]:
        """Yield server-sent events until the server ends."""
        event = asyncio.Event()
        self._listeners.add(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield f"retry: 2000\n{self._message()}"
            while not self._ended:
                try:
                    async with asyncio.timeout(_ALIVE):
                        await event.wait()
                except TimeoutError:
                    yield ": alive\n\n"
                    continue
                event.clear()
                if not self._ended:
                    yield self._message()
        finally:
            self._listeners.discard(event)

    def _message(self) -> str:
        return f"event: change\ndata: {self.version} {self.pulse}\n\n"

    async def _watch(self) -> None:
        """Check the database while pages are listening."""
        mark: Mark | None = None
        pulsed = time.monotonic()
        while self._listeners and not self._ended:
            try:
                seen = await self.look()
            except (
                ControllerError
            ) as error:  # the server is unreachable: the next check may succeed
                logger.debug("live updates: cannot check the database: %s", error)
            else:
                changed = mark is not None and seen != mark
                mark = seen
                beat = time.monotonic() - pulsed >= PULSE
                if beat:
                    pulsed = time.monotonic()
                    self.pulse += 1
                self.version += changed
                if changed or beat:
                    for event in self._listeners:
                        event.set()
            await asyncio.sleep(LOOK_EVERY)

    def end(self) -> None:
        """Let all connections end soon."""
        self._ended = True
        for event in self._listeners:
            event.set()

    async def close(self) -> None:
        """End all connections."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


class Shared:
    """Answers that several pages request at the same time. Used in the event loop only."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, tuple[float, asyncio.Task[bytes]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return the answer of a key; the first request for it computes it.

        Parameters
        ----------
        key
            The requested page, and the change that it shows.
        """
        now = time.monotonic()
        made = self._answers.get(key)
        if made is None or now - made[0] > _FRESH:
            if len(self._answers) >= _MOST:
                self._answers = {k: v for k, v in self._answers.items() if now - v[0] <= PULSE}
            made = (now, asyncio.ensure_future(make()))
            self._answers[key] = made
        try:
            return await asyncio.shield(made[1])
        except Exception:
            self._answers.pop(key, None)
            raise
