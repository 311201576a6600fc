"""The open collections of one queue database, and the base of the groups of `JobController`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.documents import DbCollection, flow_if_named
from controller.errors import ArgumentError
from controller.filters import FlowFilter, JobFilter, Query, is_start_of_uuid
from controller.storage.base import Collection, Database

if TYPE_CHECKING:
    pass

_SHOWN = 50
"""Documents that are looked at to tell whether the start of a uuid is of one thing only; a job that
was replaced has several documents of one uuid."""

_SHORTEST = 4
"""Letters of the shortest beginning of an id that names something."""


@dataclass(frozen=True)
class Queue:
    """The collections of one queue database.

    Attributes
    ----------
    database
        Where they lie; opens transactions.
    jobs
        One document per (uuid, index).
    flows
        One document per submitted flow.
    auxiliary
        The id counter, the running runner, its pings and the version.
    batches
        One document per batch process.
    """

    database: Database
    jobs: Collection
    flows: Collection
    auxiliary: Collection
    batches: Collection

    def collection(self, which: DbCollection) -> Collection:
        """Return the collection that users call so."""
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
            {db_id: flow uuid}; a db_id that does not exist is not in it.
        """
        wanted = list(dict.fromkeys(db_ids))
        if not wanted:
            return {}
        found = self.jobs.find({"db_id": {"$in": wanted}}, ["db_id", "job.hosts"])
        return {doc["db_id"]: uuid for doc in found if (uuid := flow_if_named(doc))}

    def whole_job_id(self, text: str) -> str:
        """Return the uuid of the one job whose uuid begins so; anything else comes back as it is.

        A text that is the db_id of a job is that db_id.

        Raises
        ------
        ArgumentError
            Several uuids begin so.
        """
        if not is_start_of_uuid(text) or self.jobs.find_one({"db_id": text}, ["_id"]) is not None:
            return text
        return _only_one("job", text, self.jobs)

    def whole_flow_id(self, text: str) -> str:
        """Return the uuid of the one flow whose uuid begins so; else as `whole_job_id`."""
        if not is_start_of_uuid(text) or self.jobs.find_one({"db_id": text}, ["_id"]) is not None:
            return text
        return _only_one("flow", text, self.flows)

    def whole_batch_uid(self, text: str) -> str:
        """Return the batch_uid that begins so, where only one does; else the text as it is.

        A text of less than four letters, or one that is a batch_uid or an id in a queue,
        comes back as it is.

        Raises
        ------
        ArgumentError
            Several begin so.
        """
        known = {"$or": [{"batch_uid": text}, {"process_id": text}]}
        if len(text) < _SHORTEST or self.batches.find_one(known, ["_id"]) is not None:
            return text
        query = {"batch_uid": {"$regex": f"^{re.escape(text)}"}}
        found = self.batches.find(query, ["batch_uid"], limit=_SHOWN)
        return _the_only("batch process", text, [d["batch_uid"] for d in found])

    def query(self, selection: JobFilter | FlowFilter) -> Query:
        """Translate a filter into a query.

        The flows that it names by a job's db_id are looked up, and the uuids of which it has the
        beginning only; a beginning of no uuid matches nothing.

        Raises
        ------
        ArgumentError
            Several uuids begin as one of the ids does.
        """
        flows = self.flow_uuids(selection.db_ids_of_flows)
        for text in selection.flow_ids or ():
            if text not in flows and is_start_of_uuid(text):
                flows[text] = _only_one("flow", text, self.flows)
        return selection.with_whole_job_ids(self._uuid_of_job).query(flows)

    def _uuid_of_job(self, text: str) -> str:
        return _only_one("job", text, self.jobs) if is_start_of_uuid(text) else text


def _only_one(noun: str, start: str, collection: Collection) -> str:
    """Return the uuid that begins so, ``start`` itself when there is none."""
    # "g" follows all digits of a uuid: a range, which an index answers.
    query = {"uuid": {"$gte": start, "$lt": f"{start}g"}}
    return _the_only(
        noun, start, [d["uuid"] for d in collection.find(query, ["uuid"], limit=_SHOWN)]
    )


def _the_only(noun: str, start: str, ids: Iterable[str]) -> str:
    found = sorted(set(ids))
    if len(found) > 1:
        raise ArgumentError(
            f"{start!r} could be more than one {noun}: {', '.join(found[:3])}",
            hint="type more of the uuid",
        )
    return found[0] if found else start
