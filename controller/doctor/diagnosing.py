"""Examine the database. Nothing is written, and nothing is locked.

Other processes may be working meanwhile. Locked flows are not judged, and findings about flows,
jobs without a flow and foreign locks must be confirmed `CONFIRM_AFTER` seconds later: documents
read in the middle of a step differ the second time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from controller import leases
from controller.doctor import reading
from controller.doctor.folders import leftovers
from controller.documents import utc_now
from controller.errors import ConfigError
from controller.operations.runner_record import get_running_runner, is_foreign, is_live, live_runner
from controller.operations.version import newer_version, read_version
from controller.rules.diagnosis.database import (
    Census,
    examine_auxiliary,
    examine_indexes,
    examine_work,
    missing_outputs,
    written_by_newer,
)
from controller.rules.diagnosis.findings import Diagnosis, Finding, in_order
from controller.rules.diagnosis.flowplan import FlowView
from controller.rules.diagnosis.flows import examine_flow, examine_orphans
from controller.rules.diagnosis.locks import LockView, examine_lock, has_remains
from controller.rules.diagnosis.unfinished import (
    examine_pending_cleanup,
    leftover_folder,
    unfinished_move,
)
from controller.states import JobState
from controller.storage.base import Document
from controller.storage.indexes import is_optional, missing_indexes
from controller.storage.jobstores import open_jobstore

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

    from controller.jobcontroller import JobController

CONFIRM_AFTER = 0.5
"""Seconds between the two readings."""
_WATCH_EVERY = 1.0


def diagnose(
    controller: JobController,
    *,
    watch: bool = False,
    outputs: bool = False,
    files: bool = False,
    progress: reading.Progress | None = None,
) -> Diagnosis:
    """Find the problems of a queue.

    Parameters
    ----------
    watch
        Watch locks for some 20 s, and treat those that are not renewed as expired. If False, only
        locks of ended processes on this host are.
    outputs
        Also check that the outputs of COMPLETED jobs exist, which opens the JobStores.
    files
        Also look for remains of run directories in the work folders of local workers.
    progress
        Called with the number of flows examined; while locks are watched, with the seconds.

    Returns
    -------
    Diagnosis
        The findings.

    Raises
    ------
    ConfigError
        ``outputs``, and a flow's JobStore is not defined in the project.
    """
    told = progress or _untold
    held = _watched(controller, told) if watch else reading.lock_views(controller.queue)
    return _Examination(controller, told, outputs=outputs, files=files).run(held)


def _untold(what: str, done: int, total: int) -> None:
    """Do nothing, if progress is not reported."""


def _watched(controller: JobController, progress: reading.Progress) -> list[LockView]:
    whole = leases.EXPIRES_AFTER + _WATCH_EVERY
    deadline = time.monotonic() + whole
    while True:
        progress("watching locks", int(whole - (deadline - time.monotonic())), int(whole))
        views = reading.lock_views(controller.queue)
        undecided = any(view.lease is not None and not view.expired for view in views)
        left = deadline - time.monotonic()
        if not undecided or left <= 0:
            return views
        time.sleep(min(_WATCH_EVERY, left))


class _Examination:
    """One reading of everything, and a second one of what is suspicious."""

    def __init__(
        self,
        controller: JobController,
        progress: reading.Progress,
        *,
        outputs: bool,
        files: bool,
    ) -> None:
        self.controller, self.queue, self.outputs = controller, controller.queue, outputs
        self.progress = progress
        project = controller.project
        self.folders = leftovers(project) if files and project is not None else []
        self.workers = None if project is None else set(project.workers)
        prefix = project.queue.db_id_prefix if project else None
        self.census = Census(prefix or "")
        self.flows: set[str] = set()
        self.moves = {head["flow"]: head["stage"] for head in reading.unfinished_moves(self.queue)}
        self.suspects: dict[str, list[Finding]] = {}
        self.remains: list[LockView] = []
        self.without_output: dict[str | None, list[str]] = {}

    def run(self, held: list[LockView]) -> Diagnosis:
        restore = reading.restore_finding(self.queue)
        if restore is not None and restore.mending is None:
            return Diagnosis((restore,), 0, 0)  # an incomplete database cannot be judged
        record = get_running_runner(self.queue.auxiliary)
        self._read_flows()
        self._note_archived()
        orphans = self._orphans()
        views = [*held, *self.remains]
        suspicious_locks = self._locks(views, record)
        if self.suspects or orphans or suspicious_locks:
            time.sleep(CONFIRM_AFTER)
            suspicious_locks = self._confirmed_locks(suspicious_locks, views, record)
            self._confirm_flows()
            orphans = self._confirmed_orphans(orphans)
        findings = [
            *([restore] if restore else []),
            *(unfinished_move(uuid, stage) for uuid, stage in self.moves.items()),
            *suspicious_locks,
            *(f for many in self.suspects.values() for f in many),
            *orphans.values(),
            *examine_work(
                self.census, self.workers, live_runner=live_runner(self.queue) is not None
            ),
            *self._version(),
            *examine_auxiliary(reading.auxiliary_documents(self.queue), self.census),
            *examine_pending_cleanup(
                reading.pending_cleanup_views(self.queue), self.workers, utc_now()
            ),
            *self._indexes(),
            *(leftover_folder(str(path)) for path in self.folders),
            *(missing_outputs(name, many) for name, many in self.without_output.items() if many),
        ]
        alive = sum(view.lease is not None and not view.expired for view in views)
        return Diagnosis(in_order(findings), self.census.jobs, len(self.flows), alive)

    def _version(self) -> list[Finding]:
        stored = read_version(self.queue.auxiliary)
        problem = newer_version(stored) if stored else None
        return [written_by_newer(problem)] if problem else []

    def _read_flows(self) -> None:
        total, seen = self.queue.flows.count_documents({}), 0
        self.progress("examining flows", 0, total)
        for batch in reading.flow_batches(self.queue):
            now = utc_now()
            for view in batch:
                uuid = view.flow["uuid"]
                self.flows.add(uuid)
                for job in view.jobs:
                    self.census.add(job)
                self._note_remains(view)
                if reading.is_held(view.flow):
                    self.moves.pop(uuid, None)  # which is going on
                    continue
                if uuid in self.moves:
                    continue
                found = examine_flow(view, now)
                if found:
                    self.suspects[uuid] = found
            if self.outputs:
                self._look_for_outputs(batch)
            seen += len(batch)
            self.progress("examining flows", seen, max(seen, total))

    def _note_archived(self) -> None:
        for part in self.queue.archive.find({}, ["db_ids"]):
            for db_id in part["db_ids"]:
                self.census.note_id(str(db_id))

    def _note_remains(self, view: FlowView) -> None:
        marked = [("flows", view.flow), *(("jobs", job) for job in view.jobs)]
        for where, document in marked:
            if has_remains(document):
                self.remains.append(reading.view_of_lock(where, dict(document)))

    def _orphans(self) -> dict[str | None, Finding]:
        if self.queue.jobs.count_documents({}) == self.census.jobs:
            return {}  # every job was read with its flow
        found = reading.jobs_of_no_flow(self.queue, self.flows | set(self.moves))
        for job in (job for many in found.values() for job in many):
            self.census.add(job)
        return _orphan_findings(found)

    def _confirmed_orphans(self, first: dict[str | None, Finding]) -> dict[str | None, Finding]:
        named = [uuid for uuid in first if uuid is not None]
        flows = reading.existing_flows(self.queue, named)
        again = _orphan_findings(reading.jobs_of_no_flow(self.queue, flows, among=named))
        return {u: f for u, f in first.items() if u is None or again.get(u) == f}

    def _confirm_flows(self) -> None:
        again: dict[str, list[Finding]] = {}
        for batch in reading.flow_batches(self.queue, self.suspects):
            now = utc_now()
            for view in batch:
                if not reading.is_held(view.flow):
                    again[view.flow["uuid"]] = examine_flow(view, now)
        self.suspects = {
            uuid: [finding for finding in found if finding in again.get(uuid, ())]
            for uuid, found in self.suspects.items()
        }

    def _locks(self, views: Iterable[LockView], record: object) -> list[Finding]:
        now, foreign = utc_now(), is_foreign(record) and is_live(record)
        found = (examine_lock(view, now, foreign_runner=foreign) for view in views)
        return [finding for finding in found if finding is not None]

    def _confirmed_locks(
        self, first: list[Finding], views: list[LockView], record: object
    ) -> list[Finding]:
        again: list[LockView] = []
        for where in {view.collection for view in views}:
            ids = [v.document["_id"] for v in views if v.collection == where]
            fields = [*reading.NAME_FIELDS, *reading.LOCK_FIELDS]
            documents = getattr(self.queue, where).find({"_id": {"$in": ids}}, fields)
            again += [reading.view_of_lock(where, document) for document in documents]
        # The texts contain ages, so locks are compared by their repairs.
        confirmed = {finding.mending for finding in self._locks(again, record)}
        return [finding for finding in first if finding.mending in confirmed]

    def _indexes(self) -> Iterator[Finding]:
        for name, wanted in reading.INDEXES.items():
            collection = getattr(self.queue, name)
            needed = [entry for entry in wanted if not is_optional(entry[0])]
            missing = missing_indexes(collection, needed)
            duplicates = [
                double
                for pairs, unique in missing
                if unique
                for double in reading.doubles(collection, [key for key, _ in pairs])
            ]
            described = [("+".join(key for key, _ in pairs), unique) for pairs, unique in missing]
            yield from examine_indexes(name, described, duplicates)

    def _look_for_outputs(self, batch: list[FlowView]) -> None:
        by_store: dict[str | None, list[Document]] = {}
        for view in batch:
            done = [j for j in view.jobs if j.get("state") == JobState.COMPLETED]
            by_store.setdefault(view.flow.get("jobstore"), []).extend(map(dict, done))
        for name, jobs in by_store.items():
            if jobs:
                with self._jobstore(name) as store:
                    missing = reading.without_output(store, jobs)
                self.without_output.setdefault(name, []).extend(missing)

    @contextmanager
    def _jobstore(self, name: str | None) -> Iterator[JobStore]:
        if name is None:
            yield self.controller.jobstore
            return
        store = (self.controller.optional_jobstores or {}).get(name)
        if store is None:
            project = self.controller.project
            if project is None:
                raise ConfigError(f"the JobStore {name!r} is unknown without a project")
            store = open_jobstore(project.jobstore_spec(name))
        store.connect()
        try:
            yield store
        finally:
            store.close()


def _orphan_findings(found: dict[str | None, list[Document]]) -> dict[str | None, Finding]:
    now = utc_now()
    return {uuid: examine_orphans(uuid, jobs, now) for uuid, jobs in found.items()}
