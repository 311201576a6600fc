"""Flows leave the database with all their jobs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.errors import ControllerError, LockedDocumentError
from controller.operations.aftermath import Wish, carry_out, request
from controller.operations.bulk import FLOWS_AT_ONCE, LONGEST_PAUSE, Options
from controller.operations.holding import HeldFlows, hold_flows
from controller.operations.outside import Outside
from controller.operations.queue import Queue
from controller.operations.reading import JOB_FIELDS, flow_of
from controller.operations.writing import Deletion
from controller.rules.plans.view import may_run
from controller.storage.base import Document

_FIELDS = ["uuid", "name", "state", "jobstore", "lock_id", "lock_time", "lock_lease"]


@dataclass(frozen=True)
class FlowRefusal:
    """A flow that was left alone, and why."""

    flow_id: str
    error: ControllerError

    @property
    def db_id(self) -> str:
        """The flow's uuid: what names it in results of all kinds."""
        return self.flow_id

    @property
    def reason(self) -> str:
        """The reason in one line, with what to do next."""
        return str(self.error)


@dataclass(frozen=True)
class FlowChange:
    """A flow that is deleted.

    Attributes
    ----------
    db_id
        Its uuid.
    name
        Its name.
    before
        Its state.
    after
        None: it is gone.
    """

    db_id: str
    name: str
    before: str
    after: None = None


class FlowResult(list[str]):
    """Uuids of the flows that were deleted, and what became of the others.

    Attributes
    ----------
    matched
        How many flows were chosen.
    refused
        Flows that were left alone, and why.
    unchanged
        Nothing: it is there as in `BulkResult`.
    changes
        The flows that are deleted, or would be.
    jobs
        How many jobs went with them.
    postponed
        db_ids of jobs of which something still runs or has not been deleted, since it could not
        be reached: a runner will see to it.
    wished
        db_ids of jobs of which something was to be ended or deleted.
    dry_run
        Whether nothing was written.
    """

    def __init__(self, matched: int, *, dry_run: bool = False) -> None:
        super().__init__()
        self.matched, self.dry_run, self.jobs = matched, dry_run, 0
        self.refused: list[FlowRefusal] = []
        self.unchanged: list[str] = []
        self.changes: list[FlowChange] = []
        self.postponed: list[str] = []
        self.wished: set[str] = set()


def delete_flows(
    queue: Queue,
    uuids: Sequence[str],
    deletion: Deletion,
    options: Options,
    *,
    cancel: bool = True,
    outside: Outside | None = None,
) -> FlowResult:
    """Delete flows, whatever the states of their jobs.

    A portion of flows goes in one transaction. Without them the jobs go before their flow, so that
    the same call finishes what was interrupted, and nothing that is left could run.

    Parameters
    ----------
    uuids
        Of the submitted flows.
    deletion
        Whether files and outputs go too.
    cancel
        End what runs of their jobs.
    outside
        Used at once for what is outside the database, and closed.

    Raises
    ------
    ControllerError
        With ``raise_on_error``: the first refusal; its ``done`` is what was deleted before.
    """
    wanted = list(dict.fromkeys(uuids))
    result = FlowResult(len(wanted), dry_run=options.dry_run)
    deadline = time.monotonic() + (options.wait or 0)
    try:
        while wanted:
            patient = time.monotonic() < deadline and not options.dry_run
            left: list[str] = []
            for start in range(0, len(wanted), FLOWS_AT_ONCE):
                some = wanted[start : start + FLOWS_AT_ONCE]
                left += _delete(queue, some, deletion, options, result, cancel, patient)
                if options.progress is not None:
                    options.progress(len(result) + len(result.refused), result.matched)
            wanted = left
            if wanted:
                time.sleep(min(LONGEST_PAUSE, max(0.0, deadline - time.monotonic())))
    finally:
        if outside is not None and result and not options.dry_run:
            # Other people's wishes are carried out on the way, but not told of.
            left = carry_out(queue, outside).left
            result.postponed = [db_id for db_id in left if db_id in result.wished]
            outside.close()
    return result


def _delete(
    queue: Queue,
    uuids: list[str],
    deletion: Deletion,
    options: Options,
    result: FlowResult,
    cancel: bool,
    patient: bool,
) -> list[str]:
    """Delete a portion; returns the flows that were left for later."""
    left: list[str] = []
    how = {"break_lock": options.break_lock, "look_only": options.dry_run}
    with hold_flows(queue, uuids, _FIELDS, **how) as held:
        for uuid in uuids:
            error = held.unavailable.get(uuid)
            if error is None:
                continue
            if patient and isinstance(error, LockedDocumentError):
                left.append(uuid)
                continue
            if options.raise_on_error:
                error.done = result
                raise error
            result.refused.append(FlowRefusal(uuid, error))
        flows = dict(held.documents)
        if flows:
            jobs, wished = _write(queue, held, deletion, cancel, dry_run=options.dry_run)
            result.jobs += jobs
            result.wished |= wished
    for uuid in uuids:
        if uuid in flows:
            result.append(uuid)
            result.changes.append(FlowChange(uuid, flows[uuid]["name"], flows[uuid]["state"]))
    return left


def _write(
    queue: Queue, held: HeldFlows, deletion: Deletion, cancel: bool, *, dry_run: bool
) -> tuple[int, set[str]]:
    """Delete the flows that we hold; returns how many jobs they had, and those with wishes."""
    flows = dict(held.documents)
    of_flows = {"job.hosts": {"$in": list(flows)}}
    if dry_run:
        return queue.jobs.count_documents(of_flows), set()
    with queue.database.transaction() as session:
        held.check(session)
        wishes = [
            _wish(job, flows, deletion, cancel)
            for job in queue.jobs.find(of_flows, JOB_FIELDS, session=session)
        ]
        request(queue, wishes, session=session)
        jobs = queue.jobs.delete_many(of_flows, session=session).deleted_count
        ours = {"uuid": {"$in": list(flows)}, "lock_id": held.lock_id}
        queue.flows.delete_many(ours, session=session)
    held.documents.clear()
    return jobs, {wish.db_id for wish in wishes if not wish.is_empty}


def _wish(job: Document, flows: Mapping[str, Document], deletion: Deletion, cancel: bool) -> Wish:
    return Wish.for_job(
        job,
        cancel=cancel and may_run(job),
        deleted=True,
        delete_files=deletion.files,
        delete_output=deletion.outputs,
        jobstore=flows[flow_of(job)].get("jobstore"),
    )
