"""Outputs of jobs."""

from __future__ import annotations

from typing import Any

from controller.api.base import ControllerGroup
from controller.errors import NotFoundError
from controller.operations.acting import find_job_anywhere
from controller.operations.archive_reading import archived_flows
from controller.states import JobState
from controller.storage.outputs import read_output


class JobResults(ControllerGroup):
    """Methods that read the outputs of jobs."""

    def get_job_output(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        load: bool = False,
    ) -> Any:
        """Return the output of a job, from the JobStore of its flow.

        Parameters
        ----------
        job_id, db_id, job_index
            The job, which may be archived; see `get_job_info`.
        load
            Insert the data from additional stores.

        Raises
        ------
        JobNotFoundError
            There is no such job.
        NotFoundError
            No output is stored for it; an output that is None is not an error.
        """
        named = {"db_id": db_id, "job_id": job_id, "job_index": job_index}
        job = find_job_anywhere(self.queue, ["db_id", "uuid", "index", "state"], **named)
        of_job = {"jobs": job["uuid"]}
        flow = self.queue.flows.find_one(of_job, ["jobstore"])
        flow = flow or next(iter(archived_flows(self.queue, of_job)), {})
        spec = self._need_project().jobstore_spec(flow.get("jobstore"))
        try:
            return read_output(spec, job["uuid"], job["index"], load=load)
        except NotFoundError as error:
            raise _no_output(job) from error


def _no_output(job: dict[str, Any]) -> NotFoundError:
    number, state = job["db_id"], job["state"]
    text = f"no output is stored for job {number}, which is {state}"
    if state == JobState.COMPLETED:
        return NotFoundError(text, hint="it was deleted, or the state was set by hand")
    return NotFoundError(text, hint=f"`jf job why {number}` says what it waits for")
