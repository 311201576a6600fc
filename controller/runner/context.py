"""What the stages of a runner share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.config.workers import same_host
from controller.documents import flow_if_named, flow_of, scheduler_of, utc_now
from controller.jobcontroller import JobController
from controller.locks import confirm_held, lock_lost
from controller.operations.connections import Connections, SchedulerType
from controller.runner.backoff import Pauses, refusal_pauses
from controller.runner.outages import Outages

if TYPE_CHECKING:
    from controller.config import Project
    from controller.config.workers import WorkerBase
    from controller.hosts import Host
    from controller.schedulers import Queue
    from controller.storage.output_store import OutputStore


_RETRIES_KEPT = 1000
_STORES_KNOWN_FOR = 0.5
"""Seconds for which the name of a flow's JobStore is not asked for again."""


@dataclass
class RunnerContext:
    """Controller, workers, queues and stores, opened on first use.

    Attributes
    ----------
    touched
        db_ids of the jobs processed by this runner.
    to_fetch
        db_ids of DOWNLOADED jobs whose files are not on this machine (any more).
    connections
        Hosts, queues and JobStores.
    refusals
        Workers whose queue currently accepts no jobs.
    outages
        Workers whose machine cannot be reached.
    retries_at
        Times, in naive UTC, from which READY jobs may be claimed again; only of retries that this
        runner has planned.
    """

    controller: JobController
    project: Project
    touched: set[str] = field(default_factory=set)
    to_fetch: set[str] = field(default_factory=set)
    refusals: Pauses = field(default_factory=refusal_pauses)
    retries_at: list[datetime] = field(default_factory=list)
    connections: Connections = field(init=False)
    outages: Outages = field(init=False)
    _known_beside: dict[str, list[str]] = field(default_factory=dict)
    _known_queues: dict[str, str] = field(default_factory=dict)
    _known_stores: dict[str, tuple[str | None, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connections = Connections(self.project)
        self.outages = Outages(self.controller.queue, self._beside)

    def for_lane(self, others: set[str]) -> RunnerContext:
        """Return a context for another thread, which leaves some workers to other threads."""
        context = RunnerContext(self.controller, self.project, self.touched, self.to_fetch)
        context.connections.leave_to_others(others)
        return context

    def adopt(self, project: Project) -> None:
        """Switch to a reloaded project file; connections are reopened."""
        self.connections.close()
        self.project = self.controller.project = project
        self.connections = Connections(project)
        self._known_beside.clear()

    def _beside(self, name: str) -> list[str]:
        """Names of the workers on the machine of a worker, always in the same order."""
        if name not in self._known_beside:
            workers, found = self.project.workers, [name]
            if name in workers and not workers[name].is_local:
                found = [n for n, worker in workers.items() if same_host(worker, workers[name])]
            self._known_beside[name] = found
        return self._known_beside[name]

    def note_retry(self, at: datetime | None) -> None:
        """Note when a job that is READY again may be claimed, so that the runner is awake then."""
        if at is not None:
            self.retries_at = sorted([*self.retries_at, at])[:_RETRIES_KEPT]

    def next_retry(self) -> datetime | None:
        """Return the earliest noted time in the future; None if there is none."""
        now = utc_now()
        self.retries_at = [at for at in self.retries_at if at > now]
        return self.retries_at[0] if self.retries_at else None

    def is_near(self, name: str) -> bool:
        """Whether a worker is the shell of this machine, whose jobs are processed one by one."""
        worker = self.project.workers[name]
        is_shell = worker.is_local and worker.scheduler_type == "shell"
        return is_shell and not worker.is_batch

    def queue_name(self, name: str) -> str:
        """Return the first of the workers of this thread that share the queue of a worker."""
        if name not in self._known_queues:
            worker = self.project.workers[name]
            shared = (
                other
                for other in self.served_workers()
                if _share_queue(self.project.workers[other], worker)
            )
            self._known_queues[name] = next(shared, name)
        return self._known_queues[name]

    def served_workers(self) -> list[str]:
        """Names of the usable workers whose machines are for this thread."""
        return [name for name in self.usable_workers() if self.connections.serves(name)]

    def usable_workers(self) -> list[str]:
        """Names of the workers whose jobs a runner runs: all of the project."""
        return list(self.project.workers)

    def worker(self, name: str) -> WorkerBase:
        """Return a worker; see `Connections.worker`."""
        return self.connections.worker(name)

    def host(self, name: str) -> Host:
        """Return the machine of a worker."""
        return self.connections.host(name)

    def queue(self, name: str, scheduler: SchedulerType | None = None) -> Queue:
        """Return the queue of a worker; see `Connections.queue`."""
        return self.connections.queue(name, scheduler)

    def is_elsewhere(self, job: Mapping[str, Any]) -> bool:
        """Whether the worker had another scheduler when a job was prepared for submission."""
        known, worker = scheduler_of(job.get("remote") or {}), self.worker(job["worker"])
        present = "shell" if worker.is_batch else worker.scheduler_type
        return known is not None and known != present

    def job_queue(self, name: str) -> Queue:
        """Return what runs the scripts of a worker's jobs; see `Connections.job_queue`."""
        return self.connections.job_queue(name)

    def output_store(self, flow_uuid: str) -> OutputStore:
        """Return what stores the outputs of a flow."""
        return self.connections.output_store(self._jobstore_names([flow_uuid])[flow_uuid])

    def output_stores(
        self, jobs: Iterable[Mapping[str, Any]]
    ) -> Callable[[Mapping[str, Any]], OutputStore]:
        """Look up what stores the outputs of jobs, with one query for all of them.

        Returns
        -------
        callable
            Returns the store of one of the jobs.
        """
        names = self._jobstore_names(filter(None, map(flow_if_named, jobs)))
        return lambda job: self.connections.output_store(names.get(flow_of(job)))

    def _jobstore_names(self, uuids: Iterable[str]) -> dict[str, str | None]:
        """Look up the names of the JobStores of flows.

        They stay while jobs of a flow are under way, so that a job that has just ended and its
        child are one question.
        """
        asked, now = set(uuids), time.monotonic()
        known = {u: name for u, (name, until) in self._known_stores.items() if now < until}
        names = {uuid: known[uuid] for uuid in asked & known.keys()}
        if unknown := sorted(asked - names.keys()):
            fields = ["uuid", "jobstore"]
            found = self.controller.queue.flows.find({"uuid": {"$in": unknown}}, fields)
            names.update(dict.fromkeys(unknown), **{f["uuid"]: f.get("jobstore") for f in found})
            until = now + _STORES_KNOWN_FOR
            self._known_stores = {u: self._known_stores[u] for u in known}
            self._known_stores.update({uuid: (names[uuid], until) for uuid in unknown})
        return names

    def jobstore_spec(self, flow_uuid: str) -> dict[str, Any]:
        """Return the description of a flow's JobStore."""
        names = self._jobstore_names([flow_uuid])
        spec: dict[str, Any] = self.project.jobstore_spec(names[flow_uuid])
        return spec

    def jobstore_specs(
        self, jobs: Iterable[Mapping[str, Any]]
    ) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Look up the descriptions of the JobStores of the flows of jobs, with one query."""
        names = self._jobstore_names(filter(None, map(flow_if_named, jobs)))

        def spec(job: Mapping[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = self.project.jobstore_spec(names.get(flow_of(job)))
            return found

        return spec

    def lost_locks(self, jobs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], Exception]:
        """Check that the locks on jobs are still held, with one query; see `confirm_lock`.

        Returns
        -------
        dict
            {(uuid, index): LockLostError} of those that are not.
        """
        every, queue = list(jobs), self.controller.queue.jobs
        found = queue.find({"_id": {"$in": [job["_id"] for job in every]}}, ["lock_id"])
        held = {(d["_id"], d["lock_id"]) for d in found}
        return {
            (job["uuid"], job["index"]): lock_lost(job["lock_id"], queue)
            for job in every
            if (job["_id"], job["lock_id"]) not in held
        }

    def confirm_lock(self, job: Mapping[str, Any]) -> None:
        """Check that the lock on a job is still held, before anything irreversible.

        Raises
        ------
        LockLostError
            The lock was taken over or broken.
        """
        confirm_held(self.controller.queue.jobs, job)

    def close(self) -> None:
        """Close stores and the controller."""
        self.connections.close()
        self.controller.close()


def _share_queue(a: WorkerBase, b: WorkerBase) -> bool:
    """Whether one listing covers the jobs of both."""
    own = [(w.scheduler_type, w.scheduler_username) for w in (a, b)]
    return own[0] == own[1] and same_host(a, b)
