"""From checkout to completion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.api.base import ControllerGroup
from controller.documents import flow_of, utc_now
from controller.errors import ArgumentError, FlowNotFoundError
from controller.operations.claims import claim_jobs
from controller.operations.completion import EndedJob, Ending, finish
from controller.operations.endings import Answers, DownloadedJob, complete_jobs
from controller.operations.flow_states import Overlay, update_flow_state
from controller.operations.progress import release_children
from controller.operations.responses import stop_jobs
from controller.states import NOT_STARTED_FLOW_STATES, FlowState, JobState

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
            Claim only jobs of this flow.
        sort
            Order of the jobs; None means by priority, then by age.

        Returns
        -------
        tuple
            (uuid, index) of the job, None when there is none.
        """
        wanted = dict(query or {})
        if flow_uuid is not None:
            wanted["job.hosts"] = flow_uuid
        claimed = claim_jobs(self.queue, wanted, limit=1, sort=sort)
        return claimed[0] if claimed else None

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
            Local folder with the files of its run directory.
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
        job = DownloadedJob(job_doc, Path(local_path), store)
        answer = self.complete_jobs([job])[job.key]
        if isinstance(answer, Exception):
            raise answer
        return answer is JobState.COMPLETED

    def complete_jobs(self, jobs: Sequence[DownloadedJob], *, gives_back: bool = False) -> Answers:
        """Do what `complete_job` does for many jobs, with few writes.

        Parameters
        ----------
        jobs
            Locked jobs; see `DownloadedJob`.
        gives_back
            Unlock the jobs with the write that records their ends, if the database can do so; the
            ``lock_id`` of their documents is then None.

        Returns
        -------
        dict
            {(uuid, index): COMPLETED, FAILED, READY if it is retried, or the error of this job}.

        Raises
        ------
        StorageUnavailableError
            The queue database fails.
        """
        project = self._need_project()
        return complete_jobs(self.queue, jobs, project=project, gives_back=gives_back)

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
            raise ArgumentError("the job belongs to another flow")
        job = EndedJob(job_doc, Ending(response, error, doc_update))
        flows = {flow_of(job_doc): flow_dict}
        answer = finish(self.queue, [job], prefix=self._prefix, flows=flows)[job.key]
        if isinstance(answer, Exception):
            raise answer
        return answer

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
            raise ArgumentError(
                "a flow is identified by either job_uuid or flow_uuid: give exactly one of them"
            )
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
