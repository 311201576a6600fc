"""Finding changes without an event; see `controller.operations.event_log`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from controller.documents.events import TIME_DIGITS, event_id_at
from controller.documents.stored import utc_now
from controller.errors import DuplicateKeyError
from controller.operations.queue import Queue
from controller.rules.events import JOB_FIELDS, Change, job_events
from controller.states import NOT_STARTED_STATES, STATE_CHANGES
from controller.storage.base import Collection, Document

SETTLED_AFTER = timedelta(seconds=5)
"""A change younger than this may still get its event from the process that made it."""
AT_ONCE = 2000
"""Maximum number of jobs examined in one call."""
_UNBEGUN = [state.value for state in NOT_STARTED_STATES]


def reconcile(queue: Queue, since: datetime) -> int:
    """Add the missing events of changes; return their number.

    Their ids are derived from the job and its state, so that several runners add only one event.

    Parameters
    ----------
    queue
        The queue and its log.
    since
        Only jobs that changed after this time are examined; naive UTC.
    """
    changed = {"$gte": since, "$lt": utc_now() - SETTLED_AFTER}
    fields = [*JOB_FIELDS, "updated_on", "created_on"]
    jobs = list(queue.jobs.find({"updated_on": changed}, fields, limit=AT_ONCE))
    last = _last_states(queue.events.collection, [job["db_id"] for job in jobs])
    added = 0
    for job in jobs:
        last_id, known = last.get(job["db_id"], ("", None))
        if known == job["state"] or (known is None and job["state"] in _UNBEGUN):
            continue
        same = {"db_id": job["db_id"], "state": job["state"], "updated_on": job["updated_on"]}
        if queue.jobs.find_one(same, ["_id"]) is not None:
            added += _insert_missing(queue.events.collection, job, last_id, known)
    return added


def _last_states(collection: Collection, db_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """{db_id: (id, state) of the last event that changed its state}."""
    kinds = [kind.value for kind in STATE_CHANGES]
    query = {"db_id": {"$in": list(db_ids)}, "kind": {"$in": kinds}}
    found: dict[str, tuple[str, str]] = {}
    for doc in collection.find(query, ["db_id", "to"]):
        found[doc["db_id"]] = max(found.get(doc["db_id"], ("", "")), (doc["_id"], doc["to"]))
    return found


def _insert_missing(collection: Collection, job: Document, last_id: str, known: str | None) -> int:
    moment, key = job["updated_on"], f"{job['db_id']} {job['state']}"
    [event] = job_events({**job, "state": known}, Change(state=job["state"]))
    kept = {k: v for k, v in event.items() if v is not None and k != "since"}
    # After the last event, whatever the clocks of the two machines say.
    began = max(event_id_at(moment), last_id[:TIME_DIGITS])
    event_id = f"{began}fffff{hashlib.sha256(key.encode()).hexdigest()[:7]}"
    text = "found afterwards: the process that did it did not record it"
    try:
        collection.insert_one({"_id": event_id, "time": moment, **kept, "text": text})
    except DuplicateKeyError:
        return 0
    return 1
