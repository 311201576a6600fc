"""What all pages share: the project, its database, threads, and what was counted lately."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from controller.config import Project
from controller.operations.job_counts import JobCounts, count_jobs
from controller.reader import QueueReader
from jfr_web.live import Mark, News, Shared, Watch
from jfr_web.plans import Plans
from jfr_web.security import Tokens

if TYPE_CHECKING:
    from controller.jobcontroller import JobController

T = TypeVar("T")

QUICK, SLOW = 8, 6
"""Threads for pages that are quick, and for those that may take long: files of other machines,
outputs, the doctor. What hangs in the latter stops none of the former."""
_FRESH = 2.0
_TIMES_ITS_COST = 20.0
_MOST_KEPT, _MOST_UNCHANGED = 50, 4


@dataclass
class _Kept:
    """Something that was worked out, when, and how many seconds that took."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    took: float = 0.0
    made: float | None = None

    def renewed(self, work: Callable[[], Any]) -> Any:
        """Return the value; work it out first unless it is fresh. The others wait for it."""
        with self.lock:
            begun = time.monotonic()
            fresh = max(_FRESH, _TIMES_ITS_COST * self.took)
            if self.made is None or begun - self.made >= fresh:
                self.value = work()
                self.made = time.monotonic()
                self.took = self.made - begun
            return self.value


@dataclass
class _Last:
    """Something that was worked out, and the state of the database before that."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    token: object = None


@dataclass
class Site:
    """One project, served to any number of users.

    Attributes
    ----------
    project, project_file
        The project, and where it is described.
    actions
        Whether pages may change anything.
    tokens
        Who may ask.
    shared
        Answers that several pages ask for.
    plans
        Actions that were planned and not done yet.
    reader
        The half of the controller that reads.
    """

    project: Project
    project_file: str = ""
    actions: bool = False
    tokens: Tokens = field(default_factory=Tokens)
    shared: Shared = field(default_factory=Shared)
    plans: Plans = field(default_factory=Plans)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[Hashable, _Kept] = field(default_factory=dict)
    _unchanged: dict[Hashable, _Last] = field(default_factory=dict)
    _controller: JobController | None = None

    def __post_init__(self) -> None:
        self._quick = ThreadPoolExecutor(QUICK, "jfr-quick")
        self._slow = ThreadPoolExecutor(SLOW, "jfr-slow")
        self._watching = ThreadPoolExecutor(1, "jfr-watch")
        self.reader = QueueReader.from_project(self.project, read_only=True)

    @property
    def controller(self) -> JobController:
        """The whole controller, whose import takes longer; read-only unless there are actions."""
        with self._lock:
            if self._controller is None:
                from controller.jobcontroller import JobController

                opened = JobController.from_project(self.project, read_only=not self.actions)
                opened.queue.events.acting_as(command="jf gui")
                self._controller = opened
            return self._controller

    @cached_property
    def news(self) -> News:
        """What tells open pages of changes."""
        watch = Watch(self.reader)

        async def look() -> Mark:
            return await asyncio.get_running_loop().run_in_executor(self._watching, watch.look)

        return News(look)

    async def in_thread(self, work: Callable[[], T], *, slow: bool = False) -> T:
        """Do something that may wait, in a thread."""
        pool = self._slow if slow else self._quick
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def counts(self) -> JobCounts:
        """Return the numbers of jobs, counted a moment ago."""
        return self.kept("counts", lambda: count_jobs(self.reader.queue))

    def kept(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what was worked out a moment ago, or longer ago where that takes long.

        Parameters
        ----------
        key
            What it is; the oldest of many are forgotten.
        work
            Works it out, for all that ask meanwhile.
        """
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        value: T = kept.renewed(work)
        return value

    def unchanged(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what was worked out before, as long as nothing was written to the database since.

        Where the database does not tell that, it is worked out each time. Those that ask meanwhile
        wait for it.

        Parameters
        ----------
        key
            What it is. It may be large: of the latest few the value is kept.
        """
        # Of the same connection each time: the token counts what others wrote.
        token = self._watching.submit(self.reader.queue.database.change_token).result()
        with self._lock:
            last = self._unchanged.pop(key, None) or _Last()
            self._unchanged[key] = last
            while len(self._unchanged) > _MOST_UNCHANGED:
                del self._unchanged[next(iter(self._unchanged))]
        with last.lock:
            if token is None or last.token != token:
                last.value, last.token = work(), token
            value: T = last.value
            return value

    def close(self) -> None:
        """Close the database, and end the threads."""
        for pool in (self._quick, self._slow, self._watching):
            pool.shutdown(wait=False, cancel_futures=True)
        self.reader.close()
        if self._controller is not None:
            self._controller.close()
