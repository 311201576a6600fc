"""Work on many flows, chunk by chunk, and report what was done.

Every action on many flows uses `process_in_chunks`, reads and decides again with
`retry_on_conflict` if another process wrote at the same time, and runs within `bulk_work`, so that
an error that stops it early carries what was done.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import Any, TypeVar

from controller.errors import ControllerError, WriteConflictError

logger = logging.getLogger(__name__)

FLOWS_AT_ONCE = 50
JOBS_AT_ONCE = 5000
"""Maximum size of a chunk: flows and, unless it is a single flow, chosen jobs."""
LONGEST_PAUSE = 0.5
"""Seconds between two attempts while waiting for a lock."""
_TRIES = 5

_T = TypeVar("_T", bound=Sized)
_R = TypeVar("_R")


class WriteConflict(Exception):
    """Another process changed a job between our read and our write; nothing was written."""


@contextmanager
def bulk_work(result: Any, afterwards: Callable[[], None]) -> Iterator[None]:
    """Attach what was done to any exception that stops the work early, as ``done``.

    Parameters
    ----------
    result
        Filled during the work. It contains nothing of a chunk that an error interrupted; without
        transactions, part of that chunk may have been written.
    afterwards
        Called at the end, also after an error, because what was done has consequences. The first
        error is the one that is raised.
    """
    try:
        try:
            yield
        except BaseException:
            try:
                afterwards()
            except ControllerError as second:
                logger.warning("%s", second)
            raise
        afterwards()
    except BaseException as error:
        if getattr(error, "done", None) is None:
            error.done = result  # type: ignore[attr-defined]
        raise


@contextmanager
def no_garbage_expected() -> Iterator[None]:
    """Disable the garbage collector: a large flow creates a million objects, all of them in use.

    Scanning them repeatedly takes a fifth of the time of a submission.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def process_in_chunks(
    flows: Mapping[str, _T],
    work_on: Callable[[dict[str, _T], bool], Iterable[str]],
    *,
    wait: float | None,
    report: Callable[[], None],
) -> None:
    """Process flows until none is left.

    Parameters
    ----------
    flows
        {uuid: the chosen jobs}; their number determines the size of a chunk.
    work_on
        Called with a chunk and whether to postpone flows locked by other processes; returns the
        uuids of the postponed flows.
    wait
        Maximum time in seconds to wait for flows locked by other processes; None does not wait.
    report
        Called after each chunk, also after one that an error interrupted.
    """
    deadline = time.monotonic() + (wait or 0)
    waiting = dict(flows)
    while waiting:
        may_wait = time.monotonic() < deadline
        left: list[str] = []
        for chunk in _chunks(waiting):
            try:
                left += work_on(chunk, may_wait)
            finally:
                report()
        waiting = {uuid: waiting[uuid] for uuid in left}
        if waiting:
            time.sleep(min(LONGEST_PAUSE, max(0.0, deadline - time.monotonic())))


def retry_on_conflict(attempt: Callable[[bool], _R]) -> _R:
    """Read, decide and write again if another process wrote at the same time.

    Parameters
    ----------
    attempt
        Called with whether it is the last attempt; raises `WriteConflict` or WriteConflictError if
        nothing was written because of other processes.
    """
    for _ in range(_TRIES):
        try:
            return attempt(False)
        except (WriteConflict, WriteConflictError) as error:
            logger.debug("once more: %r", error)
    return attempt(True)


def _chunks(flows: Mapping[str, _T]) -> Iterator[dict[str, _T]]:
    chunk: dict[str, _T] = {}
    jobs = 0
    for uuid, concerned in flows.items():
        if chunk and (len(chunk) >= FLOWS_AT_ONCE or jobs + len(concerned) > JOBS_AT_ONCE):
            yield chunk
            chunk, jobs = {}, 0
        chunk[uuid] = concerned
        jobs += len(concerned)
    if chunk:
        yield chunk
