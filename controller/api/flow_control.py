"""Resume whole flows."""

from __future__ import annotations

from controller.api.base import ControllerGroup
from controller.api.flow_queries import find_flow
from controller.errors import StateError
from controller.operations.acting import act_on_chosen, select_jobs
from controller.operations.actions import RESUME
from controller.operations.bulk import BulkResult, Options, Progress
from controller.states import FlowState, JobState

RESUMABLE = (JobState.PAUSED, JobState.STOPPED, JobState.USER_STOPPED)


class FlowControl(ControllerGroup):
    """Methods that act on all jobs of a flow."""

    def resume_flow(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        flow_id: str | None = None,
        wait: int | None = None,
        break_lock: bool = False,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Resume all paused and stopped jobs of a flow; see `resume_jobs_of_flow`.

        Returns
        -------
        int
            Number of resumed jobs.
        """
        return len(
            self.resume_jobs_of_flow(
                job_id,
                db_id,
                flow_id,
                wait,
                break_lock,
                dry_run=dry_run,
                progress=progress,
            )
        )

    def resume_jobs_of_flow(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        flow_id: str | None = None,
        wait: int | None = None,
        break_lock: bool = False,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> BulkResult:
        """Resume all paused and stopped jobs of a flow.

        Parameters
        ----------
        job_id, db_id
            Uuid or db_id of any of its jobs.
        flow_id
            Its own uuid. Exactly one of the three is required.
        wait
            Maximum number of seconds to wait for a locked flow or job; None does not wait.
        break_lock
            Take the lock even if another process holds it.
        dry_run
            Plan only; the result says what would change.
        progress
            Called with (jobs processed, jobs in total).

        Returns
        -------
        BulkResult
            db_ids of the resumed jobs.

        Raises
        ------
        FlowNotFoundError
            There is no such flow.
        StateError
            The flow is neither PAUSED nor STOPPED.
        FlowLockedError, JobLockedError
            Another process has locked it, or one of the jobs.
        """
        flow = find_flow(self.queue, db_id=db_id, job_id=job_id, flow_id=flow_id)
        accepted = (FlowState.PAUSED, FlowState.STOPPED)
        if FlowState(flow["state"]) not in accepted:
            raise StateError(
                f"flow {flow['uuid']} is {flow['state']}: resume accepts PAUSED, STOPPED",
                action="resume",
                db_id=flow["uuid"],
                state=FlowState(flow["state"]),
                allowed=accepted,
                hint="single jobs can be resumed in any flow: jf job resume",
            )
        states = [state.value for state in RESUMABLE]
        chosen = select_jobs(self.queue, {"job.hosts": flow["uuid"], "state": {"$in": states}})
        options = Options(
            wait=wait,
            break_lock=break_lock,
            raise_on_error=True,
            dry_run=dry_run,
            progress=progress,
        )
        return act_on_chosen(self.queue, self.project, RESUME, chosen, options)
