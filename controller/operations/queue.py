"""The open collections of a queue database, and the base of the groups of `JobController`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.config.models import archive_name
from controller.documents import DbCollection, flow_if_named
from controller.errors import ArgumentError
from controller.filters import FlowFilter, JobFilter, Query, is_start_of_uuid
from controller.operations.event_log import EventLog
from controller.operations.recording import recorded
from controller.storage.base import Collection, Database

if TYPE_CHECKING:
    pass

_SHOWN = 50
"""Number of documents that are read to see whether an abbreviated uuid is unambiguous; a job that
was replaced has several documents with one uuid."""

_SHORTEST = 4
"""Minimum length of an abbreviated id."""


@dataclass(frozen=True)
class Queue:
    """The collections of a queue database.

    Attributes
    ----------
    database
        The database; opens transactions.
    jobs
        One document per (uuid, index).
    flows
        One document per submitted flow.
    auxiliary
        The id counter, the running runner, its pings and the version.
    batches
        One document per batch process.
    events
        The event log; every write to ``jobs`` and ``flows`` is recorded in it.
    """

    database: Database
    jobs: Collection
    flows: Collection
    auxiliary: Collection
    batches: Collection
    events: EventLog

    def __post_init__(self) -> None:
        # Also where a user has assigned a collection: whatever writes through this is recorded.
        jobs = recorded(self.jobs, self.database, self.events)
        flows = recorded(self.flows, self.database, self.events, flows=True)
        object.__setattr__(self, "jobs", jobs)
        object.__setattr__(self, "flows", flows)

    @property
    def takes_turns(self) -> bool:
        """Whether a transaction has the database to itself: what it reads cannot change meanwhile.

        Then it does what otherwise takes locks.
        """
        database = self.database
        return database.supports_transactions and database.transactions_never_conflict

    @property
    def archive(self) -> Collection:
        """Flows that were moved out of the queue; see `controller.rules.archiving`."""
        return self.database.collection(archive_name(self.flows.name))

    def collection(self, which: DbCollection) -> Collection:
        """Return the collection that users know by a name."""
        return {
            DbCollection.JOBS: self.jobs,
            DbCollection.FLOWS: self.flows,
            DbCollection.AUXILIARY: self.auxiliary,
            DbCollection.BATCHES: self.batches,
        }[which]

    def flow_uuids(self, db_ids: Iterable[str]) -> dict[str, str]:
        """Look up the submitted flow of each job.

        Returns
        -------
        dict
            {db_id: flow uuid}, without db_ids that do not exist.
        """
        wanted = list(dict.fromkeys(db_ids))
        if not wanted:
            return {}
        found = self.jobs.find({"db_id": {"$in": wanted}}, ["db_id", "job.hosts"])
        return {doc["db_id"]: uuid for doc in found if (uuid := flow_if_named(doc))}

    def whole_job_id(self, text: str) -> str:
        """Expand an abbreviated uuid of a job; anything else is returned unchanged.

        A text that is the db_id of a job is returned unchanged.

        Raises
        ------
        ArgumentError
            Several uuids start with it.
        """
        if not is_start_of_uuid(text) or self.jobs.find_one({"db_id": text}, ["_id"]) is not None:
            return text
        return _only_one("job", text, self.jobs)

    def whole_flow_id(self, text: str) -> str:
        """Expand an abbreviated uuid of a flow; see `whole_job_id`."""
        if not is_start_of_uuid(text) or self.jobs.find_one({"db_id": text}, ["_id"]) is not None:
            return text
        return _only_one("flow", text, self.flows)

    def whole_batch_uid(self, text: str) -> str:
        """Expand an abbreviated batch_uid; anything else is returned unchanged.

        A text of less than four characters, a batch_uid, or an id in a queue is returned unchanged.

        Raises
        ------
        ArgumentError
            Several ids start with it.
        """
        known = {"$or": [{"batch_uid": text}, {"process_id": text}]}
        if len(text) < _SHORTEST or self.batches.find_one(known, ["_id"]) is not None:
            return text
        query = {"batch_uid": {"$regex": f"^{re.escape(text)}"}}
        found = self.batches.find(query, ["batch_uid"], limit=_SHOWN)
        return _the_only("batch process", text, [d["batch_uid"] for d in found])

    def query(self, selection: JobFilter | FlowFilter) -> Query:
        """Translate a filter into a query.

        Flows given by a job's db_id, and abbreviated uuids, are looked up; an unknown abbreviation
        matches nothing.

        Raises
        ------
        ArgumentError
            Several uuids start with one of the ids.
        """
        flows = self.flow_uuids(selection.db_ids_of_flows)
        for text in selection.flow_ids or ():
            if text not in flows and is_start_of_uuid(text):
                flows[text] = _only_one("flow", text, self.flows)
        return selection.with_whole_job_ids(self._uuid_of_job).query(flows)

    def _uuid_of_job(self, text: str) -> str:
        return _only_one("job", text, self.jobs) if is_start_of_uuid(text) else text


def _only_one(noun: str, start: str, collection: Collection) -> str:
    """Return the uuid that starts with ``start``, or ``start`` itself if there is none."""
    # "g" sorts after all digits of a uuid, so this is a range that an index can answer.
    query = {"uuid": {"$gte": start, "$lt": f"{start}g"}}
    return _the_only(
        noun, start, [d["uuid"] for d in collection.find(query, ["uuid"], limit=_SHOWN)]
    )


def _the_only(noun: str, start: str, ids: Iterable[str]) -> str:
    found = sorted(set(ids))
    if len(found) > 1:
        raise ArgumentError(
            f"{start!r} matches more than one {noun}: {', '.join(found[:3])}",
            hint="give more of the uuid",
        )
    return found[0] if found else start
