"""Find, read and count what is archived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.api.base import ControllerGroup
from controller.documents import JobInfo
from controller.filters import FlowFilter, JobFilter

if TYPE_CHECKING:
    from controller.documents import FlowInfo


class ArchiveQueries(ControllerGroup):
    """Methods that read the archive, in which `archive_flows` puts flows."""

    def get_archived_jobs_info(
        self,
        selection: JobFilter | None = None,
        sort: list[tuple[str, int]] | None = None,
        limit: int = 0,
        *,
        skip: int = 0,
    ) -> list[JobInfo]:
        """Return the light views of archived jobs.

        Parameters
        ----------
        selection
            Filter of the jobs; None means all.
        sort
            One (field, direction) pair: ``updated_on``, ``created_on`` or ``db_id``.
        limit, skip
            Maximum number of jobs (0 means no limit), and the number to skip first.
        """
        from controller.operations.archive_reading import archived_jobs, archived_query

        query = archived_query(self.queue, selection or JobFilter())
        found = archived_jobs(self.queue, query, sort=sort, limit=limit, skip=skip)
        return [JobInfo.from_query_output(doc) for doc in found]

    def get_archived_flows_info(
        self,
        selection: FlowFilter | None = None,
        sort: list[tuple[str, int]] | None = None,
        limit: int = 0,
        *,
        skip: int = 0,
        with_jobs_info: bool = False,
        jobs_sort: list[tuple[str, int]] | None = None,
    ) -> list[FlowInfo]:
        """Return the views of archived flows.

        Parameters
        ----------
        selection
            Filter of the flows; None means all.
        sort
            (field, direction) pairs on the flows. ``db_id`` means the order of submission.
        limit, skip
            Maximum number of flows (0 means no limit), and the number to skip first.
        with_jobs_info
            Fill the job details of `FlowInfo`.
        jobs_sort
            Order of the jobs within each flow; None keeps the order in which they were added.
        """
        from controller.documents import FlowInfo  # not at the top: job lists do not need it
        from controller.operations.archive_reading import archived_flows, archived_query, with_jobs

        query = archived_query(self.queue, selection or FlowFilter())
        found = archived_flows(self.queue, query, sort=sort, limit=limit, skip=skip)
        flows = with_jobs(self.queue, found, jobs_sort) if with_jobs_info else found
        return [FlowInfo.from_query_dict(flow) for flow in flows]
