"""Ending what runs of a job that was stopped, rerun or deleted.

Intent, effect, record. The wish is a document of the auxiliary collection, written together with
the change of the job. Whoever can reach the worker carries it out and removes it: the one who
asked, at once, and a runner in any case, before it uploads the job again or in its next round. So
a cancellation survives the death of whoever asked, and waits for a worker that is out of reach.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from controller.documents import utc_now
from controller.errors import ConfigError, RemoteError
from controller.operations.machines import Machines
from controller.operations.queue import Queue
from controller.states import QUEUED_STATES, JobState

logger = logging.getLogger(__name__)

_UNDER_WAY = frozenset({JobState.UPLOADED.value, *(s.value for s in QUEUED_STATES)})
GIVEN_UP_AFTER = timedelta(minutes=10)
"""Age after which a wish is dropped whose job never changed: whoever had it died before."""


@dataclass(frozen=True)
class Cancellation:
    """The wish that what runs of a job ends.

    Attributes
    ----------
    db_id, uuid, index, worker
        The job, and where it was submitted.
    process_id
        Its id in the queue; None when it may have been submitted but nobody wrote that down.
    run_dir
        Its run directory, None when there is none.
    requested_on
        UTC, naive.
    """

    db_id: str
    uuid: str
    index: int
    worker: str
    process_id: str | None
    run_dir: str | None
    requested_on: datetime


def request(queue: Queue, jobs: Iterable[Mapping[str, Any]], *, session: Any = None) -> int:
    """Write down that what runs of these jobs is to end; return how many wishes that are."""
    now = utc_now()
    wishes = [
        Cancellation(
            db_id=job["db_id"],
            uuid=job["uuid"],
            index=job["index"],
            worker=job["worker"],
            process_id=(job.get("remote") or {}).get("process_id"),
            run_dir=job.get("run_dir"),
            requested_on=now,
        )
        for job in jobs
    ]
    if wishes:
        documents = [{"cancellation": asdict(wish)} for wish in wishes]
        queue.auxiliary.insert_many(documents, session=session)
    return len(wishes)


def pending(queue: Queue, db_id: str | None = None) -> Iterator[tuple[Any, Cancellation]]:
    """Iterate over (_id, wish) of what has not been carried out, of one job or of all."""
    query = {"cancellation.db_id": {"$exists": True} if db_id is None else db_id}
    for document in list(queue.auxiliary.find(query)):
        yield document["_id"], Cancellation(**document["cancellation"])


def verdict(wish: Cancellation, job: Mapping[str, Any] | None, now: datetime) -> str:
    """Say what to do about a wish: "cancel", "wait" or "drop".

    Parameters
    ----------
    job
        The job's document as it is now: ``state``, ``remote.process_id``; None when it is gone.
    now
        UTC, naive.
    """
    if job is None or job["state"] not in _UNDER_WAY:
        return "cancel"
    # Still under way: whoever wished is about to change the job, or died before he could.
    return "drop" if now - wish.requested_on > GIVEN_UP_AFTER else "wait"


def carry_out(queue: Queue, machines: Machines, db_id: str | None = None) -> bool:
    """End what is to end, of one job or of all.

    Returns
    -------
    bool
        Whether nothing is left to do.

    Notes
    -----
    Waits for the end of local processes, some seconds at most for each. A worker that cannot be
    reached is logged, and its wishes stay.
    """
    done = True
    for document_id, wish in pending(queue, db_id):
        job = queue.jobs.find_one({"db_id": wish.db_id}, ["state"])
        decision = verdict(wish, job, utc_now())
        if decision == "wait":
            done = False
            continue
        if decision == "cancel":
            try:
                ended = _end(machines, wish)
            except (RemoteError, ConfigError) as error:
                logger.warning("job %s could not be cancelled yet: %s", wish.db_id, error)
                ended = False
            if not ended:
                done = False
                continue
        queue.auxiliary.delete_one({"_id": document_id})
    return done


def _end(machines: Machines, wish: Cancellation) -> bool:
    """Cancel in the queue, and say whether the job has left it."""
    worker_queue = machines.queue(wish.worker)
    run_dir = Path(wish.run_dir) if wish.run_dir else None
    process_id = wish.process_id
    if run_dir is not None:
        # What the run directory says is newer than the database where a runner died in between.
        process_id = worker_queue.earlier_submission(run_dir) or process_id
    if process_id is None:
        return True
    worker_queue.cancel(process_id, run_dir)
    state = worker_queue.poll([(process_id, run_dir)])[process_id].state
    return state in (None, "DONE", "FAILED")
