"""Delete flows."""

from __future__ import annotations

from controller.api.base import ControllerGroup
from controller.errors import FlowNotFoundError
from controller.filters import FlowFilter, Query
from controller.operations.bulk import Options, Progress, check_limit, check_number
from controller.operations.connections import Connections
from controller.operations.flow_deletion import delete_flows
from controller.operations.flow_results import FlowResult
from controller.operations.writing import Deletion


class FlowDeletion(ControllerGroup):
    """Methods that delete flows with all their jobs, in any state."""

    def delete_flow(
        self,
        flow_id: str,
        delete_output: bool = False,
        delete_files: bool = False,
        *,
        cancel_processes: bool = True,
        wait: int | None = None,
        break_lock: bool = False,
    ) -> bool:
        """Delete a flow.

        Parameters
        ----------
        flow_id
            Its uuid, or the db_id of any of its jobs.
        delete_output, delete_files
            See `delete_flows`.
        cancel_processes, wait, break_lock
            See `delete_flows`.

        Returns
        -------
        bool
            False when there is no such flow.

        Raises
        ------
        FlowLockedError
            Another process has locked it.
        """
        try:
            done = self.delete_flows(
                [flow_id],
                max_limit=0,
                delete_output=delete_output,
                delete_files=delete_files,
                cancel_processes=cancel_processes,
                raise_on_error=True,
                wait=wait,
                break_lock=break_lock,
            )
        except FlowNotFoundError:
            return False
        return bool(done)

    def delete_flows(
        self,
        flow_ids: str | list[str] | None = None,
        max_limit: int = 10,
        delete_output: bool = False,
        delete_files: bool = False,
        *,
        selection: FlowFilter | None = None,
        cancel_processes: bool = True,
        raise_on_error: bool = False,
        wait: int | None = None,
        break_lock: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> FlowResult:
        """Delete flows.

        Parameters
        ----------
        flow_ids
            Their uuids, or db_ids of their jobs. None means all flows.
        max_limit
            Refuse to delete more flows than this; 0 means no limit.
        delete_output
            Delete the outputs in the JobStore too.
        delete_files
            Also delete the run directories: immediately if the worker can be reached, otherwise
            the next runner that can reach it does so.
        selection
            Additional conditions that flows must match when they are deleted.
        cancel_processes
            Cancel their running jobs.
        raise_on_error
            Raise at the first refused flow: it is locked, or no longer matches
            ``selection``.
        wait
            Maximum number of seconds to wait for locked flows; None does not wait.
        break_lock
            Take the locks even if other processes hold them.
        dry_run
            Only report what would be deleted.
        progress
            Called with (flows processed, flows in total).

        Returns
        -------
        FlowResult
            Uuids of the deleted flows.

        Raises
        ------
        TooManyError
            More flows than ``max_limit``; nothing was deleted.
        FlowNotFoundError
            One of the ids names no flow, and ``raise_on_error``.
        """
        check_limit(max_limit)
        query = self.queue.query(selection or FlowFilter())
        uuids = self._flow_uuids(flow_ids, query, raise_on_error=raise_on_error)
        check_number(len(uuids), max_limit, "flow")
        return delete_flows(
            self.queue,
            uuids,
            Deletion(files=delete_files, outputs=delete_output),
            Options(
                wait=wait,
                break_lock=break_lock,
                raise_on_error=raise_on_error,
                dry_run=dry_run,
                progress=progress,
            ),
            cancel=cancel_processes,
            selection=query,
            connections=None if self.project is None else Connections(self.project),
        )

    def _flow_uuids(
        self, flow_ids: str | list[str] | None, selection: Query, *, raise_on_error: bool
    ) -> list[str]:
        named = self.queue.query(FlowFilter(flow_ids=flow_ids))
        query = {"$and": [named, selection]} if selection else named
        found = [
            d["uuid"] for d in self.queue.flows.find(query, ["uuid"], sort=[("created_on", 1)])
        ]
        asked = [flow_ids] if isinstance(flow_ids, str) else flow_ids
        if raise_on_error and asked is not None and len(found) < len(set(asked)):
            known = {d["uuid"] for d in self.queue.flows.find(named, ["uuid"])}
            known.update(self.queue.flow_uuids(asked))
            missing = next((i for i in asked if i not in known), None)
            if missing is not None:
                raise FlowNotFoundError(
                    f"there is no flow {missing}", hint="`jf flow list` lists the existing ones"
                )
        return found
