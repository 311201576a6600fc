"""The indexes of the queue: one for every way in which the controller looks things up.

Indexes that a user added are left alone unless everything is dropped on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controller.storage.base import Collection

Keys = str | Sequence[str | tuple[str, int]]

JOB_INDEXES: tuple[tuple[Keys, bool], ...] = (
    ("db_id", True),
    ([("uuid", 1), ("index", 1)], True),
    ([("state", 1), ("priority", -1), ("created_on", 1)], False),  # the next job to claim
    ([("state", 1), ("updated_on", 1)], False),  # lists and polls of one state
    ("updated_on", False),
    ("lock_id", False),
    ("remote.process_id", False),
    ("worker", False),
    ("parents", False),  # children of a finished job
    ([("job.hosts", 1), ("state", 1)], False),  # the state of a flow
    ("job.name", False),
)
"""(keys, unique) of the jobs' collection."""

FLOW_INDEXES: tuple[tuple[Keys, bool], ...] = (
    ("uuid", True),
    ("jobs", False),
    ("state", False),
    ("updated_on", False),
    ("created_on", False),
    ("name", False),
    ("lock_id", False),
)
"""(keys, unique) of the flows' collection."""

BATCH_INDEXES: tuple[tuple[Keys, bool], ...] = (
    ("batch_uid", True),
    ([("worker", 1), ("batch_state", 1)], False),
    ("updated_on", False),
)
"""(keys, unique) of the batch processes' collection."""


def build_indexes(
    collection: Collection,
    indexes: Sequence[tuple[Keys, bool]],
    *,
    custom: Sequence[Any] = (),
    background: bool = True,
    drop: bool = False,
) -> None:
    """Create the indexes of a collection that are not there yet.

    Parameters
    ----------
    custom
        Further keys, as pymongo's ``create_index`` takes them.
    background
        Let a server build them beside other work.
    drop
        Drop every index first, those of users too.
    """
    if drop:
        collection.drop_indexes()
    for keys, unique in [*indexes, *((keys, False) for keys in custom)]:
        collection.create_index(keys, unique=unique, background=background)
