"""Clean-up outside the database that is stored with the change of a job and done after it.

Ending processes, deleting files and outputs. The entry is a document of the auxiliary collection,
written together with the change of the job. Any process that can reach the worker runs it and then
removes it: immediately the process that requested it, or else a runner, before it uploads the job
again or in its next round. So an entry survives the death of the process that wrote it, and waits
for a worker that cannot be reached. An entry for a worker that was removed from the project is
dropped after a while.

Entries are leased while they run. Otherwise a slow process could end or delete what the job has
done since another process ran its entry.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any

from controller.bulk_locks import lock_documents
from controller.documents import scheduler_of, utc_now
from controller.errors import (
    ControllerError,
    LockLostError,
    RemoteError,
    StorageError,
)
from controller.locks import confirm_held
from controller.operations.batch_pool import BatchPool
from controller.operations.cleanup import remove_run_dir, remove_run_dirs
from controller.operations.connections import Connections
from controller.operations.queue import Queue
from controller.schedulers.queued_jobs import ENDED_STATES, UNSEEN, Submission
from controller.states import BATCH_STATES, QUEUED_STATES, JobState
from controller.storage.base import Document
from controller.storage.outputs import delete_outputs

logger = logging.getLogger(__name__)

_UNDER_WAY = frozenset(
    {JobState.UPLOADED.value, *(s.value for s in (*QUEUED_STATES, *BATCH_STATES))}
)
GIVEN_UP_AFTER = timedelta(minutes=10)
"""Age at which an entry is dropped if its job never changed: the process died before that."""
WORKER_GONE_AFTER = timedelta(days=1)
"""Age at which an entry is dropped if its worker is not in the project: until then the worker may
return, or another user's runner may have it."""
SUBMITTED_WITHIN = timedelta(minutes=10)
"""Age at which a submission in progress counts as dead, and an invisible process is no longer
waited for."""
_REMOVED_AT_ONCE = 50
"""Run directories that are removed with one command."""
_AT_ONCE = 200
"""Entries that are locked, run and removed together."""


@dataclass(frozen=True)
class PendingCleanup:
    """The clean-up for one job.

    Attributes
    ----------
    db_id, uuid, index, worker
        The job, and where it was submitted.
    process_id
        Its id in the queue; None if it may have been submitted but the id was not recorded.
    run_dir
        Its run directory, None if there is none.
    requested_on
        UTC, naive.
    cancel
        Whether to end its process.
    deleted
        Whether the job itself is deleted; none of this is done before.
    delete_files, delete_output
        Whether to delete its run directory, and its output.
    jobstore
        The store of the output: a name in ``optional_jobstores``, None for the default JobStore.
    token, process
        Token and process of the attempt; see `controller.schedulers.Submission`.
    scheduler
        Scheduler of the queue that it is in; None for the worker's present one.
    """

    db_id: str
    uuid: str
    index: int
    worker: str
    process_id: str | None
    run_dir: str | None
    requested_on: datetime
    cancel: bool = False
    deleted: bool = False
    delete_files: bool = False
    delete_output: bool = False
    jobstore: str | None = None
    token: str | None = None
    process: dict[str, Any] | None = None
    scheduler: str | dict[str, Any] | None = None

    @classmethod
    def for_job(cls, job: Mapping[str, Any], **wanted: Any) -> PendingCleanup:
        """Make an entry for a job document; keywords as the attributes."""
        remote = job.get("remote") or {}
        return cls(
            db_id=job["db_id"],
            uuid=job["uuid"],
            index=job["index"],
            worker=job["worker"],
            process_id=remote.get("process_id"),
            run_dir=job.get("run_dir"),
            requested_on=utc_now(),
            token=remote.get("submission_token"),
            process=remote.get("process"),
            scheduler=scheduler_of(remote),
            **wanted,
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.delete_output or self.needs_worker)

    @property
    def needs_worker(self) -> bool:
        """Whether there is something to do on the worker's machine."""
        return self.cancel or bool(self.delete_files and self.run_dir)

    def is_in_the_way_of(self, run_dir: Path) -> bool:
        """Whether this must be done before the job may run again in a folder.

        Remains on a worker that was removed do not affect any other job.
        """
        return self.delete_output or self.run_dir is None or Path(self.run_dir) == run_dir

    @property
    def left_to_do(self) -> str:
        """A description of what the user has to do on the worker."""
        todo = [f"end process {self.process_id or '(of unknown id)'}"] if self.cancel else []
        todo += [f"delete {self.run_dir}"] if self.delete_files and self.run_dir else []
        return " and ".join(todo)


