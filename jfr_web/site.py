"""What all pages share: the project, its database, threads, and what was counted lately."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from controller.config import Project
from controller.documents import utc_now
from controller.operations.job_counts import JobCounts, count_jobs
from controller.reader import QueueReader
from jfr_web.live import Mark, News, Shared, Watch
from jfr_web.plans import Plans
from jfr_web.security import Tokens

if TYPE_CHECKING:
    from controller.jobcontroller import JobController

T = TypeVar("T")

QUICK, SLOW = 8, 3
"""Threads for pages that are quick, and for those that may take long: files of other machines,
outputs, the doctor. What hangs in the latter stops none of the former."""
_COUNT_FRESH = 2.0
_TIMES_ITS_COST = 20.0


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
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _counts: JobCounts | None = None
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
        """Return the numbers of jobs, counted a moment ago: longer, where counting takes long."""
        with self._counting:
            kept = self._counts
            if kept is not None:
                age = (utc_now() - kept.counted_on).total_seconds()
                if 0 <= age < max(_COUNT_FRESH, _TIMES_ITS_COST * kept.took):
                    return kept
            self._counts = count_jobs(self.reader.queue)
            return self._counts

    def close(self) -> None:
        """Close the database, and end the threads."""
        for pool in (self._quick, self._slow, self._watching):
            pool.shutdown(wait=False, cancel_futures=True)
        self.reader.close()
        if self._controller is not None:
            self._controller.close()
