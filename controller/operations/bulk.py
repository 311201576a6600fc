"""Act on many jobs: lock their flows, read, plan, write and give back.

The work goes in portions of flows. A portion costs a handful of commands, whatever the number of
jobs in it and in its flows: one lock for all its flows, one or two reads, the pure plan, one write
for jobs that change alike, one that gives the flows back with their new states. Where the engine
has transactions a portion is done or untouched. Elsewhere its writes come in an order that the
same call, made again, finishes (`controller.operations.writing`).

Jobs themselves are not locked: every write asks for the state that was read and for a job that
nobody holds, so that a runner that was faster wins, and the job is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from controller.errors import ArgumentError, ControllerError, LockedDocumentError
from controller.operations.aftermath import carry_out
from controller.operations.holding import HeldFlows, hold_flows
from controller.operations.outside import Outside
from controller.operations.progress import SMALL_FLOW
from controller.operations.queue import Queue
from controller.operations.reading import CHOSEN_FIELDS, Neighbours, flow_of, read_views
from controller.operations.writing import Deletion, Overtaken, write_plans
from controller.rules.plans import FlowPlan, FlowView, JobChange, Refusal
from controller.storage.base import Document

FLOWS_AT_ONCE = 50
JOBS_AT_ONCE = 5000
"""Size of a portion: at most so many flows and, but for a single flow, so many chosen jobs."""
LONGEST_PAUSE = 0.5
"""Seconds between two attempts of somebody who waits."""

_TRIES = 5
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
    """Refuse a limit of what may be deleted that is none."""
    if not isinstance(limit, int) or not _is_number(limit):
        raise ArgumentError(
            f"max_limit cannot be {limit!r}",
            hint="it is a number of jobs or flows; 0 means no limit",
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


class BulkResult(list[str]):
    """db_ids of the jobs that changed, and what became of the others.

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
        self.postponed: list[str] = []
        self.dry_run = dry_run

    def add(self, plan: FlowPlan) -> None:
        """Take in what was done to a flow."""
        self.changes += plan.changes
        self.extend(change.db_id for change in plan.changes)
        self.unchanged += plan.unchanged
        self.refused += plan.refused


def choose(queue: Queue, query: Mapping[str, Any]) -> list[Document]:
    """Read which jobs a query selects, in the order in which they came."""
    found = queue.jobs.find(query, CHOSEN_FIELDS)
    return sorted(found, key=lambda d: (len(d["db_id"]), d["db_id"]))


def perform(
    queue: Queue,
    action: Action,
    chosen: Iterable[Document],
    options: Options,
    *,
    outside: Outside | None = None,
) -> BulkResult:
    """Do something to jobs.

    Parameters
    ----------
    chosen
        Documents with `reading.CHOSEN_FIELDS`; see `choose`.
    outside
        What runs of the jobs is ended, and what is to go is deleted, at once where it can be
        reached; otherwise a runner does it. Closed at the end.

    Raises
    ------
    ControllerError
        With ``raise_on_error``: the first refusal. Its ``done`` is the `BulkResult` of the flows
        that were dealt with before.
    LockLostError
        Somebody broke our lock on a flow; where there are transactions nothing of the portion was
        written.
    """
    by_flow: dict[str, list[Document]] = {}
    for document in chosen:
        by_flow.setdefault(flow_of(document), []).append(document)
    work = _Work(queue, action, options, sum(map(len, by_flow.values())))
    deadline = time.monotonic() + (options.wait or 0)
    try:
        while by_flow:
            left: dict[str, list[Document]] = {}
            patient = time.monotonic() < deadline and not options.dry_run
            for portion in _portions(by_flow):
                left.update(work.deal_with(portion, patient=patient))
                work.report()
            by_flow = left
            if by_flow:
                time.sleep(min(LONGEST_PAUSE, max(0.0, deadline - time.monotonic())))
    finally:
        if outside is not None and work.leaves_wishes:
            # Other people's wishes are carried out on the way, but not told of.
            changed = set(work.result)
            work.result.postponed = [i for i in carry_out(queue, outside).left if i in changed]
            outside.close()
    return work.result