@dataclass
class CleanupResult:
    """The result of running entries.

    Attributes
    ----------
    waiting
        Entries that have not been run: a runner will do it.
    not_removed
        Run directories that were not deleted because they do not look like jfr's.
    """

    waiting: list[PendingCleanup] = field(default_factory=list)
    not_removed: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[str]:
        """db_ids of jobs whose entries have not been run."""
        return [entry.db_id for entry in self.waiting]


def request(queue: Queue, entries: Iterable[PendingCleanup], *, session: Any = None) -> None:
    """Store entries."""
    documents = [{"aftermath": asdict(entry)} for entry in entries if not entry.is_empty]
    if documents:
        queue.auxiliary.insert_many(documents, session=session)


def withdraw(queue: Queue, entries: Iterable[PendingCleanup], *, session: Any = None) -> None:
    """Remove the caller's own entries for jobs that it could not change."""
    made = [{"aftermath": asdict(entry)} for entry in entries if not entry.is_empty]
    for document in made:
        keys = ("uuid", "index", "requested_on")
        query = {f"aftermath.{key}": document["aftermath"][key] for key in keys}
        queue.auxiliary.delete_many(query, session=session)


class Decision(Enum):
    """What to do with an entry."""

    RUN = auto()
    WAIT = auto()
    DROP = auto()


def decide(entry: PendingCleanup, state: str | None, now: datetime) -> Decision:
    """Decide about an entry.

    Parameters
    ----------
    state
        State of the job as it is now; None when it is gone.
    now
        UTC, naive.
    """
    if state is None or (not entry.deleted and state not in _UNDER_WAY):
        return Decision.RUN
    # Not changed: the process that requested it is about to change the job, or has died.
    return Decision.DROP if now - entry.requested_on > GIVEN_UP_AFTER else Decision.WAIT


def run_pending(
    queue: Queue, connections: Connections, job: tuple[str, int] | None = None
) -> CleanupResult:
    """Run the entries of one job, or all.

    Parameters
    ----------
    job
        (uuid, index); a job that was deleted and submitted again has the same ones.

    Notes
    -----
    Waits for local processes to end, at most a few seconds for each. Failures to reach a machine or
    store are logged, and the entries stay; so do those that another process is running.
    """
    query = any_entry()
    if job is not None:
        query = {"aftermath.uuid": job[0], "aftermath.index": job[1]}
    found = [(d, PendingCleanup(**d["aftermath"])) for d in queue.auxiliary.find(query)]
    # What is on a machine that another thread serves is for that one to do.
    documents = [d for d, entry in found if connections.serves(entry.worker)]
    result = CleanupResult([e for _, e in found if not connections.serves(e.worker)])
    for start in range(0, len(documents), _AT_ONCE):
        some = documents[start : start + _AT_ONCE]
        with lock_documents(queue.auxiliary, "_id", [d["_id"] for d in some]) as locked:
            # A missing one was done by another process, which may be running the others too.
            others = [d for d in some if locked.unavailable.get(d["_id"]) is not None]
            result.waiting += [PendingCleanup(**d["aftermath"]) for d in others]
            if locked.documents:
                _run_pending(queue, connections, list(locked.documents.values()), result)
    return result


def any_entry() -> dict[str, Any]:
    """Return the query for entries, of whatever job, in the auxiliary collection."""
    return {"aftermath": {"$exists": True}}


