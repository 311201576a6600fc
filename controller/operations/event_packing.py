"""Packed events in the database: `rules.packed_events` says what they are.

Events are packed where it saves space and cannot fail halfway (the embedded engine), while a runner
has nothing else to do. Wherever they come from, they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from controller.errors import StorageBusyError
from controller.rules.packed_events import (
    PACKED,
    bounds_for,
    can_be_packed,
    marks_for,
    may_match,
    number_of,
    pack_events,
    unpack_events,
)
from controller.storage.base import Collection, Database, Document
from controller.storage.embedded.filters import compile_filter
from controller.storage.embedded.values import normalise

MOST = 1000
"""Events in one document: about twenty milliseconds to pack, five to unpack."""
FEWEST = 250
"""With less than these, a document of their own would not be worthwhile."""
_HEAD = ["first", "number", "kinds"]


def find_events(
    collection: Collection, query: Mapping[str, Any], *, limit: int, newest: bool
) -> list[Document]:
    """Return the events that a query selects, packed or not, by id, the oldest first.

    Parameters
    ----------
    limit
        Maximum number of events; 0 means all.
    newest
        With a limit, the last ones instead of the first.
    """
    way = -1 if newest else 1
    single = {**query, "kind": {"$ne": PACKED}} if set(query) <= {"_id"} else query
    found = {d["_id"]: d for d in collection.find(single, sort=[("_id", way)], limit=limit)}
    # After the others: what is packed meanwhile is found twice, not missed.
    for last, some in _packed(collection, query, newest=newest):
        if limit and len(found) >= limit and not _comes_before(last, found, limit, newest=newest):
            break
        found |= {event["_id"]: event for event in some()}
    ids = sorted(found)
    if limit:
        ids = ids[-limit:] if newest else ids[:limit]
    return [found[one] for one in ids]


def _comes_before(edge: str, found: Mapping[str, Any], limit: int, *, newest: bool) -> bool:
    """Whether an id is among the first that are wanted, as far as it is known by now."""
    ids = sorted(found, reverse=newest)
    return edge >= ids[limit - 1] if newest else edge <= ids[limit - 1]


def _packed(
    collection: Collection, query: Mapping[str, Any], *, newest: bool
) -> Iterator[tuple[str, Callable[[], list[Document]]]]:
    """Yield (the id nearest to the end that is read first, how to get the matching events)."""
    fields = [*_HEAD, "marks"] if marks_for(query) else _HEAD
    heads = list(collection.find(bounds_for(query), fields))
    if not heads:
        return
    test = compile_filter(normalise(dict(query))[0])
    edge = "_id" if newest else "first"

    def events_of(head: Document) -> list[Document]:
        document = collection.find_one({"_id": head["_id"], "kind": PACKED}, ["body"])
        events = [] if document is None else unpack_events(bytes(document["body"]), query)
        return [event for event in events if test(event)]

    for head in sorted(heads, key=lambda head: str(head[edge]), reverse=newest):
        if may_match(head, query):
            yield head[edge], lambda head=head: events_of(head)  # type: ignore[misc]


def count_events(collection: Collection, *, exactly: bool) -> int:
    """Return how many events there are, or about so many.

    Parameters
    ----------
    exactly
        Do not rely on an estimate, which a server may have after a crash.
    """
    packed = list(collection.find({"kind": PACKED}, ["number"]))
    number = collection.count_documents({}) if exactly else collection.estimated_document_count()
    return number - len(packed) + number_of(packed)


def pack_oldest(
    database: Database, collection: Collection, *, most: int = MOST, fewest: int = FEWEST
) -> int:
    """Pack the oldest events that are not packed; all or nothing.

    Parameters
    ----------
    most
        Maximum number of events.
    fewest
        With less than these, nothing is done.

    Returns
    -------
    int
        Number of events that were packed.
    """
    if not (database.supports_transactions and database.transactions_never_conflict):
        return 0
    query = {"kind": {"$ne": PACKED}}
    found = list(collection.find(query, sort=[("_id", 1)], limit=most))
    events = [event for event in found if can_be_packed(event)]
    if len(events) < max(fewest, 1):
        return 0
    packed = pack_events(events)
    try:
        with database.transaction() as session:
            _replace(collection, [event["_id"] for event in events], packed, session)
    except StorageBusyError:
        return 0
    return len(events)


def _replace(collection: Collection, ids: list[str], packed: Document, session: Any) -> None:
    if collection.delete_many({"_id": {"$in": ids}}, session=session).deleted_count != len(ids):
        raise StorageBusyError("another process has packed or removed the same events")
    collection.insert_one(packed, session=session)
