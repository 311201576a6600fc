"""From checkout to completion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.api.base import ControllerGroup
from controller.api.locking import unavailable_flow
from controller.config.retries import LONGEST_DELAY
from controller.documents import flow_of, utc_now
from controller.errors import ArgumentError, FlowNotFoundError, RemoteError
from controller.execution.files import read_output, read_results, store_file_names
from controller.execution.values import unstorable
from controller.hosts.ownership import owners_of
from controller.locks import MongoLock, confirm_held
from controller.operations.completion import Ending, finish, is_finished, recover
from controller.operations.failures import (
    MISSING_OUTPUT,
    bounded,
    cause_in_run_dir,
    error_text,
    log_fields,
    node_in_run_dir,
    with_cause,
)
from controller.operations.progress import (
    FLOW_FIELDS,
    Overlay,
    release_children,
    update_flow_state,
)
from controller.operations.responses import stop_jobs
from controller.operations.retrying import planned_retry
from controller.operations.steps import CLAIM_ORDER
from controller.rules.causes import cause_of_failed_step
from controller.rules.retry import due_query
from controller.states import NOT_STARTED_FLOW_STATES, Cause, FlowState, JobState
from controller.storage.outputs import save_outputs

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

_NOT_STARTED = [state.value for state in NOT_STARTED_FLOW_STATES]


class JobLifecycle(ControllerGroup):
    """Methods that advance jobs."""

    def checkout_job(
        self,
        query: dict[str, Any] | None = None,
        flow_uuid: str | None = None,
        sort: list[tuple[str, int]] | None = None,
    ) -> tuple[str, int] | None:
        """Claim one READY job that is due: CHECKED_OUT by one atomic update, without a lock.

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
        # A job that is to be retried may have to wait.
        wanted["$and"] = [*wanted.get("$and", []), due_query(now, LONGEST_DELAY)]
        job = self.queue.jobs.find_one_and_update(
            wanted,
            {"$set": {"state": JobState.CHECKED_OUT.value, "updated_on": now}},
            ["uuid", "index"],
            sort=sort or CLAIM_ORDER,
            return_document="after",
        )
        if job is None:
            return None
        self.queue.flows.update_one(
            {"jobs": job["uuid"], "state": {"$in": _NOT_STARTED}},
            {"$set": {"state": FlowState.RUNNING.value, "updated_on": now}},
        )
        return job["uuid"], job["index"]

    def complete_job(
        self, job_doc: dict[str, Any], local_path: Path | str, store: JobStore
    ) -> bool:
        """Store the output of a job, record its end and release its children.

        The caller has locked the job; the flow is locked here, without waiting.

        Parameters
        ----------
        job_doc
            The locked document; updated with the new state, and the time of a planned retry.
        local_path
            Where the files of its run directory are.
        store
            The connected JobStore of its flow.

        Returns
        -------
        bool
            True when the job is COMPLETED, False when it is FAILED or will be retried.

        Raises
        ------
        FlowLockedError
            Another process has locked the flow: try again later.
        RemoteError
            The result cannot be read (``no_retry``).
        LockLostError
            The job's lock was lost.
        """
        path = Path(local_path)
        ending = None if is_finished(job_doc) else self._ending_or_retry(job_doc, path, store)
        mine = {"jobs": job_doc["uuid"]}
        with MongoLock(
            self.queue.flows, mine, projection=FLOW_FIELDS, get_locked_doc=True
        ) as flow_lock:
            if flow_lock.locked_document is None:
                raise unavailable_flow(flow_lock, job_doc)
            if ending is None:
                recover(self.queue, job_doc)
                return bool(job_doc["state"] == JobState.COMPLETED.value)
            state = finish(self.queue, job_doc, ending, prefix=self._prefix, flow_lock=flow_lock)
        # The step of the runner ends after this: it has to leave the time of a retry as it is.
        again = ending.retry.at if ending.retry and state is JobState.READY else None
        job_doc["state"] = state.value
        job_doc["remote"] = {**(job_doc.get("remote") or {}), "retry_time_limit": again}
        return state is JobState.COMPLETED

    def _ending_or_retry(self, job_doc: dict[str, Any], path: Path, store: JobStore) -> Ending:
        """Read how a job ended; a result that cannot be read is an end if the job is retried."""
        try:
            return self._ending(job_doc, path, store)
        except RemoteError as error:
            text, node = error_text(error), node_in_run_dir(path, job_doc)
            cause = cause_of_failed_step(text, reads_result=True)
            if cause is not Cause.UNREADABLE_OUTPUT:
                raise
            retry = planned_retry(self.project, job_doc, cause, text, node=node)
            if retry is None:
                raise
            return Ending(None, text, None, cause, node, retry)

    def _ending(self, job_doc: dict[str, Any], path: Path, store: JobStore) -> Ending:
        """Read how a job ended and store its output, before locking the flow: it may be large."""
        self._refuse_another_attempt(job_doc, path)
        output = read_output(path)
        failure = output.error or _unstorable(output.response) or self._save(job_doc, path, store)
        error = bounded(failure) if failure else None
        node = node_in_run_dir(path, job_doc)
        logs = log_fields(path) if error else {"remote.queue_out": None, "remote.queue_err": None}
        times = {"start_time": output.start_time, "end_time": output.end_time}
        known = {name: time for name, time in times.items() if time is not None}
        if error is None:
            return Ending(output.response, None, {**logs, **known}, node=node)
        queue_state = (job_doc.get("remote") or {}).get("queue_state")
        cause = cause_in_run_dir(path, error, output.has_result, queue_state)
        retry = planned_retry(self.project, job_doc, cause, error, node=node)
        return Ending(None, with_cause(error, cause), {**logs, **known}, cause, node, retry)

    def _save(self, job_doc: dict[str, Any], path: Path, store: JobStore) -> str | None:
        """Copy the output into the JobStore; return the reason if that is impossible."""
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
            return f"{MISSING_OUTPUT}: {Path(error.filename).name}"
        # If the folder still belongs to this attempt, so does what was read: attempts never return.
        self._refuse_another_attempt(job_doc, path)
        confirm_held(self.queue.jobs, job_doc)
        metadata = document.setdefault("metadata", {}) or {}
        metadata.setdefault("db_id", job_doc["db_id"])
        document["metadata"] = metadata
        save_outputs(store, document, blobs)
        return None

    def _refuse_another_attempt(self, job_doc: dict[str, Any], run_dir: Path) -> None:
        """Refuse to read a folder that was prepared for another attempt of the job.

        After a pause of the runner, the job may run again in this folder.
        """
        token = (job_doc.get("remote") or {}).get("submission_token")
        owners = (
            owners_of([p.name for p in run_dir.iterdir()]) if token and run_dir.is_dir() else []
        )
        if not owners or token in owners:
            return
        confirm_held(self.queue.jobs, job_doc)
        raise RemoteError(
            f"{run_dir} contains the files of another attempt of job {job_doc['db_id']}",
            no_retry=True,
            hint="was it copied or moved by hand? Rerun the job",
        )

    def checkin_job(
        self,
        job_doc: dict[str, Any],
        flow_dict: dict[str, Any],
        response: dict[str, Any] | None,
        error: str | None = None,
        doc_update: dict[str, Any] | None = None,
    ) -> JobState:
        """Record the end of a job whose output is stored already.

        The caller has locked the job and the flow.

        Parameters
        ----------
        job_doc
            The locked document.
        flow_dict
            The locked flow's document; updated with the new state.
        response
            The serialised Response, or None when the job failed.
        error
            Why it failed, None when it did not.
        doc_update
            Further fields of the job to set, as dotted paths.
        """
        if flow_dict.get("uuid") != flow_of(job_doc):
            raise ArgumentError("the flow is not that of the job")
        ending = Ending(response, error, doc_update)
        return finish(self.queue, job_doc, ending, prefix=self._prefix, flow=flow_dict)

    def refresh_children(self, job_uuids: list[str]) -> list[str]:
        """Make the jobs of a flow READY whose parents are all done.

        Parameters
        ----------
        job_uuids
            Uuids of the jobs to check. The caller has locked their flow.

        Returns
        -------
        list
            db_ids of the jobs that became READY.
        """
        return release_children(self.queue, [], also=job_uuids)

    def stop_children(self, job_uuid: str) -> int:
        """Stop the WAITING and READY children of a job, locked or not; return their number."""
        return stop_jobs(self.queue, {"parents": job_uuid})

    def stop_jobflow(self, job_uuid: str | None = None, flow_uuid: str | None = None) -> int:
        """Stop all WAITING and READY jobs of a flow, locked or not; return their number.

        Parameters
        ----------
        job_uuid
            Any job of the flow.
        flow_uuid
            The flow; exactly one of the two is required.

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
        flow = self.queue.flows.find_one(query, ["uuid"])
        if flow is None:
            raise FlowNotFoundError(f"there is no flow with {query}")
        return stop_jobs(self.queue, {"job.hosts": flow["uuid"]})

    def update_flow_state(self, flow_uuid: str, updated_states: Overlay | None = None) -> FlowState:
        """Write the flow state derived from its jobs. The caller has locked the flow.

        Parameters
        ----------
        updated_states
            {uuid: {index: state not stored yet, or None for a job that is being deleted}}.
        """
        return update_flow_state(self.queue, flow_uuid, updated_states)

    def ping_flow_doc(self, uuid: str) -> None:
        """Set ``updated_on`` of a flow to now."""
        self.queue.flows.update_one({"uuid": uuid}, {"$set": {"updated_on": utc_now()}})

    @property
    def _prefix(self) -> str | None:
        return self.project.queue.db_id_prefix if self.project else None


def _unstorable(response: Mapping[str, Any] | None) -> str | None:
    """Return what in a Response cannot be stored: added jobs or stored data."""
    problem = unstorable(response or {})
    return f"the job ran, but its Response cannot be stored: {problem}" if problem else None