def with_entries(queue: Queue, jobs: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return those of the (uuid, index) pairs that have entries, with one question."""
    query = {"aftermath.uuid": {"$in": sorted({uuid for uuid, _ in jobs})}}
    found = queue.auxiliary.find(query, ["aftermath.uuid", "aftermath.index"])
    return {(d["aftermath"]["uuid"], d["aftermath"]["index"]) for d in found} & set(jobs)


def run_own(queue: Queue, connections: Connections, db_ids: Collection[str]) -> list[str]:
    """Run the entries left by an action, and close the connections.

    Parameters
    ----------
    db_ids
        The jobs of the action. Entries of other actions are run too, but not reported.

    Returns
    -------
    list of str
        Members of ``db_ids`` whose entries could not be run: a runner will do it.
    """
    wanted = set(db_ids)
    left = run_pending(queue, connections).left
    connections.close()
    return [db_id for db_id in left if db_id in wanted]


def _run_pending(
    queue: Queue, connections: Connections, documents: Sequence[Document], result: CleanupResult
) -> None:
    entries = [(d, PendingCleanup(**d["aftermath"])) for d in documents]
    ids = [entry.db_id for _, entry in entries]
    found = queue.jobs.find({"db_id": {"$in": ids}}, ["db_id", "state"])
    states = {d["db_id"]: d["state"] for d in found}
    now, settled, outputs = utc_now(), [], dict[str | None, list[tuple[Any, PendingCleanup]]]()
    due = [(d, e) for d, e in entries if decide(e, states.get(e.db_id), now) is Decision.RUN]
    entries = _clean_up_together(queue, connections, entries, due)
    for document, entry in entries:
        decision = decide(entry, states.get(entry.db_id), now)
        confirm = partial(confirm_held, queue.auxiliary, document)
        if decision is Decision.DROP:
            settled.append(document["_id"])
        elif decision is Decision.WAIT or not _clean_up(connections, entry, result, now, confirm):
            result.waiting.append(entry)
        elif entry.delete_output:
            outputs.setdefault(entry.jobstore, []).append((document["_id"], entry))
        else:
            settled.append(document["_id"])
    for name, many in outputs.items():
        try:
            delete_outputs(connections.jobstore(name), [(e.uuid, e.index) for _, e in many])
        except ControllerError as error:
            # An unreachable JobStore must not block a runner.
            logger.warning("outputs of %d jobs are not deleted yet: %s", len(many), error)
            result.waiting += [entry for _, entry in many]
        else:
            settled += [document_id for document_id, _ in many]
    if settled:
        queue.auxiliary.delete_many({"_id": {"$in": settled}})


def _clean_up_together(
    queue: Queue,
    connections: Connections,
    entries: list[tuple[Document, PendingCleanup]],
    due: Sequence[tuple[Document, PendingCleanup]],
) -> list[tuple[Document, PendingCleanup]]:
    """Run entries in bundles, with few commands per worker; return the entries that are left."""
    groups: dict[tuple[str, str], list[tuple[Document, PendingCleanup]]] = {}
    for document, entry in due:
        if entry.needs_worker and connections.has_worker(entry.worker):
            key = entry.worker, repr(entry.scheduler)
            groups.setdefault(key, []).append((document, entry))
    done: dict[Any, PendingCleanup] = {}
    for some in groups.values():
        if len(some) == 1:
            continue
        try:
            done.update(_bundle(queue, connections, some))
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 (each is tried alone, which tells why)
            logger.debug("clean-up of %s: %s", some[0][1].worker, error)
    return [(d, done.get(d["_id"], entry)) for d, entry in entries]


def _bundle(
    queue: Queue, connections: Connections, some: Sequence[tuple[Document, PendingCleanup]]
) -> dict[Any, PendingCleanup]:
    """Cancel jobs of one queue and delete their folders; return what is left of the entries."""
    first = some[0][1]
    worker_queue = connections.queue(first.worker, first.scheduler)
    left = {document["_id"]: entry for document, entry in some}
    documents = {document["_id"]: document for document, _ in some}
    ends = {key: entry for key, entry in left.items() if entry.cancel}
    in_pilots = connections.worker(first.worker).is_batch
    if ends and not (worker_queue.is_shell or in_pilots):
        jobs = {key: Submission(e.process_id or "", _path(e), e.token) for key, e in ends.items()}
        known = dict(zip(jobs, worker_queue.submissions_of(list(jobs.values()))))
        asked = [
            (key, jobs[key]._replace(process_id=process_id))
            for key, entry in ends.items()
            for process_id in dict.fromkeys([*known[key], *filter(None, [entry.process_id])])
        ]
        gone = worker_queue.cancel_many([job for _, job in asked]) if asked else []
        there = {key for (key, _), is_gone in zip(asked, gone) if not is_gone}
        for key in {key for key, _ in asked} - there:
            left[key] = replace(left[key], cancel=False)
    removals = [
        (key, path)
        for key, entry in left.items()
        if entry.delete_files and not entry.cancel and (path := _path(entry)) is not None
    ]
    host = connections.host(first.worker)
    for begin in range(0, len(removals), _REMOVED_AT_ONCE):
        chunk = removals[begin : begin + _REMOVED_AT_ONCE]
        for key, _ in chunk:
            confirm_held(queue.auxiliary, documents[key])
        folders = [(path, left[key].token) for key, path in chunk]
        are_gone = remove_run_dirs(host, folders)
        for (key, _), is_gone in zip(chunk, are_gone):
            if is_gone:
                left[key] = replace(left[key], delete_files=False)
    return left


def _path(entry: PendingCleanup) -> Path | None:
    return Path(entry.run_dir) if entry.run_dir else None


def _clean_up(
    connections: Connections,
    entry: PendingCleanup,
    result: CleanupResult,
    now: datetime,
    confirm: Callable[[], None],
) -> bool:
    """End processes and delete files; return whether all of it is done, or given up."""
    if entry.needs_worker and not connections.has_worker(entry.worker):
        why = "given up, since the project has had no worker %r for a day: %s"
        return _give_up(entry, now, WORKER_GONE_AFTER, why, entry.worker, entry.left_to_do)
    try:
        if entry.cancel and not _cancel(connections, entry, now):
            return False
        if entry.delete_files and entry.run_dir:
            host = connections.host(entry.worker)
            remove_run_dir(host, Path(entry.run_dir), confirm=confirm, token=entry.token)
    except RemoteError as error:
        if error.no_retry:
            logger.warning("job %s: %s", entry.db_id, error)
            result.not_removed.append(str(entry.run_dir))
            return True
        logger.warning("job %s: not done yet: %s", entry.db_id, error)
        return False
    except LockLostError:
        return False  # another process is doing it
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 (it keeps nothing from the others)
        logger.warning("job %s: not done yet: %s: %s", entry.db_id, type(error).__name__, error)
        return False
    return True


def _cancel(connections: Connections, entry: PendingCleanup, now: datetime) -> bool:
    """Cancel in the queue; return whether the job has left the queue for good."""
    run_dir = Path(entry.run_dir) if entry.run_dir else None
    if (batch := connections.worker(entry.worker).batch) is not None:
        pool = BatchPool(connections.host(entry.worker), batch.jobs_handle_dir)
        if pool.withdraw(entry.uuid, entry.index, run_dir, entry.token or ""):
            return True
        why = "a pilot of worker %r has not ended it: check whether it still runs (%s)"
        return _give_up(entry, now, SUBMITTED_WITHIN, why, entry.worker, entry.run_dir)
    worker_queue = connections.queue(entry.worker, entry.scheduler)
    # After the death of a runner, the run directory can be newer than the database; and if a reply
    # of the queue was lost, there are two submissions.
    known = worker_queue.earlier_submissions(run_dir, entry.token) if run_dir else []
    if entry.process_id is not None:
        known.append(entry.process_id)
    if not known and run_dir is not None:
        if not worker_queue.withdraw(run_dir, entry.token, before_removal=entry.delete_files):
            why = "its submission on worker %r did not end: check whether it is in the queue (%s)"
            return _give_up(entry, now, SUBMITTED_WITHIN, why, entry.worker, entry.run_dir)
        known = worker_queue.earlier_submissions(run_dir, entry.token)
    known = list(dict.fromkeys(known)) or worker_queue.find_by_token(entry.token)
    for process_id in known:
        worker_queue.cancel(process_id, run_dir, entry.process)
    if not known:
        return True
    jobs = [Submission(process_id, run_dir, process=entry.process) for process_id in known]
    states = {job.state for job in worker_queue.poll(jobs)}
    if UNSEEN in states:
        why = (
            "process %s on worker %r may still be running. This runner cannot end it, because it "
            "belongs to another machine, container or user: check, and end it there (%s)"
        )
        return _give_up(
            entry, now, SUBMITTED_WITHIN, why, entry.process_id, entry.worker, entry.run_dir
        )
    return states <= set(ENDED_STATES)


def _give_up(
    entry: PendingCleanup, now: datetime, after: timedelta, why: str, *facts: object
) -> bool:
    """Drop an entry if it is old enough, and log what the user can do; return whether dropped."""
    if now - entry.requested_on <= after:
        return False
    logger.warning(f"job %s: {why}", entry.db_id, *facts)  # noqa: G004 (a constant of this module)
    return True
