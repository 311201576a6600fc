"""Read what an action needs of its jobs' flows: the jobs and some related jobs.

Chunks of flows are read together, so the number of queries does not depend on the number of jobs or
flows. The bodies of jobs are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Flag, auto
from typing import Any

from controller.documents import flow_of
from controller.errors import ControllerError, JobLockedError, StateError
from controller.leases import OBSERVER, locked_error
from controller.operations.queue import Queue
from controller.rules.plans import LIGHT_FIELDS, FlowView, Key, Refusal
from controller.storage.base import Document, known_fields

JOB_FIELDS = [
    *("db_id", "uuid", "index", "state", "previous_state", "parents", "worker", "run_dir"),
    *("priority", "lock_id", "lock_time", "lock_lease", "remote.process_id"),
    *("remote.submission_token", "remote.process", "remote.scheduler"),
    "remote.retry_time_limit",
    *("job.name", "job.hosts", "job.config.on_missing_references"),
]
"""What is read of every job."""
CHOSEN_FIELDS = ["db_id", "uuid", "index", "job.hosts"]
"""The fields that identify the chosen jobs and their flows."""

_MANY = 200
"""Chosen jobs of which it pays to read no more than necessary."""
_LEVELS = 4
"""Generations that are queried one by one before whole flows are read instead."""


class Neighbours(Flag):
    """What is read besides the chosen jobs; SIZE is the number of jobs in their flows."""

    NONE = 0
    INDICES = auto()
    PARENTS = auto()
    CHILDREN = auto()
    DESCENDANTS = auto()
    SIZE = auto()


def read_views(
    queue: Queue,
    chosen: Mapping[str, Sequence[Document]],
    neighbours: Neighbours,
    fields: Iterable[str] = (),
    *,
    needs: Callable[[FlowView], Sequence[Key]] | None = None,
    break_lock: bool = False,
    session: Any = None,
) -> dict[str, FlowView]:
    """Read the flows of the chosen jobs.

    Parameters
    ----------
    chosen
        {flow uuid: documents with `CHOSEN_FIELDS`}.
    neighbours
        Related jobs to read. If there are any, all indices of every uuid are read.
    fields
        Fields to read in addition to `JOB_FIELDS`.
    needs
        Says of which jobs more than `LIGHT_FIELDS` is needed, given a view with these; None for
        all. Of many jobs the others, unless they are locked, are then read from indexes.
    break_lock
        Treat locked jobs as free.

    Returns
    -------
    dict
        {flow uuid: view}. A chosen job that was deleted is not in its view.
    """
    wanted = [document for documents in chosen.values() for document in documents]
    is_light = needs is not None and len(wanted) >= _MANY
    reader = _Reader(queue, [*JOB_FIELDS, *fields], session, is_light=is_light)
    if not neighbours:
        reader.read({"db_id": {"$in": [d["db_id"] for d in wanted]}})
    else:
        reader.read_uuids(d["uuid"] for d in wanted)
        own = list(reader.jobs)
        if neighbours & Neighbours.DESCENDANTS:
            reader.read_descendants({uuid for uuid, _ in own}, list(chosen))
        elif neighbours & Neighbours.CHILDREN:
            reader.read_children({uuid for uuid, _ in own})
        if neighbours & Neighbours.PARENTS:
            parents = {p for key in own for p in reader.jobs[key].get("parents") or ()}
            reader.read_uuids(parents)
    views = _views(queue, chosen, reader, neighbours, break_lock=break_lock, session=session)
    if needs is None or not is_light:
        return views
    locked = {key for key, document in reader.jobs.items() if document.get("lock_id") is not None}
    reader.read_whole(locked.union(*map(needs, views.values())))
    return _views(queue, chosen, reader, neighbours, break_lock=break_lock, session=session)


def _views(
    queue: Queue,
    chosen: Mapping[str, Sequence[Document]],
    reader: _Reader,
    neighbours: Neighbours,
    *,
    break_lock: bool,
    session: Any,
) -> dict[str, FlowView]:
    """Compose the views of what was read."""
    jobs: dict[str, dict[Key, Document]] = {uuid: {} for uuid in chosen}
    for key, document in reader.jobs.items():
        jobs.setdefault(flow_of(document), {})[key] = document
    views = {}
    for uuid, documents in chosen.items():
        keys = [(d["uuid"], d["index"]) for d in documents]
        mine = jobs[uuid]
        held = {} if break_lock else _held(mine)
        size = 0
        if neighbours & Neighbours.SIZE:
            size = queue.jobs.count_documents({"job.hosts": uuid}, session=session)
        views[uuid] = FlowView(uuid, tuple(k for k in keys if k in mine), mine, held, size)
    return views


def refuse_unmatched(
    queue: Queue, views: Mapping[str, FlowView], selection: Mapping[str, Any]
) -> dict[str, FlowView]:
    """Remove from views the chosen jobs that the query no longer selects.

    The query runs after the states were read: since a write requires these states, a job that
    matches now also matched with them.
    """
    db_ids = [doc["db_id"] for view in views.values() for _, doc in view.chosen_docs()]
    query = {"$and": [{"db_id": {"$in": db_ids}}, selection]}
    wanted = {d["db_id"] for d in queue.jobs.find(query, ["db_id"])}
    if len(wanted) == len(db_ids):
        return dict(views)
    return {uuid: _still_wanted(view, wanted) for uuid, view in views.items()}


def _still_wanted(view: FlowView, wanted: Collection[str]) -> FlowView:
    """Refuse the chosen jobs that no longer match the selection."""
    unmatched = tuple(
        Refusal(
            doc["db_id"],
            StateError(
                f"job {doc['db_id']} was not changed: it is {doc['state']} now, and no longer "
                "matches the selection",
                db_id=doc["db_id"],
                state=doc["state"],
                hint="check the job, then try again",
            ),
        )
        for _, doc in view.chosen_docs()
        if doc["db_id"] not in wanted
    )
    chosen = tuple(key for key, doc in view.chosen_docs() if doc["db_id"] in wanted)
    return replace(view, chosen=chosen, unmatched=unmatched)


def _held(jobs: Mapping[tuple[str, int], Document]) -> dict[tuple[str, int], ControllerError]:
    """Return why jobs cannot be changed; a lock whose holder died is ignored."""
    return {
        key: locked_error(JobLockedError, document["db_id"], document)
        for key, document in jobs.items()
        if document.get("lock_id") is not None and not OBSERVER.is_expired(document)
    }


class _Reader:
    """Reads each uuid only once."""

    def __init__(
        self, queue: Queue, fields: list[str], session: Any, *, is_light: bool = False
    ) -> None:
        self.jobs: dict[Key, Document] = {}
        self._uuids: set[str] = set()
        self._queue, self._fields, self._session = queue, fields, session
        self._is_light = is_light

    def read(self, query: dict[str, Any]) -> list[Document]:
        """Read documents; do not replace those already read."""
        if self._is_light:
            found = known_fields(self._queue.jobs, query, LIGHT_FIELDS, session=self._session)
        else:
            found = list(self._queue.jobs.find(query, self._fields, session=self._session))
        for document in found:
            self.jobs.setdefault((document["uuid"], document["index"]), document)
        return found

    def read_whole(self, keys: Collection[Key]) -> None:
        """Read all fields of jobs of which only some were read."""
        if keys:
            query = {"db_id": {"$in": sorted(self.jobs[key]["db_id"] for key in keys)}}
            for document in self._queue.jobs.find(query, self._fields, session=self._session):
                self.jobs[document["uuid"], document["index"]] = document

    def read_uuids(self, uuids: Iterable[str]) -> None:
        """Read all indices of jobs."""
        new = sorted(set(uuids) - self._uuids)
        if new:
            self.read({"uuid": {"$in": new}})
            self._uuids.update(new)

    def read_children(self, uuids: set[str]) -> set[str]:
        """Read the children of jobs, with all their indices; return their uuids."""
        if not uuids:
            return set()
        found = {d["uuid"] for d in self.read({"parents": {"$in": sorted(uuids)}})}
        self.read_uuids(found)
        return found

    def read_descendants(self, uuids: set[str], flows: list[str]) -> None:
        """Read all descendants of jobs."""
        seen = set(uuids)
        for _ in range(_LEVELS):
            uuids = self.read_children(uuids) - seen
            if not uuids:
                return
            seen |= uuids
        deep = {flow_of(d) for d in self.jobs.values() if d["uuid"] in uuids}
        self.read({"job.hosts": {"$in": sorted(deep & set(flows))}})
