"""Delete flows with all their jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.documents import flow_of
from controller.operations.bulk import Options, report_progress
from controller.operations.chunks import bulk_work, process_in_chunks, retry_on_conflict
from controller.operations.connections import Connections
from controller.operations.flow_locks import LockedFlows, lock_flows
from controller.operations.flow_results import FlowChange, FlowResult
from controller.operations.pending_cleanup import PendingCleanup, request, run_own
from controller.operations.queue import Queue
from controller.operations.reading import JOB_FIELDS
from controller.operations.version import refuse_newer
from controller.operations.writing import Deletion
from controller.rules.plans.view import CANCELLABLE, may_run
from controller.states import JobState
from controller.storage.base import Document

_FIELDS = ["uuid", "name", "state", "jobstore", "lock_id", "lock_time", "lock_lease"]


def delete_flows(
    queue: Queue,
    uuids: Sequence[str],
    deletion: Deletion,
    options: Options,
    *,
    cancel: bool = True,
    selection: Mapping[str, Any] | None = None,
    connections: Connections | None = None,
) -> FlowResult:
    """Delete flows, whatever the states of their jobs.

    Each chunk of flows is one transaction. Without transactions, jobs are deleted before their
    flow, so that repeating the call completes an interrupted deletion, and nothing that remains
    could run.

    Parameters
    ----------
    uuids
        The uuids of the submitted flows.
    deletion
        Whether to delete files and outputs too.
    cancel
        End the processes of their jobs.
    selection
        A query that a locked flow must match; None for no check.
    connections
        Used immediately for the work outside the database, and closed.

    Raises
    ------
    ControllerError
        With ``raise_on_error``: the first refusal. ``done`` of any exception raised is what was
        deleted before.
    StorageFormatError
        The database has a newer version.
    """
    if not options.dry_run:
        refuse_newer(queue.auxiliary, "a deletion")
    wanted = dict.fromkeys(uuids, ())
    work = _FlowDeletion(queue, deletion, options, cancel, selection, len(wanted))
    with bulk_work(work.result, lambda: work.clean_up(connections)):
        process_in_chunks(wanted, work.delete_chunk, wait=options.wait, report=work.report)
    return work.result


class _FlowDeletion:
    """A deletion in progress."""

    def __init__(
        self,
        queue: Queue,
        deletion: Deletion,
        options: Options,
        cancel: bool,
        selection: Mapping[str, Any] | None,
        total: int,
    ) -> None:
        self.queue, self.options = queue, options
        self.result = FlowResult(total, dry_run=options.dry_run)
        self._deletion, self._cancel, self._selection = deletion, cancel, selection

    def clean_up(self, connections: Connections | None) -> None:
        """Do the work outside the database."""
        if connections is not None and self.result and not self.options.dry_run:
            self.result.postponed = run_own(self.queue, connections, self.result.requested)

    def report(self) -> None:
        """Report the progress."""
        report_progress(self.options, self.result)

    def delete_chunk(self, uuids: Mapping[str, object], may_wait: bool) -> list[str]:
        """Delete a chunk; see `process_in_chunks`."""
        how = {"break_lock": self.options.break_lock, "look_only": self.options.dry_run}
        with lock_flows(self.queue, list(uuids), _FIELDS, matching=self._selection, **how) as held:
            left = self.result.refuse_unavailable(uuids, held, self.options, may_wait)
            flows = dict(held.documents)
            if flows:
                jobs, requested = retry_on_conflict(lambda last: self._write(held))
                self.result.jobs += jobs
                self.result.requested |= requested
        for uuid, flow in flows.items():
            self.result.append(uuid)
            self.result.changes.append(FlowChange(uuid, flow["name"], flow["state"]))
        return left

    def _write(self, held: LockedFlows) -> tuple[int, set[str]]:
        """Delete the locked flows; return how many jobs they had, and the jobs with entries."""
        queue, flows = self.queue, held.documents
        of_flows = {"job.hosts": {"$in": list(flows)}}
        if self.options.dry_run:
            return queue.jobs.count_documents(of_flows), set()
        with queue.database.transaction() as session:
            held.check(session)
            leaving = {**of_flows, **self._may_leave_something}
            entries = [
                self._pending_cleanup(job, flows[flow_of(job)])
                for job in queue.jobs.find(leaving, JOB_FIELDS, session=session)
            ]
            request(queue, entries, session=session)
            jobs = queue.jobs.delete_many(of_flows, session=session).deleted_count
            ours = {"uuid": {"$in": list(flows)}, "lock_id": held.lock_id}
            queue.flows.delete_many(ours, session=session)
        held.documents.clear()
        return jobs, {entry.db_id for entry in entries if not entry.is_empty}

    @property
    def _may_leave_something(self) -> dict[str, Any]:
        """A condition on jobs; the others, nearly all of a large flow, leave nothing behind."""
        if self._deletion.files or self._deletion.outputs:
            return {}
        running = [*CANCELLABLE, JobState.REMOTE_ERROR] if self._cancel else []
        return {"state": {"$in": sorted(state.value for state in running)}}

    def _pending_cleanup(self, job: Document, flow: Document) -> PendingCleanup:
        return PendingCleanup.for_job(
            job,
            cancel=self._cancel and may_run(job),
            deleted=True,
            delete_files=self._deletion.files,
            delete_output=self._deletion.outputs,
            jobstore=flow.get("jobstore"),
        )
