"""Who may claim jobs of a worker that has a limit: one runner at a time.

Counting the jobs in progress and claiming one are two commands. Runners that did both at the same
time would exceed ``max_jobs`` together, so each first takes the turn of the worker, a lock on a
document of the auxiliary collection. No runner waits for it: if the turn of a worker is taken, the
worker is tried again in the next round. A runner that dies loses its turn like any other lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from controller.errors import DuplicateKeyError
from controller.locks import MongoLock
from controller.operations.queue import Queue


@contextmanager
def claim_turn(queue: Queue, worker: str) -> Iterator[bool]:
    """Take the turn of a worker for a block; yields whether it is ours.

    Parameters
    ----------
    worker
        Name of the worker.
    """
    key = {"_id": f"claims of worker {worker}"}
    lock = MongoLock(queue.auxiliary, key, get_locked_doc=True)
    with lock:
        if lock.acquired or lock.unavailable_document is not None:
            yield lock.acquired
            return
    with suppress(DuplicateKeyError):  # another runner has just created it
        queue.auxiliary.insert_one({**key, "lock_id": None, "lock_time": None})
    with MongoLock(queue.auxiliary, key) as again:
        yield again.acquired
