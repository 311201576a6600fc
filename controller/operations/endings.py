"""Read how jobs ended, store their outputs, and record their ends, many at a time.

Files are read and outputs stored before the flows are locked, since they may be large. An error
of one job affects only that job: if the database refuses the results of many jobs, each is tried
alone, so that the others continue.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.documents import flow_of
from controller.errors import RemoteError, StorageUnavailableError, WriteConflictError
from controller.execution.files import (
    RunOutput,
    StoreFiles,
    read_output,
    read_results,
    store_file_names,
)
from controller.execution.values import times_as_text, unstorable
from controller.hosts.ownership import owner_file, owners_of
from controller.locks import confirm_held, lock_lost
from controller.operations.completion import EndedJob, Ending, finish, is_finished, recover
from controller.operations.failures import (
    MISSING_OUTPUT,
    bounded,
    cause_in_run_dir,
    error_text,
    log_fields,
    node_in_run_dir,
    with_cause,
)
from controller.operations.flow_locks import lock_flows
from controller.operations.progress import FLOW_FIELDS
from controller.operations.queue import Queue
from controller.operations.retrying import planned_retry
from controller.rules.causes import cause_of_failed_step
from controller.states import Cause, JobState
from controller.storage.base import Document
from controller.storage.conflicts import repeat_on_conflict
from controller.storage.output_store import OutputStore
from controller.storage.outputs import Output, save_many_outputs

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

    from controller.config import Project

STORED_AT_ONCE = 4_000_000
"""Bytes of output files that are read before the outputs are stored."""

Answers = dict[tuple[str, int], JobState | Exception]
"""{(uuid, index): the state of the job now, or why its end is not recorded}."""


@dataclass(frozen=True)
class DownloadedJob:
    """A job that ran, and whose files are on this machine.

    Attributes
    ----------
    doc
        Its document, as it was locked.
    folder
        Local folder with the files of its run directory.
    store
        The connected JobStore of its flow, or what a runner has in its place.
    also
        Further fields to set when its end is recorded, as dotted paths.
    """

    doc: Document
    folder: Path
    store: JobStore | OutputStore
    also: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        """(uuid, index)."""
        return self.doc["uuid"], self.doc["index"]


@dataclass
class _Result:
    """The files that a job left."""

    job: DownloadedJob
    output: RunOutput
    failure: str | None
    document: dict[str, Any] | None = None
    blobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    size: int = 0


def complete_jobs(
    queue: Queue,
    jobs: Sequence[DownloadedJob],
    *,
    project: Project,
    gives_back: bool = False,
) -> Answers:
    """Store the outputs of jobs, record their ends and release their children.

    The caller has locked the jobs; their flows are locked here, without waiting.

    Parameters
    ----------
    jobs
        Locked jobs; their documents get the new states, and the times of planned retries.
    project
        Defines how outputs were written on the worker, the retry rules and the prefix of db_ids.
    gives_back
        Free jobs with the write that records their ends, where that is one undisturbed turn at the
        database; the ``lock_id`` of their documents is None then.

    Returns
    -------
    dict
        For each job COMPLETED or FAILED, READY if it is retried, or an error: FlowLockedError when
        another process has locked its flow, RemoteError when its result cannot be read,
        LockLostError when the lock on it was lost.

    Raises
    ------
    StorageUnavailableError
        The queue database fails.
    """
    work = _Completion(queue, project)
    for job in jobs:
        if is_finished(job.doc):
            work.recover(job)
    work.read([job for job in jobs if job.key not in work.answers])
    prefix = project.queue.db_id_prefix
    recorded = None
    if gives_back:
        recorded = record_at_once(queue, work.ended, prefix=prefix, before=work.confirm_outputs)
    gives_back = recorded is not None
    if recorded is None:
        work.confirm_outputs()
        recorded = record_ends(queue, work.ended, prefix=prefix)
    work.answers.update(recorded)
    for ended in work.ended:
        if isinstance(state := work.answers[ended.key], JobState):
            # The step of the runner ends after this: it has to keep the time of a retry.
            again = (
                ended.ending.retry.at if ended.ending.retry and state is JobState.READY else None
            )
            ended.doc["state"] = state.value
            ended.doc["lock_id"] = None if gives_back else ended.doc["lock_id"]
            ended.doc["remote"] = {**(ended.doc.get("remote") or {}), "retry_time_limit": again}
    return work.answers


class _Completion:
    def __init__(self, queue: Queue, project: Project) -> None:
        self._queue, self._project = queue, project
        self.answers: Answers = {}
        self.ended: list[EndedJob] = []
        self._unconfirmed: list[Callable[[], None]] = []

    def confirm_outputs(self) -> None:
        """Wait until the stored outputs would survive a power cut."""
        for wait in self._unconfirmed:
            wait()

    def recover(self, job: DownloadedJob) -> None:
        """Finish what is missing of an end that was recorded before."""
        flow_uuid = flow_of(job.doc)
        with lock_flows(self._queue, [flow_uuid], FLOW_FIELDS) as held:
            if flow_uuid in held.documents:
                recover(self._queue, job.doc)
                self.answers[job.key] = JobState(job.doc["state"])
            else:
                self.answers[job.key] = held.unavailable[flow_uuid]

    def read(self, jobs: Sequence[DownloadedJob]) -> None:
        """Read the results of jobs and store their outputs, a few megabytes at a time."""
        unsaved: list[_Result] = []
        for job in jobs:
            try:
                result = self._read(job)
                if result.document is None:
                    self._end(result)
                    continue
            except Exception as error:  # noqa: BLE001 (it is the answer for this job)
                self._cannot_be_read(job, error)
                continue
            unsaved.append(result)
            if sum(each.size for each in unsaved) > STORED_AT_ONCE:
                self._save(unsaved)
                unsaved = []
        self._save(unsaved)

    def _read(self, job: DownloadedJob) -> _Result:
        """Read the files that a job left, including its output, if there is one."""
        flow_of(job.doc)  # a document without one is refused here
        self._refuse_another_attempt(job)
        output = read_output(job.folder)
        result = _Result(job, output, output.error or _unstorable(output.response))
        if result.failure is not None:
            return result
        files = self._files(job.store)
        try:
            result.document, result.blobs = read_results(job.folder, files)
        except FileNotFoundError as error:
            result.failure = f"{MISSING_OUTPUT}: {Path(error.filename).name}"
            return result
        # If the folder still belongs to this attempt, so does what was read: attempts never return.
        self._refuse_another_attempt(job)
        metadata = result.document.setdefault("metadata", {}) or {}
        metadata.setdefault("db_id", job.doc["db_id"])
        result.document["metadata"] = metadata
        if self._project.datetimes == "iso":
            result.document = times_as_text(result.document)
            result.blobs = times_as_text(result.blobs)
        result.size = sum(_size(job.folder / name) for name in files.values())
        return result

    def _cannot_be_read(self, job: DownloadedJob, error: Exception) -> None:
        """Treat an unreadable result as the end of the job, if it is retried after that."""
        self.answers[job.key] = error
        if not isinstance(error, RemoteError):
            return
        text, node = error_text(error), node_in_run_dir(job.folder, job.doc)
        cause = cause_of_failed_step(text, reads_result=True)
        if cause is Cause.UNREADABLE_OUTPUT:
            retry = planned_retry(self._project, job.doc, cause, text, node=node)
            if retry is not None:
                ending = Ending(None, text, None, cause, node, retry)
                self.ended.append(EndedJob(job.doc, ending))

    def _files(self, store: JobStore | OutputStore) -> StoreFiles:
        remote = self._project.remote_jobstore
        return store_file_names(
            set(store.additional_stores),
            remote.store if remote else "maggma_json",
            bool(remote and remote.zip),
            remote.extension if remote else None,
        )

    def _save(self, results: Sequence[_Result]) -> None:
        """Store outputs of jobs that are still ours, and note how the jobs ended."""
        by_store: dict[int, list[_Result]] = {}
        for result in self._still_ours(results):
            by_store.setdefault(id(result.job.store), []).append(result)
        for several in by_store.values():
            try:
                outputs = [(r.document or {}, r.blobs) for r in several]
                self._unconfirmed.append(_save_in(several[0].job.store, outputs))
            except Exception as error:  # noqa: BLE001 (it is the answer for these jobs)
                if len(several) == 1 or isinstance(error, StorageUnavailableError):
                    self.answers.update({r.job.key: error for r in several})
                    continue
                for result in several:
                    self._save([result])
                continue
            for result in several:
                self._end(result)

    def _still_ours(self, results: Sequence[_Result]) -> list[_Result]:
        """Leave out the jobs that were lost: their files may be of another attempt."""
        if not results:
            return []
        jobs = self._queue.jobs
        query = {"_id": {"$in": [r.job.doc["_id"] for r in results]}}
        held = {(d["_id"], d["lock_id"]) for d in jobs.find(query, ["lock_id"])}
        ours = []
        for result in results:
            doc = result.job.doc
            if (doc["_id"], doc["lock_id"]) in held:
                ours.append(result)
            else:
                self.answers[result.job.key] = lock_lost(doc["lock_id"], jobs)
        return ours

    def _refuse_another_attempt(self, job: DownloadedJob) -> None:
        """Refuse to read a folder that was prepared for another attempt of the job.

        After a pause of the runner, the job may run again in this folder.
        """
        token, folder = (job.doc.get("remote") or {}).get("submission_token"), job.folder
        if not token or os.path.exists(f"{folder}/{owner_file(token)}"):  # noqa: PTH110 (of each job)
            return
        owners = owners_of([p.name for p in folder.iterdir()]) if folder.is_dir() else []
        if not owners or token in owners:
            return
        confirm_held(self._queue.jobs, job.doc)
        raise RemoteError(
            f"{folder} contains the files of another attempt of job {job.doc['db_id']}",
            no_retry=True,
            hint="was it copied or moved by hand? Rerun the job",
        )

    def _end(self, result: _Result) -> None:
        """Note how a job ended whose output, if any, has been stored."""
        try:
            self.ended.append(EndedJob(result.job.doc, self._ending(result)))
        except Exception as error:  # noqa: BLE001 (it is the answer for this job)
            self.answers[result.job.key] = error

    def _ending(self, result: _Result) -> Ending:
        folder, output, doc = result.job.folder, result.output, result.job.doc
        error, node = (
            bounded(result.failure) if result.failure else None,
            node_in_run_dir(folder, doc),
        )
        logs = log_fields(folder) if error else {"remote.queue_out": None, "remote.queue_err": None}
        times = {"start_time": output.start_time, "end_time": output.end_time}
        known = {**result.job.also, **{n: time for n, time in times.items() if time is not None}}
        if error is None:
            return Ending(output.response, None, {**logs, **known}, node=node)
        queue_state = (doc.get("remote") or {}).get("queue_state")
        cause = cause_in_run_dir(folder, error, output.has_result, queue_state)
        retry = planned_retry(self._project, doc, cause, error, node=node)
        return Ending(None, with_cause(error, cause), {**logs, **known}, cause, node, retry)


def record_at_once(
    queue: Queue,
    ended: Sequence[EndedJob],
    *,
    prefix: str | None,
    before: Callable[[], None],
) -> Answers | None:
    """Record the ends of locked jobs, and free them, in one turn at the database.

    In such a turn no other process writes, so flows that are free need no lock.

    Parameters
    ----------
    prefix
        Prefix of the db_ids of new jobs.
    before
        Called before anything that was written can be seen.

    Returns
    -------
    dict or None
        As `complete_jobs`. None if `record_ends` has to do it, and nothing was written: a flow is
        locked or missing, the database has no such turns, or it refused an end.

    Raises
    ------
    StorageUnavailableError
        The queue database fails.
    """
    if not (ended and queue.takes_turns):
        return None
    uuids = sorted({flow_of(job.doc) for job in ended})
    query = {"uuid": uuids[0] if len(uuids) == 1 else {"$in": uuids}, "lock_id": None}
    try:
        with queue.database.transaction() as session:
            found = queue.flows.find(query, FLOW_FIELDS, session=session)
            flows = {flow["uuid"]: flow for flow in found}
            if len(flows) < len(uuids):
                return None
            done = finish(
                queue, ended, prefix=prefix, flows=flows, session=session, gives_back=True
            )
            before()
    except StorageUnavailableError:
        raise
    except Exception:  # noqa: BLE001 (it comes again, with the job that it is about)
        return None
    return {**done}


def record_ends(queue: Queue, ended: Sequence[EndedJob], *, prefix: str | None) -> Answers:
    """Record the ends of locked jobs whose outputs are stored; where that fails, of each alone.

    Their flows are locked here, without waiting.

    Parameters
    ----------
    prefix
        Prefix of the db_ids of new jobs.

    Returns
    -------
    dict
        As returned by `complete_jobs`.

    Raises
    ------
    StorageUnavailableError
        The queue database fails.
    """
    if not ended:
        return {}
    answers: Answers = {}
    try:
        with lock_flows(queue, sorted({flow_of(job.doc) for job in ended}), FLOW_FIELDS) as held:
            ours = []
            for job in ended:
                if (why := held.unavailable.get(flow_of(job.doc))) is None:
                    ours.append(job)
                else:
                    answers[job.key] = why
            # What was written before a conflict is written again: that changes nothing.
            write = partial(finish, queue, ours, prefix=prefix, held=held)
            answers.update(repeat_on_conflict(write))
    except WriteConflictError as conflict:
        return {job.key: conflict for job in ended}
    except StorageUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 (it is the answer for one of these jobs)
        if len(ended) == 1:
            return {ended[0].key: error}
        for job in ended:
            answers.update(record_ends(queue, [job], prefix=prefix))
    return answers


def _save_in(store: JobStore | OutputStore, outputs: Sequence[Output]) -> Callable[[], None]:
    """Store outputs; returns what waits until they would survive a power cut."""
    if isinstance(store, OutputStore):
        return store.save_behind(outputs)
    save_many_outputs(store, outputs)
    return lambda: None


def _unstorable(response: Mapping[str, Any] | None) -> str | None:
    """Return what in a Response cannot be stored: added jobs or stored data."""
    problem = unstorable(response or {})
    return f"the job ran, but its Response cannot be stored: {problem}" if problem else None


def _size(path: Path) -> int:
    """Size of a file in bytes, in whichever of its two forms it exists."""
    for each in (path, path.with_name(f"{path.name}.gz"), path.with_name(path.stem)):
        with suppress(OSError):
            return each.stat().st_size
    return 0
