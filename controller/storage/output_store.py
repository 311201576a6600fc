"""What a runner stores outputs in: without jobflow, wherever that makes no difference.

A JobStore is a Store of maggma for documents, and others for what is large. Where these are
collections that `controller.storage.opening` opens, and what is to be stored is plain data, maggma
would store exactly what it is given: so it is left out, which saves a second and 40 MB. All else
goes through the JobStore itself, which is opened when it is first needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.errors import StorageError
from controller.storage.base import Collection, Document, ReplaceOne
from controller.storage.behind import synced_behind
from controller.storage.jobstores import additional_store_names, open_jobstore
from controller.storage.opening import OpenedStore, open_store, opens_directly
from controller.storage.outputs import (
    BLOB_INDEXES,
    OUTPUT_INDEX,
    Output,
    by_store,
    reaching,
    save_by_store,
)

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

logger = logging.getLogger(__name__)

_PLAIN = frozenset({str, int, float, bool, type(None), datetime, bytes})
"""Types of values that maggma stores as they are."""
_OF_MAGGMA = ("validator", "safe_update")
"""Options of a store of which only maggma knows what they do."""


class OutputStore:
    """The JobStore of a flow, as far as a runner needs it; for use in one thread.

    Parameters
    ----------
    spec
        Description of the JobStore; see `controller.storage.jobstores.open_jobstore`.

    Raises
    ------
    ConfigError
        It has no docs_store, or that cannot be built.
    StorageError
        It cannot be opened, or does not answer.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        self.additional_stores = additional_store_names(spec)
        self._opened: dict[str, OpenedStore] = {}
        self._collections: dict[str, Collection] = {}
        self._jobstore: JobStore | None = None
        self._documents = self._collection("", spec.get("docs_store") or {}, [OUTPUT_INDEX])
        if self._documents is None:
            self.jobstore()

    def jobstore(self) -> JobStore:
        """Return the JobStore itself, connected; this imports jobflow."""
        if self._jobstore is None:
            store = open_jobstore(self._spec)
            with reaching(store):
                store.connect()
            self._jobstore = store
        return self._jobstore

    def save(self, outputs: Sequence[Output]) -> None:
        """Store the outputs of jobs; doing it twice is doing it once.

        Raises
        ------
        RemoteError, StorageUnavailableError
            As `controller.storage.outputs.save_many_outputs`, which says what is written first.
        """
        self.save_behind(outputs)()

    def save_behind(self, outputs: Sequence[Output]) -> Callable[[], None]:
        """Do what `save` does, but do not wait until the outputs would survive a power cut.

        Returns
        -------
        callable
            Waits for that; raises StorageUnavailableError if the disk fails. What refers to the
            outputs is committed after it.
        """
        documents, blobs = by_store(outputs)
        places = {name: self._additional(name) for name in blobs}
        plain = is_plain(documents) and is_plain(list(blobs.values()))
        if self._documents is None or None in places.values() or not plain:
            save_by_store(self.jobstore(), documents, blobs)
            return lambda: None
        with _without_quotes():
            for name, rows in blobs.items():
                _replace(places[name], rows, ("blob_uuid",))
            with synced_behind(self._documents) as wait:
                _replace(self._documents, documents, ("uuid", "index"))
        return wait

    def last_output(self, uuid: str) -> tuple[Any] | None:
        """Return the output with the largest index of a job, as it is stored.

        Returns
        -------
        tuple or None
            The output alone, in which data of additional stores is not inserted, and references
            are as they are. None where there is none, or only the JobStore itself knows.
        """
        if self._documents is None:
            return None
        with _without_quotes():
            found = self._documents.find_one({"uuid": uuid}, ["output"], sort=[("index", -1)])
        return None if found is None or "output" not in found else (found["output"],)

    def close(self) -> None:
        """Close what was opened."""
        for opened in self._opened.values():
            opened.database.close()
        self._opened, self._collections = {}, {}
        if self._jobstore is not None:
            self._jobstore.close()

    def _additional(self, name: str) -> Collection | None:
        spec = (self._spec.get("additional_stores") or {}).get(name)
        return None if spec is None else self._collection(name, spec, BLOB_INDEXES)

    def _collection(
        self, name: str, spec: Mapping[str, Any], indexes: Sequence[list[tuple[str, int]]]
    ) -> Collection | None:
        """Return the collection of a store, with its indexes; None where it takes maggma."""
        if name in self._collections:
            return self._collections[name]
        if not spec or not opens_directly(spec) or any(spec.get(each) for each in _OF_MAGGMA):
            return None
        opened = self._opened[name] = open_store(spec)
        collection = self._collections[name] = opened.collection
        try:
            for keys in indexes:
                collection.create_index(keys)
        except StorageError as error:  # not allowed, too many indexes: it goes without
            logger.warning("outputs cannot be indexed, which makes them slow to store: %s", error)
        return collection


@contextmanager
def _without_quotes() -> Iterator[None]:
    """Let an error go on without the driver's own, which may quote a whole output."""
    try:
        yield
    except StorageError as error:
        error.__cause__, error.__suppress_context__ = None, True
        raise


def _replace(
    collection: Collection | None, documents: Sequence[Document], key: Sequence[str]
) -> None:
    assert collection is not None
    collection.bulk_write(
        [ReplaceOne({k: each[k] for k in key}, each, upsert=True) for each in documents],
        ordered=False,
    )


def is_plain(value: Any) -> bool:
    """Whether a value consists of dictionaries with texts as keys, lists, and plain values."""
    left = [value]
    while left:
        one = left.pop()
        kind = type(one)
        if kind is dict:
            if not all(type(key) is str for key in one):
                return False
            left.extend(one.values())
        elif kind is list:
            left.extend(one)
        elif kind not in _PLAIN:
            return False
    return True
