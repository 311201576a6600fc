"""What all pages share: the project, its database, threads, and recent counts."""

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
"""Number of threads for quick pages, and for pages that may take long: files of other machines,
outputs, the doctor. A slow page that hangs does not block the quick ones."""
_FRESH = 2.0
_TIMES_ITS_COST = 20.0
_MOST_KEPT, _MOST_UNCHANGED = 50, 4


@dataclass
class _Kept:
    """A computed value, when it was computed, and how many seconds that took."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    took: float = 0.0
    made: float | None = None

    def renewed(self, work: Callable[[], Any]) -> Any:
        """Return the value; compute it first unless it is fresh. Other callers wait for it."""
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
        The project and the path of its file.
    actions
        Whether pages may change anything.
    tokens
        Tokens of links and sessions.
    shared
        Answers that several pages request.
    plans
        Actions that are planned but not done yet.
    reader
        The read-only part of the controller.
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
        """The full controller, whose import takes longer; read-only unless actions are allowed."""
        with self._lock:
            if self._controller is None:
                from controller.jobcontroller import JobController

                opened = JobController.from_project(self.project, read_only=not self.actions)
                opened.queue.events.acting_as(command="jf gui")
                self._controller = opened
            return self._controller

    @cached_property
    def news(self) -> News:
        """Tells open pages of changes."""
        watch = Watch(self.reader)

        async def look() -> Mark:
            return await asyncio.get_running_loop().run_in_executor(self._watching, watch.look)

        return News(look)

    async def in_thread(self, work: Callable[[], T], *, slow: bool = False) -> T:
        """Run a blocking function in a thread."""
        pool = self._slow if slow else self._quick
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def counts(self) -> JobCounts:
        """Return recent counts of the jobs."""
        return self.kept("counts", lambda: count_jobs(self.reader.queue))

    def kept(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return a recently computed value; the longer it takes to compute, the longer it is kept.

        Parameters
        ----------
        key
            Identifies the value; if there are many, the oldest are dropped.
        work
            Computes the value, once for all callers that are waiting.
        """
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        value: T = kept.renewed(work)
        return value

    def unchanged(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return the computed value until the database is written to again.

        If the database cannot tell whether it was written to, the value is computed every time;
        other callers wait for it.

        Parameters
        ----------
        key
            Identifies the value, which may be large: only the latest few values are kept.
        """
        # Always from the same connection: the token counts the writes of other connections.
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
        """Close the database and end the threads."""
        for pool in (self._quick, self._slow, self._watching):
            pool.shutdown(wait=False, cancel_futures=True)
        self.reader.close()
        if self._controller is not None:
            self._controller.close()
