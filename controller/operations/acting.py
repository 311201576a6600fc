"""An action on jobs, from its arguments to the database: select, lock, read, plan, write.

The five steps, in the order in which `act_on_jobs` and `_BulkAction` take them:

1. **select**  `select_jobs`: one query; the jobs found are grouped by flow, and processed in chunks
   of flows (`controller.operations.chunks`);
2. **lock**    `controller.operations.flow_locks.lock_flows`: all flows of a chunk at once;
3. **read**    `controller.operations.reading.read_views`: the jobs, and the related jobs that the
   plan needs;
4. **plan**    `Action.plan`, a function of `controller.rules.plans`: pure;
5. **write**   `controller.operations.writing.write_plans`: identical changes are one write,
   and the flows are released with their new states.

Afterwards `controller.operations.pending_cleanup.run_pending` does the work outside the database.
`controller.operations.actions` defines each action.

A chunk takes a handful of commands, however many jobs it and its flows contain. An action that
treats each job by itself works on a large flow part by part, each with a lock and a transaction of
its own: other writers need not wait for all of it, and what was done before a crash stays done.
If the engine has transactions, a chunk or part is either done or untouched. Otherwise its writes
are ordered such that repeating the same call completes them.

Jobs themselves are not locked: every write requires the state that was read and an unlocked job, so
if a runner was faster, it wins, and the job is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.documents import db_id_order, flow_of
from controller.errors import ControllerError, JobNotFoundError, LockedDocumentError
from controller.filters import JobFilter, job_id_query
from controller.operations.actions import Action
from controller.operations.archive_reading import archived_job
from controller.operations.bulk import (
    BulkResult,
    Options,
    check_limit,
    check_number,
    report_progress,
)
from controller.operations.chunks import (
    bulk_work,
    no_garbage_expected,
    process_in_chunks,
    retry_on_conflict,
)
from controller.operations.connections import Connections
from controller.operations.flow_locks import LockedFlows, lock_flows
from controller.operations.flow_states import SMALL_FLOW
from controller.operations.pending_cleanup import run_own
from controller.operations.queue import Queue
from controller.operations.reading import CHOSEN_FIELDS, read_views, refuse_unmatched
from controller.operations.version import refuse_newer
from controller.operations.writing import write_plans
from controller.rules.plans import FlowPlan, FlowView, Refusal
from controller.states import EventKind
from controller.storage.base import Document, known_fields

if TYPE_CHECKING:
    from controller.config import Project

_FLOW_FIELDS: dict[str, Any] = {
    **dict.fromkeys(("uuid", "state", "lock_id", "lock_time", "lock_lease"), 1),
    "jobs": {"$slice": -SMALL_FLOW},
    "jobstore": 1,
}


PART_OF_FLOW = 20_000
"""Jobs of a large flow that change together: on two slow processors, others wait two seconds."""


def act_on_jobs(
    queue: Queue,
    project: Project | None,
    action: Action,
    selection: JobFilter,
    *,
    max_limit: int = 0,
    **options: Any,
) -> BulkResult:
    """Apply an action to the selected jobs; the keywords are the attributes of `Options`.

    Parameters
    ----------
    project
        As for `act_on_chosen`.
    max_limit
        Maximum number of jobs that may be selected; 0 means no limit.

    Raises
    ------
    TooManyError
        More jobs are selected; nothing was done.
    ControllerError
        As from `act_on_chosen`.
    """
    check_limit(max_limit)
    how, query = Options(**options), queue.query(selection)
    with no_garbage_expected():
        chosen = select_jobs(queue, query)
        check_number(len(chosen), max_limit, "job")
        again = None if selection.is_lasting else query
        return act_on_chosen(queue, project, action, chosen, how, selection=again)


def act_on_job(
    queue: Queue,
    project: Project | None,
    action: Action,
    *,
    job_id: str | None,
    db_id: str | None,
    job_index: int | None,
    **options: Any,
) -> tuple[str, BulkResult]:
    """Apply an action to one job, as to many; return its db_id and everything that changed.

    Raises
    ------
    ArgumentError
        Neither or both of ``db_id`` and ``job_id``.
    JobNotFoundError
        There is no such job.
    ControllerError
        The action was refused.
    """
    job = {"db_id": db_id, "job_id": job_id, "job_index": job_index}
    found = find_job(queue, CHOSEN_FIELDS, **job)
    how = Options(raise_on_error=True, **options)
    return str(found["db_id"]), act_on_chosen(queue, project, action, [found], how)


def select_jobs(queue: Queue, query: Mapping[str, Any]) -> list[Document]:
    """Read which jobs a query selects, in order of submission."""
    found = known_fields(queue.jobs, query, CHOSEN_FIELDS)
    return sorted(found, key=lambda d: db_id_order(d["db_id"]))


def find_job_anywhere(queue: Queue, fields: Sequence[str], **job: Any) -> Document:
    """Read a job as `find_job` does, or the whole document of an archived one."""
    try:
        return find_job(queue, fields, **job)
    except JobNotFoundError:
        named = {name: job.get(name) for name in ("db_id", "job_id", "job_index")}
        if (found := archived_job(queue, **named)) is None:
            raise
        return found


def find_job(queue: Queue, fields: Sequence[str], **job: Any) -> Document:
    """Read the job identified as in `job_id_query`.

    Raises
    ------
    ArgumentError
        Neither or both of ``db_id`` and ``job_id``.
    JobNotFoundError
        There is no such job.
    """
    query, sort = job_id_query(**job)
    found = queue.jobs.find_one(query, list(fields), sort=sort)
    if found is None:
        db_id, job_index = job.get("db_id"), job.get("job_index")
        index = "" if job_index is None or db_id is not None else f" with index {job_index}"
        raise JobNotFoundError(
            f"there is no job {db_id or job.get('job_id')}{index}",
            hint="`jf job list` lists the existing ones",
        )
    return found


def act_on_chosen(
    queue: Queue,
    project: Project | None,
    action: Action,
    chosen: Iterable[Document],
    options: Options,
    *,
    selection: Mapping[str, Any] | None = None,
) -> BulkResult:
    """Apply an action to jobs that have been selected.

    Parameters
    ----------
    project
        Their processes are ended and files deleted immediately, if this project says how to reach
        them; otherwise a runner does it.
    chosen
        Documents with `reading.CHOSEN_FIELDS`; see `select_jobs`.
    The query that chose them, applied again when their flows are locked: a job that no longer
    matches is refused. None if the jobs were given by id.

    Raises
    ------
    ControllerError
        With ``raise_on_error``: the first refusal. ``done`` of any exception raised is the
        `BulkResult` of the flows processed before.
    LockLostError
        Another process broke our lock on a flow; with transactions, nothing of the chunk was
        written.
    StorageFormatError
        The database has a newer version.
    """
    if not options.dry_run:
        refuse_newer(queue.auxiliary, "an action on jobs")
    by_flow: dict[str, list[Document]] = {}
    for document in chosen:
        by_flow.setdefault(flow_of(document), []).append(document)
    work = _BulkAction(queue, action, options, sum(map(len, by_flow.values())), selection)
    with bulk_work(work.result, lambda: work.clean_up(project)):
        process_in_chunks(by_flow, work.act_on_chunk, wait=options.wait, report=work.report)
        work.tell()
    return work.result


class _BulkAction:
    """An action in progress."""

    def __init__(
        self,
        queue: Queue,
        action: Action,
        options: Options,
        total: int,
        selection: Mapping[str, Any] | None,
    ) -> None:
        self.queue, self.action, self.options = queue, action, options
        self.result = BulkResult(total, dry_run=options.dry_run)
        self._selection = selection
        self._left: dict[str, list[Document]] = {}

    def act_on_chunk(self, chosen: Mapping[str, list[Document]], may_wait: bool) -> list[str]:
        """Act on a chunk of flows, part by part if a flow is large; see `process_in_chunks`."""
        # A refusal to be raised has to come before the first write of its flow.
        if self.options.raise_on_error or not self.action.job_by_job or len(chosen) > 1:
            return self._act(chosen, may_wait)
        for uuid, documents in chosen.items():
            left = self._left.setdefault(uuid, list(documents))
            while left:
                if self._act({uuid: left[:PART_OF_FLOW]}, may_wait):
                    return [uuid]
                del left[:PART_OF_FLOW]
                self.report()
        return []

    def _act(self, chosen: Mapping[str, list[Document]], may_wait: bool) -> list[str]:
        """Lock, read, plan and write flows."""
        with self._lock(list(chosen)) as locked:

            def attempt(last: bool) -> tuple[list[str], list[FlowPlan], ControllerError | None]:
                views = self._read(chosen)
                busy = [u for u in chosen if may_wait and _is_busy(views[u], locked)]
                now = [views[uuid] for uuid in chosen if uuid not in busy]
                plans, refusal = self._plan(now, locked)
                if not self.options.dry_run:
                    plans = self._write(views, plans, locked, accept_loss=last)
                return busy, plans, refusal

            busy, plans, refusal = retry_on_conflict(attempt)
        for plan in plans:
            named = {document["db_id"] for document in chosen[plan.flow_uuid]}
            self.result.add(plan, named, deletes=self.action.deletion is not None)
        if self.options.raise_on_error and refusal is None:
            _, refusal = _until_refused(plans)  # if another process was faster
        if refusal is not None:
            raise refusal
        return busy

    @contextmanager
    def _lock(self, uuids: list[str]) -> Iterator[LockedFlows]:
        if not self.action.holds_flow:
            yield LockedFlows(self.queue, "")
            return
        break_lock, look_only = self.options.break_lock, self.options.dry_run
        with lock_flows(
            self.queue, uuids, _FLOW_FIELDS, break_lock=break_lock, look_only=look_only
        ) as locked:
            yield locked

    def _read(self, chosen: Mapping[str, Sequence[Document]]) -> dict[str, FlowView]:
        action, break_lock = self.action, self.options.break_lock
        views = read_views(
            self.queue,
            chosen,
            action.neighbours,
            action.fields,
            needs=action.needs,
            break_lock=break_lock,
        )
        if self._selection is None:
            return views
        return refuse_unmatched(self.queue, views, self._selection)

    def _plan(
        self, views: Iterable[FlowView], locked: LockedFlows
    ) -> tuple[list[FlowPlan], ControllerError | None]:
        """Plan for flows; with ``raise_on_error``, stop at the first refusal and return it."""
        plans = [self._plan_flow(view, locked) for view in views]
        return _until_refused(plans) if self.options.raise_on_error else (plans, None)

    def _plan_flow(self, view: FlowView, locked: LockedFlows) -> FlowPlan:
        error = locked.unavailable.get(view.uuid)
        if error is not None:
            refused = (Refusal(document["db_id"], error) for _, document in view.chosen_docs())
            return FlowPlan(view.uuid, refused=(*view.unmatched, *refused))
        plan = self.action.plan(view)
        if not view.unmatched:
            return plan
        return replace(plan, refused=(*view.unmatched, *plan.refused))

    def _write(
        self,
        views: Mapping[str, FlowView],
        plans: list[FlowPlan],
        locked: LockedFlows,
        *,
        accept_loss: bool,
    ) -> list[FlowPlan]:
        """Write plans; return what was done: less if another process was faster."""
        deletion = self.action.deletion
        return write_plans(
            self.queue, views, plans, locked, deletion=deletion, accept_loss=accept_loss
        )

    def clean_up(self, project: Project | None) -> None:
        """Do the work outside the database."""
        if project is None or not self._leaves_pending_cleanup:
            return
        self.result.postponed = run_own(self.queue, Connections(project), self.result)

    @property
    def _leaves_pending_cleanup(self) -> bool:
        if self.options.dry_run:
            return False
        deletes = self.action.deletion is not None
        return any(c.cancel or (deletes and c.after is None) for c in self.result.changes)

    def tell(self) -> None:
        """Record the action as a whole in the event log; each job already has its own event."""
        if not self.result or self.options.dry_run:
            return
        about = {"kind": EventKind.ACTION.value, "name": self.action.name}
        self.queue.events.write([{**about, "count": len(self.result)}])

    def report(self) -> None:
        """Report the progress."""
        report_progress(self.options, self.result)


def _is_busy(view: FlowView, locked: LockedFlows) -> bool:
    return bool(view.held) or isinstance(locked.unavailable.get(view.uuid), LockedDocumentError)


def _until_refused(plans: Sequence[FlowPlan]) -> tuple[list[FlowPlan], ControllerError | None]:
    """Return the plans before the first that refuses a job, and the refusal."""
    for number, plan in enumerate(plans):
        if plan.refused:
            return list(plans[:number]), plan.refused[0].error
    return list(plans), None
