"""The indexes of the queue: one for every kind of query of the controller.

Indexes added by users are kept, unless all are dropped explicitly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from controller.errors import StorageError, StorageUnavailableError
from controller.storage.base import Collection

Keys: TypeAlias = str | Sequence[str | tuple[str, int]] | Mapping[str, int]
"""A path, or (path, direction) pairs, as in pymongo."""
Pairs: TypeAlias = tuple[tuple[str, Any], ...]
"""(path, direction) pairs."""

JOB_INDEXES: tuple[tuple[Keys, bool], ...] = (
    ("db_id", True),
    ([("uuid", 1), ("index", 1)], True),
    ([("state", 1), ("priority", -1), ("created_on", 1)], False),  # the next job to claim
    ([("state", 1), ("updated_on", 1)], False),  # lists and polls of one state
    ("updated_on", False),
    ("created_on", False),
    ("lock_id", False),
    ("remote.process_id", False),
    ("worker", False),
    ("error_cause", False),  # changes rarely, so an entry costs little
    ("parents", False),  # children of a finished job
    ([("job.hosts", 1), ("state", 1)], False),  # the state of a flow
    ("job.name", False),
    ("job.metadata.$**", False),
)
"""(keys, unique) of the jobs' collection."""

FLOW_INDEXES: tuple[tuple[Keys, bool], ...] = (
    ("uuid", True),
    ("jobs", False),
    ("state", False),
    ([("state", 1), ("updated_on", 1)], False),  # trends
    ("updated_on", False),
    ("created_on", False),
    ("name", False),
    ("lock_id", False),
    ("metadata.$**", False),
)
"""(keys, unique) of the flows' collection."""

BATCH_INDEXES: tuple[tuple[Keys, bool], ...] = (
    ("batch_uid", True),
    ([("worker", 1), ("batch_state", 1)], False),
    ("process_id", False),
    ("updated_on", False),
)
"""(keys, unique) of the batch processes' collection."""

AUXILIARY_INDEXES: tuple[tuple[Keys, bool], ...] = (
    ("aftermath.uuid", False),  # pending clean-up of a job, checked before its upload
    ("lock_id", False),
)
"""(keys, unique) of the auxiliary collection: few documents, unless many jobs are deleted at once
whose worker or JobStore cannot be reached."""

EVENT_INDEXES: tuple[tuple[Keys, bool], ...] = (
    ("db_id", False),  # the history of a job
    ("flow", False),
    ("kind", False),  # administrative actions, ends of flows
)
"""(keys, unique) of the events' collection; their order is that of ``_id``."""


_EVERY_PATH_BELOW = ".$**"


def is_optional(keys: Keys) -> bool:
    """Whether a server may be unable to have an index: one of all paths below one."""
    return any(path.endswith(_EVERY_PATH_BELOW) for path, _ in _pairs(keys))


def build_added_indexes(jobs: Collection, flows: Collection) -> None:
    """Create what a queue of an older version, or of jobflow-remote, lacks; those in place stay.

    Unique indexes are left to ``jf admin index rebuild`` and the doctor: documents may be in the
    way.

    Raises
    ------
    StorageError
        An index cannot be created.
    """
    for collection, indexes in ((jobs, JOB_INDEXES), (flows, FLOW_INDEXES)):
        build_indexes(collection, [entry for entry in indexes if not entry[1]])


def build_indexes(
    collection: Collection,
    indexes: Sequence[tuple[Keys, bool]],
    *,
    custom: Sequence[Keys] = (),
    background: bool = True,
    drop: bool = False,
    each: Callable[[int], None] | None = None,
) -> None:
    """Create the indexes of a collection that do not exist yet under any name.

    Parameters
    ----------
    custom
        Further keys, as in pymongo's ``create_index``.
    background
        Let a server build them in the background.
    drop
        First drop every index, including those of users.
    each
        Called with the number of existing indexes, then with 1 for each new one.

    Raises
    ------
    DuplicateKeyError, StorageError
        Documents share a key that must be unique, or an existing index with other options is in the
        way.
    """
    if drop:
        collection.drop_indexes()
    wanted = [*indexes, *((keys, False) for keys in custom)]
    missing = missing_indexes(collection, wanted)
    told = each or _untold
    told(len(wanted) - len(missing))
    for pairs, unique in missing:
        try:
            collection.create_index(list(pairs), unique=unique, background=background)
        except StorageUnavailableError:
            raise
        except StorageError:  # without it, a question takes longer
            if not is_optional(pairs):
                raise
        told(1)


def _untold(number: int) -> None:
    """Do nothing, if progress is not reported."""


def missing_indexes(
    collection: Collection, indexes: Sequence[tuple[Keys, bool]]
) -> list[tuple[Pairs, bool]]:
    """Return the indexes that a collection does not have under any name."""
    known = {
        (tuple(entry["key"]), bool(entry.get("unique")))
        for entry in collection.index_information().values()
    }
    wanted = [(_pairs(keys), unique) for keys, unique in indexes]
    # A unique index serves every query that a non-unique one would.
    return [
        (pairs, unique)
        for pairs, unique in wanted
        if (pairs, True) not in known and (unique or (pairs, False) not in known)
    ]


def build_queue_indexes(
    jobs: Collection,
    flows: Collection,
    batches: Collection,
    auxiliary: Collection,
    events: Collection,
    *,
    job_custom: Sequence[Keys] = (),
    flow_custom: Sequence[Keys] = (),
    background: bool = True,
    drop: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Create the indexes of a queue; keywords as for `build_indexes`.

    Parameters
    ----------
    progress
        Called with (existing indexes, indexes in total).
    """
    wanted = (
        (jobs, JOB_INDEXES, job_custom),
        (flows, FLOW_INDEXES, flow_custom),
        (batches, BATCH_INDEXES, ()),
        (auxiliary, AUXILIARY_INDEXES, ()),
        (events, EVENT_INDEXES, ()),
    )
    total = sum(len(indexes) + len(custom) for _, indexes, custom in wanted)
    there = 0

    def more(number: int) -> None:
        nonlocal there
        there += number
        if progress is not None:
            progress(there, total)

    for collection, indexes, custom in wanted:
        build_indexes(
            collection, indexes, custom=custom, background=background, drop=drop, each=more
        )


def foreign_indexes(
    jobs: Collection,
    flows: Collection,
    batches: Collection,
    auxiliary: Collection,
    events: Collection,
) -> dict[str, list[str]]:
    """Return {collection: names of its indexes not created by jfr}, for a queue."""
    known = (
        (jobs, JOB_INDEXES),
        (flows, FLOW_INDEXES),
        (batches, BATCH_INDEXES),
        (auxiliary, AUXILIARY_INDEXES),
        (events, EVENT_INDEXES),
    )
    found = {target.name: _foreign(target, indexes) for target, indexes in known}
    return {name: names for name, names in found.items() if names}


def _foreign(collection: Collection, indexes: Sequence[tuple[Keys, bool]]) -> list[str]:
    own = {_pairs(keys) for keys, _ in indexes}
    return [
        name
        for name, entry in collection.index_information().items()
        if name != "_id_" and tuple(entry["key"]) not in own
    ]


def _pairs(keys: Keys) -> Pairs:
    if isinstance(keys, str):
        return ((keys, 1),)
    parts = keys.items() if isinstance(keys, Mapping) else keys
    return tuple((part, 1) if isinstance(part, str) else (part[0], part[1]) for part in parts)