def _portions(by_flow: Mapping[str, list[Document]]) -> Iterator[dict[str, list[Document]]]:
    portion: dict[str, list[Document]] = {}
    jobs = 0
    for uuid, documents in by_flow.items():
        if portion and (len(portion) >= FLOWS_AT_ONCE or jobs + len(documents) > JOBS_AT_ONCE):
            yield portion
            portion, jobs = {}, 0
        portion[uuid] = documents
        jobs += len(documents)
    if portion:
        yield portion


class _Work:
    """One action under way."""

    def __init__(self, queue: Queue, action: Action, options: Options, total: int) -> None:
        self.queue, self.action, self.options = queue, action, options
        self.result = BulkResult(total, dry_run=options.dry_run)

    @property
    def leaves_wishes(self) -> bool:
        """Whether something outside the database is to happen."""
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

    def deal_with(
        self, chosen: Mapping[str, list[Document]], *, patient: bool
    ) -> dict[str, list[Document]]:
        """Deal with a portion of flows.

        Parameters
        ----------
        patient
            Leave flows in which something is held by others for later, instead of refusing it.

        Returns
        -------
        dict
            The flows that were left for later.
        """
        with self._holding(list(chosen)) as held:
            views = self._read(chosen)
            left = {u: chosen[u] for u in chosen if patient and _is_busy(views[u], held)}
            plans = [self._plan(views[u], held) for u in chosen if u not in left]
            if self.options.raise_on_error:
                plans, refused = _until_refused(plans)
            else:
                refused = None
            if not self.options.dry_run:
                plans = self._write(views, plans, held)
        for plan in plans:
            self.result.add(plan)
        if self.options.raise_on_error:
            _, late = _until_refused(plans)
            refused = refused or late
        if refused is not None:
            refused.done = self.result
            raise refused
        return left

    @contextmanager
    def _holding(self, uuids: list[str]) -> Iterator[HeldFlows]:
        if not self.action.holds_flow:
            yield HeldFlows(self.queue, "")
            return
        how = {"break_lock": self.options.break_lock, "look_only": self.options.dry_run}
        with hold_flows(self.queue, uuids, _FLOW_FIELDS, **how) as held:
            yield held

    def _read(self, chosen: Mapping[str, Sequence[Document]]) -> dict[str, FlowView]:
        return read_views(
            self.queue,
            chosen,
            self.action.neighbours,
            self.action.fields,
            break_lock=self.options.break_lock,
        )

    def _plan(self, view: FlowView, held: HeldFlows) -> FlowPlan:
        error = held.unavailable.get(view.uuid)
        if error is None:
            return self.action.plan(view)
        refused = (Refusal(document["db_id"], error) for _, document in view.chosen_docs())
        return FlowPlan(view.uuid, refused=tuple(refused))

    def _write(
        self, views: Mapping[str, FlowView], plans: list[FlowPlan], held: HeldFlows
    ) -> list[FlowPlan]:
        """Carry plans out; returns what was done: less, where somebody else was faster."""
        for last in (*[False] * _TRIES, True):
            try:
                return write_plans(
                    self.queue, views, plans, held, deletion=self.action.deletion, accept_loss=last
                )
            except Overtaken:
                # Nothing was written: look again, and decide again.
                uuids = [plan.flow_uuid for plan in plans]
                views = self._read({u: [dict(d) for _, d in views[u].chosen_docs()] for u in uuids})
                plans = [self._plan(views[u], held) for u in uuids]
        raise AssertionError("the last attempt accepts what others did")


def _is_busy(view: FlowView, held: HeldFlows) -> bool:
    return bool(view.held) or isinstance(held.unavailable.get(view.uuid), LockedDocumentError)


def _until_refused(
    plans: Sequence[FlowPlan],
) -> tuple[list[FlowPlan], ControllerError | None]:
    """Return the plans before the first that refuses a job, and that refusal."""
    for number, plan in enumerate(plans):
        if plan.refused:
            return list(plans[:number]), plan.refused[0].error
    return list(plans), None
