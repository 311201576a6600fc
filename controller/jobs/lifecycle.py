"""From checkout to completion."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.documents import utc_now
from controller.errors import (
    ArgumentError,
    ControllerError,
    FlowLockedError,
    FlowNotFoundError,
    JobLockedError,
    JobNotFoundError,
    RemoteError,
    StateError,
)
from controller.execution.files import (
    QUEUE_ERR,
    QUEUE_OUT,
    read_excerpt,
    read_output,
    read_results,
    store_file_names,
)
from controller.jobs.queries import job_id_query
from controller.locks import MongoLock
from controller.operations.completion import Ending, finish, is_finished, recover, stop_jobs
from controller.operations.holding import locked_error
from controller.operations.progress import (
    FLOW_FIELDS,
    Overlay,
    release_children,
    update_flow_state,
)
from controller.operations.queue import ControllerGroup
from controller.rules.retry import (
    due_query,
    failed_step_update,
    is_busy,
    is_final,
    succeeded_step_update,
)
from controller.states import FlowState, JobState
from controller.storage.outputs import save_outputs

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

logger = logging.getLogger(__name__)

CLAIM_ORDER = [("priority", -1), ("created_on", 1)]
"""Larger priority first, then who came first."""
_POLL = 0.5
_ERROR_LENGTH = 20_000
"""Characters of an error that are kept: some quote all that they were given."""
_NOT_BEGUN = [FlowState.WAITING.value, FlowState.READY.value]


class JobLifecycle(ControllerGroup):
    """Methods that move jobs along."""

    def checkout_job(
        self,
        query: dict[str, Any] | None = None,
        flow_uuid: str | None = None,
        sort: list[tuple[str, int]] | None = None,
    ) -> tuple[str, int] | None:
        """Claim one READY job: CHECKED_OUT by one atomic update, without a lock.

        Parameters
        ----------
        query
            Further conditions.
        flow_uuid
            Only jobs of this flow.
        sort
            Which comes first; None means by priority, then by age.

        Returns
        -------
        tuple
            (uuid, index) of the job, None when there is none.
        """
        wanted = {**(query or {}), "state": JobState.READY.value, "lock_id": None}
        if flow_uuid is not None:
            wanted["job.hosts"] = flow_uuid
        now = utc_now()
        job = self.jobs.find_one_and_update(
            wanted,
            {"$set": {"state": JobState.CHECKED_OUT.value, "updated_on": now}},
            ["uuid", "index"],
            sort=sort or CLAIM_ORDER,
            return_document="after",
        )
        if job is None:
            return None
        self.flows.update_one(
            {"jobs": job["uuid"], "state": {"$in": _NOT_BEGUN}},
            {"$set": {"state": FlowState.RUNNING.value, "updated_on": now}},
        )
        return job["uuid"], job["index"]

    @contextmanager
    def lock_job(self, **lock_kwargs: Any) -> Iterator[MongoLock]:
        """Lock a job document; keywords as for `MongoLock`, without the collection."""
        with MongoLock(collection=self.jobs, **lock_kwargs) as lock:
            yield lock

    @contextmanager
    def lock_flow(self, **lock_kwargs: Any) -> Iterator[MongoLock]:
        """Lock a flow document; keywords as for `MongoLock`, without the collection."""
        with MongoLock(collection=self.flows, **lock_kwargs) as lock:
            yield lock

    @contextmanager
    def lock_job_flow(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
        break_lock: bool = False,
        acceptable_states: list[JobState] | None = None,
        job_lock_kwargs: dict[str, Any] | None = None,
        flow_lock_kwargs: dict[str, Any] | None = None,
    ) -> Iterator[tuple[MongoLock, MongoLock]]:
        """Lock one job, then its flow.

        Parameters
        ----------
        job_id, db_id, job_index
            The job; see `get_job_info`.
        wait
            Seconds to wait for a lock at most; None never waits.
        break_lock
            Take locks whoever holds them.
        acceptable_states
            Refuse a job in another state.
        job_lock_kwargs, flow_lock_kwargs
            Further keywords of the two locks.

        Raises
        ------
        JobNotFoundError, FlowNotFoundError
            There is no such job, or its flow is missing.
        JobLockedError, FlowLockedError
            Somebody else holds it.
        StateError
            The job is in none of the acceptable states.
        """
        query, sort = job_id_query(db_id=db_id, job_id=job_id, job_index=job_index)
        how: dict[str, Any] = {
            "get_locked_doc": True,
            "break_lock": break_lock,
            **waiting(wait),
        }
        with self.lock_job(
            filter=query, **({"sort": sort} if sort else {}), **how, **(job_lock_kwargs or {})
        ) as job_lock:
            job = job_lock.locked_document
            if job is None:
                raise unavailable_job(job_lock, query)
            if acceptable_states:
                check_states(job, acceptable_states)
            with self.lock_flow(
                filter={"jobs": job["uuid"]}, **how, **(flow_lock_kwargs or {})
            ) as flow_lock:
                if flow_lock.locked_document is None:
                    raise _unavailable_flow(flow_lock, job)
                yield job_lock, flow_lock

    @contextmanager
    def lock_job_for_update(
        self,
        query: dict[str, Any],
        max_step_attempts: int,
        delta_retry: Sequence[float],
        next_step_delay: float | None = None,
        **kwargs: Any,
    ) -> Iterator[MongoLock]:
        """Lock a job for one step of the runner, and record how the step went.

        The block sets ``lock.update_on_release["$set"]`` for a step that succeeded. An exception
        within it is recorded on the job: another attempt later, or REMOTE_ERROR. A step that was
        only held up (somebody holds the flow, the database is away) consumes no attempt.

        Parameters
        ----------
        query
            Which jobs are eligible; those whose ``retry_time_limit`` lies ahead never are.
        max_step_attempts, delta_retry
            Of the project's runner.
        next_step_delay
            Seconds before the next step may begin.
        kwargs
            Keywords of `MongoLock`.

        Raises
        ------
        LockLostError
            The job was not ours any more at the end; nothing was written.
        """
        due = due_query(utc_now(), self._longest_delay(delta_retry))
        eligible = {**query, "$and": [*query.get("$and", []), due]}
        lock = MongoLock(collection=self.jobs, filter=eligible, **{"sort": CLAIM_ORDER, **kwargs})
        if not lock.acquire():
            yield lock
            return
        job = lock.locked_document
        assert job is not None
        try:
            yield lock
        except Exception as error:  # noqa: BLE001 (every failure of a step is recorded)
            if is_busy(error):
                logger.debug("job %s: held up: %.1000s", job["db_id"], error)
                lock.abandon()
                return
            logger.warning("job %s: a step failed: %.1000s", job["db_id"], error)
            self._record_failure(lock, job, error, max_step_attempts, delta_retry)
        except BaseException:
            lock.abandon()
            raise
        else:
            given = lock.update_on_release
            if isinstance(given, dict):
                fields = succeeded_step_update(utc_now(), next_step_delay)
                given["$set"] = {**fields, **given.get("$set", {})}
            lock.release()

    def _longest_delay(self, delta_retry: Sequence[float]) -> float:
        """Seconds that the next step of a job may have been put off at most."""
        workers = self.project.workers.values() if self.project else ()
        return max([0.0, *delta_retry, *(w.delay_download or 0.0 for w in workers)])

    def _record_failure(
        self,
        lock: MongoLock,
        job: dict[str, Any],
        error: Exception,
        max_attempts: int,
        delays: Sequence[float],
    ) -> None:
        fields = failed_step_update(
            state=JobState(job["state"]),
            attempts=(job.get("remote") or {}).get("step_attempts") or 0,
            max_attempts=max_attempts,
            delays=delays,
            final=is_final(error),
            text=error_text(error),
            now=utc_now(),
        )
        if job.get("run_dir") and fields.get("state"):
            fields.update(log_fields(Path(job["run_dir"])))
        lock.update_on_release = {"$set": fields}
        lock.release()

    def complete_job(
        self, job_doc: dict[str, Any], local_path: Path | str, store: JobStore
    ) -> bool:
        """Store the output of a job, record its end and release its children.

        The caller holds the job; the flow is locked here and never waited for.

        Parameters
        ----------
        job_doc
            The locked document.
        local_path
            Where the files of its run directory are.
        store
            The connected JobStore of its flow.

        Returns
        -------
        bool
            True when the job is COMPLETED, False when it is FAILED.

        Raises
        ------
        FlowLockedError
            Somebody holds the flow: try again later.
        RemoteError
            The result cannot be read (``no_retry``).
        LockLostError
            The job is not ours any more.
        """
        path = Path(local_path)
        ending = None if is_finished(job_doc) else self._ending(job_doc, path, store)
        with self.lock_flow(
            filter={"jobs": job_doc["uuid"]}, get_locked_doc=True, projection=FLOW_FIELDS
        ) as flow_lock:
            if flow_lock.locked_document is None:
                raise _unavailable_flow(flow_lock, job_doc)
            if ending is None:
                recover(self.queue, job_doc)
                return bool(job_doc["state"] == JobState.COMPLETED.value)
            state = finish(self.queue, job_doc, ending, prefix=self._prefix, flow_lock=flow_lock)
        return state is JobState.COMPLETED

    def _ending(self, job_doc: dict[str, Any], path: Path, store: JobStore) -> Ending:
        """Read how a job ended and store its output: before the flow is held, it may be large."""
        output = read_output(path)
        failure = output.error or self._save(job_doc, path, store)
        error = _bounded(failure) if failure else None
        logs = log_fields(path) if error else {"remote.queue_out": None, "remote.queue_err": None}
        times = {"start_time": output.start_time, "end_time": output.end_time}
        known = {name: time for name, time in times.items() if time is not None}
        return Ending(None if error else output.response, error, {**logs, **known})

    def _save(self, job_doc: dict[str, Any], path: Path, store: JobStore) -> str | None:
        """Copy the output into the JobStore; return why that is impossible, if it is."""
        remote = self._need_project().remote_jobstore
        files = store_file_names(
            set(store.additional_stores),
            remote.store if remote else "maggma_json",
            bool(remote and remote.zip),
            remote.extension if remote else None,
        )
        try:
            document, blobs = read_results(path, files)
        except FileNotFoundError as error:
            return f"the job's output is missing: {Path(error.filename).name}"
        metadata = document.setdefault("metadata", {}) or {}
        metadata.setdefault("db_id", job_doc["db_id"])
        document["metadata"] = metadata
        save_outputs(store, document, blobs)
        return None

    def checkin_job(
        self,
        job_doc: dict[str, Any],
        flow_dict: dict[str, Any],
        response: dict[str, Any] | None,
        error: str | None = None,
        doc_update: dict[str, Any] | None = None,
    ) -> JobState:
        """Record the end of a job whose output is stored already.

        The caller holds the job and the flow.

        Parameters
        ----------
        job_doc
            The locked document.
        flow_dict
            The flow's document.
        response
            The serialised Response, or None when the job failed.
        error
            Why it failed, None when it did not.
        doc_update
            Further fields of the job to set, as dotted paths.
        """
        if flow_dict.get("uuid") != job_doc["job"]["hosts"][-1]:
            raise ArgumentError("the flow is not that of the job")
        return finish(self.queue, job_doc, Ending(response, error, doc_update), prefix=self._prefix)

    def refresh_children(self, job_uuids: list[str]) -> list[str]:
        """Make those of a flow's jobs READY that wait for nothing any more.

        Parameters
        ----------
        job_uuids
            Uuids of the jobs to look at. The caller holds their flow.

        Returns
        -------
        list
            db_ids of the jobs that became READY.
        """
        return release_children(self.queue, [], also=job_uuids)

    def stop_children(self, job_uuid: str) -> int:
        """Stop the WAITING and READY children of a job, held or not; return their number."""
        return stop_jobs(self.queue, {"parents": job_uuid})

    def stop_jobflow(self, job_uuid: str | None = None, flow_uuid: str | None = None) -> int:
        """Stop all WAITING and READY jobs of a flow, held or not; return their number.

        Parameters
        ----------
        job_uuid
            Any job of the flow.
        flow_uuid
            The flow; exactly one of the two has to be given.

        Raises
        ------
        ArgumentError
            Neither or both were given.
        FlowNotFoundError
            There is no such flow.
        """
        if (job_uuid is None) == (flow_uuid is None):
            raise ArgumentError("one flow is named by exactly one of job_uuid and flow_uuid")
        query = {"uuid": flow_uuid} if flow_uuid is not None else {"jobs": job_uuid}
        flow = self.flows.find_one(query, ["uuid"])
        if flow is None:
            raise FlowNotFoundError(f"there is no flow with {query}")
        return stop_jobs(self.queue, {"job.hosts": flow["uuid"]})

    def update_flow_state(self, flow_uuid: str, updated_states: Overlay | None = None) -> FlowState:
        """Write the state that a flow's jobs give it. The caller holds the flow.

        Parameters
        ----------
        updated_states
            {uuid: {index: state not stored yet, or None for a job that is being deleted}}.
        """
        return update_flow_state(self.queue, flow_uuid, updated_states)

    def ping_flow_doc(self, uuid: str) -> None:
        """Set ``updated_on`` of a flow to the present."""
        self.flows.update_one({"uuid": uuid}, {"$set": {"updated_on": utc_now()}})

    @property
    def _prefix(self) -> str | None:
        return self.project.queue.db_id_prefix if self.project else None


def waiting(wait: float | None) -> dict[str, Any]:
    """Return the keywords of `MongoLock` that wait so many seconds; None and 0 do not wait."""
    return {"sleep": _POLL, "max_wait": wait} if wait else {}


def check_states(job: dict[str, Any], acceptable: Sequence[JobState]) -> None:
    """Refuse a job whose state is not acceptable."""
    if JobState(job["state"]) in acceptable:
        return
    names = ", ".join(state.value for state in acceptable)
    raise StateError(
        f"job {job['db_id']} is in state {job['state']}, not in {names}",
        db_id=job["db_id"],
        state=JobState(job["state"]),
        allowed=acceptable,
    )


def error_text(error: BaseException) -> str:
    """Describe a failed step for ``remote.error``, within bounds."""
    return _bounded(_error_text(error))


def _bounded(text: str) -> str:
    cut = len(text) - _ERROR_LENGTH
    if cut <= 0:
        return text
    half = _ERROR_LENGTH // 2
    return f"{text[:half]}\n... {cut} characters were cut ...\n{text[-half:]}"


def _error_text(error: BaseException) -> str:
    if isinstance(error, ControllerError):
        cause = error.__cause__
        trace = "".join(traceback.format_exception(cause)) if cause is not None else ""
        kind = "Remote error: " if isinstance(error, RemoteError) else ""
        return f"{kind}{error}" + (f"\ncaused by:\n{trace}" if trace else "")
    return "".join(traceback.format_exception(error))


def log_fields(run_dir: Path) -> dict[str, Any]:
    """Return the beginnings of a job's logs, as fields of its document."""
    return {
        "remote.queue_out": read_excerpt(run_dir, QUEUE_OUT),
        "remote.queue_err": read_excerpt(run_dir, QUEUE_ERR),
    }


def unavailable_job(lock: MongoLock, query: Mapping[str, Any]) -> Exception:
    """Say why a job could not be locked: there is none, or somebody else holds it."""
    held = lock.unavailable_document
    if held is None:
        return JobNotFoundError(
            f"there is no job with {', '.join(f'{k} {v}' for k, v in query.items())}",
            hint="`jf job list` shows those there are",
        )
    return locked_error(JobLockedError, held.get("db_id") or str(held["_id"]), held)


def _unavailable_flow(lock: MongoLock, job: dict[str, Any]) -> Exception:
    held = lock.unavailable_document
    if held is None:
        return FlowNotFoundError(f"the flow of job {job['db_id']} is missing")
    return locked_error(FlowLockedError, held.get("uuid") or str(held["_id"]), held)
