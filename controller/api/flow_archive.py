"""Archive flows, and bring them back."""

from __future__ import annotations

from controller.api.base import ControllerGroup
from controller.filters import FlowFilter
from controller.operations.archive_reading import archived_query, archived_uuids
from controller.operations.archiving import archive_flows, mend_interrupted, unarchive_flows
from controller.operations.bulk import Options, Progress
from controller.operations.flow_results import FlowResult


class FlowArchive(ControllerGroup):
    """Methods that move whole flows between the queue and its archive.

    Lists, counts, reports and actions leave archived flows out; `get_archived_flows_info`,
    `get_job_info`, `get_job_doc` and `get_job_output` find them.
    """

    def archive_flows(
        self,
        flow_ids: str | list[str] | None = None,
        *,
        selection: FlowFilter | None = None,
        raise_on_error: bool = False,
        wait: int | None = None,
        break_lock: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> FlowResult:
        """Move flows that are COMPLETED, FAILED or STOPPED to the archive.

        Parameters
        ----------
        flow_ids
            Their uuids, or db_ids of their jobs. None means all.
        selection
            Additional conditions that flows must match when they are archived.
        raise_on_error
            Raise at the first refused flow: it is not finished, locked, or no longer matches.
        wait
            Maximum number of seconds to wait for locked flows; None does not wait.
        break_lock
            Take the locks even if other processes hold them.
        dry_run
            Only report what would be archived.
        progress
            Called with (flows processed, flows in total).

        Returns
        -------
        FlowResult
            Uuids of the archived flows.
        """
        if not dry_run:
            mend_interrupted(self.queue)
        named = self.queue.query(FlowFilter(flow_ids=flow_ids))
        query = self.queue.query(selection or FlowFilter())
        chosen = {"$and": [named, query]} if named and query else named or query
        found = self.queue.flows.find(chosen, ["uuid"], sort=[("created_on", 1)])
        options = Options(
            wait=wait,
            break_lock=break_lock,
            raise_on_error=raise_on_error,
            dry_run=dry_run,
            progress=progress,
        )
        uuids = [flow["uuid"] for flow in found]
        return archive_flows(self.queue, uuids, options, selection=query)

    def unarchive_flows(
        self,
        flow_ids: str | list[str] | None = None,
        *,
        selection: FlowFilter | None = None,
        raise_on_error: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> FlowResult:
        """Bring archived flows back, as they were.

        Parameters
        ----------
        flow_ids, selection, raise_on_error, dry_run, progress
            As for `archive_flows`.

        Returns
        -------
        FlowResult
            Uuids of the flows that are back.
        """
        if not dry_run:
            mend_interrupted(self.queue)
        named = archived_query(self.queue, FlowFilter(flow_ids=flow_ids))
        query = archived_query(self.queue, selection or FlowFilter())
        uuids = archived_uuids(
            self.queue, {"$and": [named, query]} if named and query else named or query
        )
        options = Options(raise_on_error=raise_on_error, dry_run=dry_run, progress=progress)
        return unarchive_flows(self.queue, uuids, options)
