"""Act on many jobs: lock their flows, read, plan, write and give back.

The work goes in chunks of flows. A chunk costs a handful of commands, whatever the number of
jobs in it and in its flows: one lock for all its flows, one or two reads, the pure plan, one write
for jobs that change alike, one that gives the flows back with their new states. Where the engine
has transactions a chunk is done or untouched. Elsewhere its writes come in an order that the
same call, made again, finishes (`controller.operations.writing`).

Jobs themselves are not locked: every write asks for the state that was read and for a job that
nobody holds, so that a runner that was faster wins, and the job is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from controller.documents import db_id_order, flow_of
from controller.errors import (
    ArgumentError,
    ControllerError,
    LockedDocumentError,
    StateError,
    TooManyError,
)
from controller.operations.chunks import bulk_work, process_in_chunks, retry_on_conflict
from controller.operations.connections import Connections
from controller.operations.flow_locks import LockedFlows, lock_flows
from controller.operations.pending_cleanup import run_pending
from controller.operations.progress import SMALL_FLOW
from controller.operations.queue import Queue
from controller.operations.reading import CHOSEN_FIELDS, Neighbours, read_views
from controller.operations.version import refuse_newer
from controller.operations.writing import Deletion, write_plans
from controller.rules.plans import FlowPlan, FlowView, JobChange, Refusal
from controller.storage.base import Document

_FLOW_FIELDS: dict[str, Any] = {
    **dict.fromkeys(("uuid", "state", "lock_id", "lock_time", "lock_lease"), 1),
    "jobs": {"$slice": -SMALL_FLOW},
    "jobstore": 1,
}

Progress = Callable[[int, int], None]
"""Called with (jobs dealt with, jobs in total)."""


@dataclass(frozen=True)
class Action:
    """What is to be done to jobs.

    Attributes
    ----------
    plan
        Decides; pure.
    neighbours
        What has to be read beside the chosen jobs.
    fields
        What has to be read of a job beyond `reading.JOB_FIELDS`.
    holds_flow
        Whether the action can change the state of a flow, and so needs the flow.
    deletion
        What goes with deleted jobs.
    """

    plan: Callable[[FlowView], FlowPlan]
    neighbours: Neighbours = Neighbours.NONE
    fields: tuple[str, ...] = ()
    holds_flow: bool = True
    deletion: Deletion | None = None


@dataclass(frozen=True)
class Options:
    """How an action on many jobs behaves.

    Attributes
    ----------
    wait
        Seconds to wait at most for flows and jobs that others hold; None does not wait.
    break_lock
        Take them whoever holds them.
    raise_on_error
        Raise at the first refusal, before anything of that flow is written.
    dry_run
        Plan only.
    progress
        Told how far the work is.
    """

    wait: float | None = None
    break_lock: bool = False
    raise_on_error: bool = False
    dry_run: bool = False
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.wait is not None and not _is_number(self.wait):
            raise ArgumentError(
                f"wait cannot be {self.wait!r}",
                hint="it is a number of seconds; None does not wait",
            )


def check_limit(limit: Any) -> None:
    """Refuse a limit of what may be changed or deleted that is none."""
    if not isinstance(limit, int) or not _is_number(limit):
        raise ArgumentError(
            f"max_limit cannot be {limit!r}",
            hint="it is a number of jobs or flows; 0 means no limit",
        )


def check_number(number: int, limit: int, noun: str) -> None:
    """Refuse a selection that is larger than the limit; 0 means no limit.

    Raises
    ------
    TooManyError
        It is.
    """
    if limit and number > limit:
        raise TooManyError(
            f"{number} {noun}s are selected, more than the limit of {limit}: nothing was done",
            number=number,
            limit=limit,
            hint=f"a limit of {number} (max_limit, --max) allows it; 0 means none",
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


class BulkResult(list[str]):
    """db_ids of the jobs that changed, and what became of the others.

    Of a deletion it lists those that are gone.

    Attributes
    ----------
    matched
        How many jobs were chosen.
    unchanged
        db_ids of chosen jobs that were as wanted already.
    refused
        Chosen jobs that were left alone, and why.
    changes
        What changed, or would change, of each job.
    dependents
        Of these, the changes of jobs that were not chosen: they depend on a chosen one.
    postponed
        db_ids of jobs of which something still runs or has not been deleted, since it could not
        be reached: a runner will see to it.
    dry_run
        Whether nothing was written.
    """

    def __init__(self, matched: int = 0, *, dry_run: bool = False) -> None:
        super().__init__()
        self.matched = matched
        self.unchanged: list[str] = []
        self.refused: list[Refusal] = []
        self.changes: list[JobChange] = []
        self.dependents: list[JobChange] = []
        self.postponed: list[str] = []
        self.dry_run = dry_run

    def add(self, plan: FlowPlan, chosen: Collection[str], *, deletes: bool = False) -> None:
        """Take in what was done to a flow, of which these jobs (db_ids) were chosen."""
        self.changes += plan.changes
        self.dependents += (c for c in plan.changes if c.db_id not in chosen)
        self.extend(c.db_id for c in plan.changes if c.after is None or not deletes)
        self.unchanged += plan.unchanged
        self.refused += plan.refused


def choose(queue: Queue, query: Mapping[str, Any]) -> list[Document]:
    """Read which jobs a query selects, in the order in which they came."""
    found = queue.jobs.find(query, CHOSEN_FIELDS)
    return sorted(found, key=lambda d: db_id_order(d["db_id"]))


def perform(
    queue: Queue,
    action: Action,
    chosen: Iterable[Document],
    options: Options,
    *,
    selection: Mapping[str, Any] | None = None,
    connections: Connections | None = None,
) -> BulkResult:
    """Do something to jobs.

    Parameters
    ----------
    chosen
        Documents with `reading.CHOSEN_FIELDS`; see `choose`.
    selection
        The query that chose them, asked once more when their flows are held: a job that it does
        not match any more is refused. None where they were named.
    connections
        What runs of the jobs is ended, and what is to go is deleted, at once where it can be
        reached; otherwise a runner does it. Closed at the end.

    Raises
    ------
    ControllerError
        With ``raise_on_error``: the first refusal. The ``done`` of whatever is raised is the
        `BulkResult` of the flows that were dealt with before.
    LockLostError
        Somebody broke our lock on a flow; where there are transactions nothing of the chunk was
        written.
    StorageFormatError
        The database is of a newer version.
    """
    if not options.dry_run:
        refuse_newer(queue.auxiliary, "an action on jobs")
    by_flow: dict[str, list[Document]] = {}
    for document in chosen:
        by_flow.setdefault(flow_of(document), []).append(document)
    work = _Work(queue, action, options, sum(map(len, by_flow.values())), selection)
    with bulk_work(work.result, lambda: work.settle(connections)):
        process_in_chunks(by_flow, work.deal_with, wait=options.wait, report=work.report)
    return work.result


class _Work:
    """One action under way."""

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

    def settle(self, connections: Connections | None) -> None:
        """Do what is to happen outside the database."""
        if connections is not None and self._leaves_pending_cleanup:
            # Other people's entries are carried out on the way, but not told of.
            changed = set(self.result)
            left = run_pending(self.queue, connections).left
            self.result.postponed = [db_id for db_id in left if db_id in changed]
            connections.close()

    @property
    def _leaves_pending_cleanup(self) -> bool:
        if self.options.dry_run:
            return False
        deletes = self.action.deletion is not None
        return any(c.cancel or (deletes and c.after is None) for c in self.result.changes)

    def report(self) -> None:
        """Say how far the work is."""
        if self.options.progress is not None:
            result = self.result
            done = len(result) + len(result.unchanged) + len(result.refused)
            self.options.progress(min(done, result.matched), result.matched)

    def deal_with(self, chosen: Mapping[str, list[Document]], may_wait: bool) -> list[str]:
        """Deal with a chunk of flows; see `process_in_chunks`."""
        with self._locked(list(chosen)) as held:
            views = self._read(chosen)
            left = [u for u in chosen if may_wait and _is_busy(views[u], held)]
            now = {u: documents for u, documents in chosen.items() if u not in left}
            if self.options.dry_run:
                plans, refused = self._decide(views, now, held)
            else:
                plans, refused = self._write(views, now, held)
        for plan in plans:
            named = {document["db_id"] for document in chosen[plan.flow_uuid]}
            self.result.add(plan, named, deletes=self.action.deletion is not None)
        if self.options.raise_on_error and refused is None:
            _, refused = _until_refused(plans)  # where somebody was faster
        if refused is not None:
            raise refused
        return left

    @contextmanager
    def _locked(self, uuids: list[str]) -> Iterator[LockedFlows]:
        if not self.action.holds_flow:
            yield LockedFlows(self.queue, "")
            return
        how = {"break_lock": self.options.break_lock, "look_only": self.options.dry_run}
        with lock_flows(self.queue, uuids, _FLOW_FIELDS, **how) as held:
            yield held

    def _read(self, chosen: Mapping[str, Sequence[Document]]) -> dict[str, FlowView]:
        views = read_views(
            self.queue,
            chosen,
            self.action.neighbours,
            self.action.fields,
            break_lock=self.options.break_lock,
        )
        if self._selection is None:
            return views
        # After the states were read: a write asks for these, and what matches now had them then.
        db_ids = [doc["db_id"] for view in views.values() for _, doc in view.chosen_docs()]
        query = {"$and": [{"db_id": {"$in": db_ids}}, self._selection]}
        wanted = {d["db_id"] for d in self.queue.jobs.find(query, ["db_id"])}
        if len(wanted) == len(db_ids):
            return views
        return {uuid: _still_wanted(view, wanted) for uuid, view in views.items()}

    def _decide(
        self, views: Mapping[str, FlowView], uuids: Iterable[str], held: LockedFlows
    ) -> tuple[list[FlowPlan], ControllerError | None]:
        """Plan for flows; where a refusal is to be raised, those before it, and that refusal."""
        plans = [self._plan(views[uuid], held) for uuid in uuids]
        return _until_refused(plans) if self.options.raise_on_error else (plans, None)

    def _plan(self, view: FlowView, held: LockedFlows) -> FlowPlan:
        error = held.unavailable.get(view.uuid)
        if error is None:
            plan = self.action.plan(view)
            return (
                replace(plan, refused=(*view.unmatched, *plan.refused)) if view.unmatched else plan
            )
        refused = (Refusal(document["db_id"], error) for _, document in view.chosen_docs())
        return FlowPlan(view.uuid, refused=(*view.unmatched, *refused))

    def _write(
        self, views: Mapping[str, FlowView], chosen: Mapping[str, list[Document]], held: LockedFlows
    ) -> tuple[list[FlowPlan], ControllerError | None]:
        """Decide and carry it out; returns what was done: less, where somebody was faster."""
        seen: Mapping[str, FlowView] | None = views

        def attempt(last: bool) -> tuple[list[FlowPlan], ControllerError | None]:
            nonlocal seen
            known, seen = seen or self._read(chosen), None
            plans, refused = self._decide(known, chosen, held)
            deletion = self.action.deletion
            done = write_plans(self.queue, known, plans, held, deletion=deletion, accept_loss=last)
            return done, refused

        return retry_on_conflict(attempt)


def _still_wanted(view: FlowView, wanted: Collection[str]) -> FlowView:
    """Leave out the chosen jobs that are not what was asked for any more."""
    unmatched = tuple(
        Refusal(
            doc["db_id"],
            StateError(
                f"job {doc['db_id']} was left alone: it is {doc['state']} now, and not among those "
                "that were asked for any more",
                db_id=doc["db_id"],
                state=doc["state"],
                hint="look again, then try again",
            ),
        )
        for _, doc in view.chosen_docs()
        if doc["db_id"] not in wanted
    )
    chosen = tuple(key for key, doc in view.chosen_docs() if doc["db_id"] in wanted)
    return replace(view, chosen=chosen, unmatched=unmatched)


def _is_busy(view: FlowView, held: LockedFlows) -> bool:
    return bool(view.held) or isinstance(held.unavailable.get(view.uuid), LockedDocumentError)


def _until_refused(
    plans: Sequence[FlowPlan],
) -> tuple[list[FlowPlan], ControllerError | None]:
    """Return the plans before the first that refuses a job, and that refusal."""
    for number, plan in enumerate(plans):
        if plan.refused:
            return list(plans[:number]), plan.refused[0].error
    return list(plans), None
