"""The outputs of jobs: reading, storing and deleting them in a jobflow JobStore.

Reading an output from a store supported by `opening` needs neither maggma nor jobflow.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from controller.errors import NotFoundError, RemoteError
from controller.storage.base import Document
from controller.storage.jobstores import (
    open_jobstore,
)
from controller.storage.opening import (
    open_store,
    opens_directly,
)

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

logger = logging.getLogger(__name__)

Output = tuple[Mapping[str, Any], Mapping[str, Iterable[Mapping[str, Any]]]]
"""(document, {additional store: its documents}) of a job."""
OUTPUT_INDEX = [("uuid", 1), ("index", -1)]
"""The index by which outputs are found."""
BLOB_INDEXES = [[("blob_uuid", 1)], [("job_uuid", 1)]]
"""The indexes by which data in additional stores is found."""
_DELETED_AT_ONCE = 500


def read_output(
    spec: Mapping[str, Any],
    uuid: str,
    index: int | str = "last",
    *,
    load: bool = False,
    store: JobStore | None = None,
) -> Any:
    """Return the output of a job.

    Parameters
    ----------
    spec
        Description of the jobstore.
    index
        The index, or "last" for the largest one with an output.
    load
        Insert the data from additional stores.
    store
        A connected JobStore to use instead of opening the description.

    Raises
    ------
    NotFoundError
        No output is stored for the job; an output that is None is not an error.
    StorageUnavailableError
        The store does not answer, or does not exist.
    """
    docs = spec.get("docs_store") or {}
    if store is None and not load and docs and opens_directly(docs):
        query: dict[str, Any] = {"uuid": uuid}
        if index != "last":
            query["index"] = index
        opened = open_store(docs, create=False)
        try:
            found = opened.collection.find_one(query, ["output"], sort=[("index", -1)])
        finally:
            opened.database.close()
        if found is None:
            raise _no_output(uuid, index)
        return found.get("output")
    owned = store is None
    jobstore = store if store is not None else open_jobstore(spec)
    try:
        with reaching(jobstore):
            if owned:
                jobstore.connect()
            return jobstore.get_output(uuid, which=index, load=load)
    except ValueError as error:
        raise _no_output(uuid, index) from error
    finally:
        if owned:
            jobstore.close()


def read_outputs(
    spec: Mapping[str, Any], pairs: Iterable[tuple[str, int]], paths: Iterable[str]
) -> dict[tuple[str, int], Any]:
    """Return parts of the outputs of many jobs; data in additional stores is left where it is.

    Parameters
    ----------
    spec
        Description of the jobstore.
    pairs
        (uuid, index) of the jobs.
    paths
        Dotted paths of the needed parts; numbers of items and what follows them are ignored. An
        empty path means the whole output.

    Returns
    -------
    dict
        {(uuid, index): output, reduced to the paths}, without jobs that have none.

    Raises
    ------
    StorageUnavailableError
        The store does not answer, or does not exist.
    """
    fields = ["uuid", "index", *sorted({_field(path) for path in paths})]
    if "output" in fields:
        fields = ["uuid", "index", "output"]
    wanted = set(pairs)
    query = {"uuid": {"$in": sorted({uuid for uuid, _ in wanted})}}
    docs = spec.get("docs_store") or {}
    if docs and opens_directly(docs):
        opened = open_store(docs, create=False)
        try:
            found = list(opened.collection.find(query, fields))
        finally:
            opened.database.close()
    else:
        store = open_jobstore(spec)
        try:
            with reaching(store):
                store.connect()
                found = list(store.query(query, properties=fields))
        finally:
            store.close()
    outputs = {(doc["uuid"], doc["index"]): doc.get("output") for doc in found}
    return {pair: output for pair, output in outputs.items() if pair in wanted}


def _field(path: str) -> str:
    parts = list(takewhile(lambda part: not part.isdecimal(), path.split(".")))
    return ".".join(["output", *filter(None, parts)])


def check_jobstore(spec: Mapping[str, Any]) -> str | None:
    """Check that the stores of a JobStore can be built, and answer.

    Returns
    -------
    str or None
        Additional information for the user.

    Raises
    ------
    ConfigError
        A store cannot be built.
    StorageError
        A store does not answer within some seconds, or cannot be used.
    """
    jobstore, note = open_jobstore(spec), None
    parts = [(spec["docs_store"], jobstore.docs_store)]
    for name, part in (spec.get("additional_stores") or {}).items():
        parts.append((part, jobstore.additional_stores[name]))
    for description, store in parts:
        if opens_directly(description):
            database = open_store(description, create=False).database
            try:
                if database.exists():
                    database.ping()
                else:
                    note = f"{database.location} will be created with the first output"
            finally:
                database.close()
            continue
        with reaching(store):
            store.connect()
            store.count()
            store.close()
    return note


@contextmanager
def reaching(store: Any) -> Iterator[None]:
    """Distinguish errors of a database of outputs from those of the job.

    Parameters
    ----------
    store
        The Store or JobStore that the block works with.

    Raises
    ------
    StorageUnavailableError
        A MongoDB does not answer: wait for it.
    StorageError
        It refuses. The driver's own error may quote a whole output, so it goes no further.
    """
    from pymongo.errors import DocumentTooLarge, PyMongoError  # maggma has imported pymongo by now

    from controller.storage.mongo.errors import in_our_words

    try:
        yield
    except (PyMongoError, DocumentTooLarge) as error:
        raise in_our_words(f"the JobStore {_shown(store)}", error) from None


def _shown(store: Any) -> str:
    """Name of a store, without the secrets that the name of a MongoStore may hold."""
    docs = getattr(store, "docs_store", store)
    return f"{type(docs).__name__} {getattr(docs, 'collection_name', '')}".strip()


def _no_output(uuid: str, index: int | str) -> NotFoundError:
    which = "" if index == "last" else f" index {index}"
    return NotFoundError(
        f"no output is stored for job {uuid}{which}", hint="has the job completed?"
    )


def save_outputs(
    store: JobStore,
    document: Mapping[str, Any],
    blobs: Mapping[str, Iterable[Mapping[str, Any]]],
) -> None:
    """Copy a job's output into a connected JobStore; idempotent.

    Parameters
    ----------
    document
        The output document; replaces one with the same uuid and index.
    blobs
        {additional store: its documents}, written first, keyed by ``blob_uuid``, so that the
        output document never refers to something that is not there.

    Raises
    ------
    RemoteError
        The JobStore lacks one of the additional stores (``no_retry``).
    StorageUnavailableError
        A store does not answer.
    """
    save_many_outputs(store, [(document, blobs)])


def save_many_outputs(store: JobStore, outputs: Sequence[Output]) -> None:
    """Copy the outputs of jobs into a connected JobStore, in one write for each of its stores.

    Parameters
    ----------
    outputs
        (document, blobs) of each job, as `save_outputs` takes them.

    Raises
    ------
    RemoteError, StorageUnavailableError
        As `save_outputs` does; some of the outputs may have been stored then.
    """
    save_by_store(store, *by_store(outputs))


def by_store(outputs: Sequence[Output]) -> tuple[list[Document], dict[str, list[Document]]]:
    """Return copies of the data to store for many jobs, grouped by store.

    Returns
    -------
    tuple
        The documents without ``_id``, and {additional store: its documents} of those that get some.
    """
    rows: dict[str, list[Document]] = {}
    for _, blobs in outputs:
        for name, many in blobs.items():
            rows.setdefault(name, []).extend(dict(row) for row in many)
    documents = [{k: v for k, v in document.items() if k != "_id"} for document, _ in outputs]
    return documents, {name: some for name, some in rows.items() if some}


def save_by_store(
    store: JobStore, documents: list[Document], blobs: Mapping[str, list[Document]]
) -> None:
    """Do what `save_many_outputs` does with the result of `by_store`; errors as there."""
    with reaching(store):
        if store not in _INDEXED:
            _index_if_allowed(store)
        for name, rows in blobs.items():
            if name not in store.additional_stores:
                raise RemoteError(f"the project has no additional store {name!r}", no_retry=True)
            store.additional_stores[name].update(rows, key="blob_uuid")
        store.docs_store.update(documents, key=["uuid", "index"])


_INDEXED: WeakSet[JobStore] = WeakSet()
"""JobStores of this process whose indexes have been created: without them, each output costs a
search through all outputs."""


def _index_if_allowed(store: JobStore) -> None:
    _INDEXED.add(store)
    try:
        ensure_output_indexes(store)
    except Exception as error:  # noqa: BLE001 (not allowed, too many indexes: it goes without)
        logger.warning("outputs cannot be indexed, which makes them slow to store: %s", error)


def stored_outputs(store: JobStore, uuids: Iterable[str]) -> set[tuple[str, int]]:
    """Return the (uuid, index) pairs of those jobs whose outputs are in a connected JobStore."""
    query = {"uuid": {"$in": sorted(uuids)}}
    with reaching(store):
        found = store.docs_store.query(query, properties=["uuid", "index"])
        return {(doc["uuid"], doc["index"]) for doc in found}


def delete_outputs(store: JobStore, pairs: Iterable[tuple[str, int]]) -> None:
    """Delete outputs, and before that their data in additional stores.

    Parameters
    ----------
    store
        A connected JobStore.
    pairs
        (uuid, index) of the jobs.
    """
    wanted = list(dict.fromkeys(pairs))
    with reaching(store):
        _delete(store, wanted)


def _delete(store: JobStore, wanted: list[tuple[str, int]]) -> None:
    for start in range(0, len(wanted), _DELETED_AT_ONCE):
        some = wanted[start : start + _DELETED_AT_ONCE]
        for additional in store.additional_stores.values():
            if _speaks_mongo(additional):
                additional.remove_docs(_of_jobs(some, "job_uuid", "job_index"))
                continue
            for uuid, index in some:
                additional.remove_docs({"job_uuid": uuid, "job_index": index})
        if _speaks_mongo(store.docs_store):
            store.docs_store.remove_docs(_of_jobs(some, "uuid", "index"))
            continue
        for uuid, index in some:
            store.docs_store.remove_docs({"uuid": uuid, "index": index})


def _of_jobs(pairs: list[tuple[str, int]], uuid_key: str, index_key: str) -> dict[str, Any]:
    # An index answers the list of uuids; the pairs then decide.
    return {
        uuid_key: {"$in": sorted({uuid for uuid, _ in pairs})},
        "$or": [{uuid_key: uuid, index_key: index} for uuid, index in pairs],
    }


def empty_jobstore(store: JobStore) -> None:
    """Delete all documents of a JobStore (not connected).

    Raises
    ------
    StorageUnavailableError
        A store does not answer.
    """
    with reaching(store):
        store.connect()
        for part in (store.docs_store, *store.additional_stores.values()):
            part.remove_docs({})
        store.close()


def ensure_output_indexes(store: JobStore) -> None:
    """Create the indexes by which outputs and their parts are found.

    Parameters
    ----------
    store
        A connected JobStore.
    """
    if _speaks_mongo(store.docs_store):
        store.docs_store._collection.create_index(OUTPUT_INDEX)
    else:
        for key in ("uuid", "index"):
            store.docs_store.ensure_index(key)
    for additional in store.additional_stores.values():
        for ((key, _),) in BLOB_INDEXES:
            additional.ensure_index(key)


def _speaks_mongo(store: Any) -> bool:
    """Whether a store takes MongoDB's filters and indexes as they are."""
    from maggma.stores import MongoStore

    return isinstance(store, MongoStore)
