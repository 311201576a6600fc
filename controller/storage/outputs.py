"""The outputs of jobs: a jobflow JobStore, built from the project file.

Reading one output from a store that `opening` knows needs neither maggma nor jobflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError, NotFoundError, RemoteError
from controller.storage.opening import open_store, store_type

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

_DIRECT = ("EmbeddedStore", "MongoStore", "MongoURIStore")


def build_store(spec: Mapping[str, Any]) -> Any:
    """Build a maggma Store from its description in a project file.

    Raises
    ------
    ConfigError
        No such class, or arguments that it does not take.
    """
    from maggma.core import Store
    from monty.json import MontyDecoder

    if store_type(spec) == "EmbeddedStore":
        import controller.storage.embedded.store  # noqa: F401 (makes the class known)
    try:
        if "@class" in spec:
            return MontyDecoder().process_decoded(dict(spec))
        classes = {c.__name__: c for c in _all_subclasses(Store)}
        kind = classes.get(store_type(spec))
        if kind is None:
            raise ConfigError(f"there is no Store of type {store_type(spec)!r}")
        arguments = {
            key: build_store(value) if isinstance(value, Mapping) and "type" in value else value
            for key, value in spec.items()
            if key != "type"
        }
        return kind(**arguments)
    except (TypeError, ValueError, ImportError, AttributeError) as error:
        raise ConfigError(
            f"the store of type {store_type(spec)} cannot be built: {error}"
        ) from error


def open_jobstore(spec: Mapping[str, Any]) -> JobStore:
    """Build a JobStore (not connected) from its description.

    Parameters
    ----------
    spec
        The MSON form of a JobStore, or ``{docs_store: {...}, additional_stores: {...}}``.
    """
    from jobflow.core.store import JobStore
    from monty.json import MontyDecoder

    if spec.get("@class") == "JobStore":
        for part in (spec.get("docs_store"), *(spec.get("additional_stores") or {}).values()):
            if isinstance(part, Mapping) and store_type(part) == "EmbeddedStore":
                import controller.storage.embedded.store  # noqa: F401
        store = MontyDecoder().process_decoded(dict(spec))
        assert isinstance(store, JobStore)
        return store
    if "docs_store" not in spec:
        raise ConfigError("a jobstore needs the key 'docs_store'")
    known = {k: v for k, v in spec.items() if k not in ("docs_store", "additional_stores")}
    additional = {
        name: build_store(part) for name, part in (spec.get("additional_stores") or {}).items()
    }
    return JobStore(build_store(spec["docs_store"]), additional_stores=additional, **known)


def additional_store_names(spec: Mapping[str, Any]) -> set[str]:
    """Names of the additional stores of a jobstore's description."""
    return set(spec.get("additional_stores") or {})


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
        The index, or "last" for the largest that has an output.
    load
        Put in place what lies in additional stores.
    store
        A connected JobStore to use instead of opening the description.

    Raises
    ------
    NotFoundError
        No output is stored for the job; an output that is None is not an error.
    """
    docs = spec.get("docs_store") or {}
    if store is None and not load and docs and store_type(docs) in _DIRECT:
        query: dict[str, Any] = {"uuid": uuid}
        if index != "last":
            query["index"] = index
        opened = open_store(docs)
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
        if owned:
            jobstore.connect()
        return jobstore.get_output(uuid, which=index, load=load)
    except ValueError as error:
        raise _no_output(uuid, index) from error
    finally:
        if owned:
            jobstore.close()


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
    """Copy a job's output into a connected JobStore; doing it twice is doing it once.

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
    """
    for name, many in blobs.items():
        rows = [dict(row) for row in many]
        if not rows:
            continue
        if name not in store.additional_stores:
            raise RemoteError(f"the project has no additional store {name!r}", no_retry=True)
        store.additional_stores[name].update(rows, key="blob_uuid")
    main = {k: v for k, v in document.items() if k != "_id"}
    store.docs_store.update(main, key=["uuid", "index"])


def delete_outputs(store: JobStore, pairs: Iterable[tuple[str, int]]) -> None:
    """Delete the outputs of (uuid, index) pairs, and what they put into additional stores."""
    for uuid, index in pairs:
        store.remove_docs({"uuid": uuid, "index": index})


def ensure_output_indexes(store: JobStore) -> None:
    """Create the index by which outputs are found."""
    store.docs_store.ensure_index("uuid")
    for additional in store.additional_stores.values():
        additional.ensure_index("blob_uuid")


def _all_subclasses(kind: type) -> set[type]:
    direct: set[type] = set(kind.__subclasses__())
    return direct.union(*(_all_subclasses(c) for c in direct))
