"""The Stores that a job writes its output to: files in the run directory.

A job's JobStore is described in its input file. The description names maggma's JSONStore, or one
of the file stores of jobflow-remote 1.0.1; both are recognised by name, and replaced by a small
Store that keeps the documents in memory and writes the file when it is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from maggma.core import Store

from controller.errors import RemoteError
from controller.execution.formats import read_file, write_file
from controller.execution.values import unstorable

_KNOWN = {
    "maggma.stores.mongolike": ("JSONStore",),
    "maggma.stores": ("JSONStore",),
    "jobflow_remote.remote.data": (
        "StdJSONStore",
        "MinimalORJSONStore",
        "MinimalMsgspecJSONStore",
        "MinimalMsgpackStore",
    ),
}
"""{module: classes} of stores that are one file of documents."""


class FileStore(Store):  # type: ignore[misc]
    """Documents in one file: a list, in the format of the file's name.

    Parameters
    ----------
    path
        The file.
    key
        Name of the field that tells documents apart.
    for_jobflow_remote
        Whether a runner of jobflow-remote 1.0.1 will read the file.
    lasting
        Called when the file is written: whether it must survive a loss of power. None means always.
    """

    def __init__(
        self,
        path: str,
        key: str = "uuid",
        *,
        for_jobflow_remote: bool = False,
        lasting: Callable[[], bool] | None = None,
        **kwargs: Any,
    ) -> None:
        self.path = str(path)
        self._lasting = lasting
        self._for_jobflow_remote = for_jobflow_remote
        self._documents: list[dict[str, Any]] | None = None
        super().__init__(key=key, **kwargs)

    @property
    def name(self) -> str:
        """Where the store is."""
        return f"file://{self.path}"

    @property
    def _collection(self) -> list[dict[str, Any]]:
        return self._loaded()

    def connect(self, force_reset: bool = False) -> None:
        """Read the file if there is one."""
        if self._documents is None or force_reset:
            path = Path(self.path)
            self._documents = read_file(path) if path.exists() else []

    def close(self) -> None:
        """Write the file.

        Raises
        ------
        ValueError
            Something in the documents cannot be stored.
        """
        if self._documents is None:
            return
        path = Path(self.path)
        for document in self._documents:
            if problem := unstorable(document, binary=".msgpack" in path.suffixes):
                raise ValueError(problem)
        lasting = self._lasting is None or self._lasting()
        write_file(
            path, self._documents, for_jobflow_remote=self._for_jobflow_remote, lasting=lasting
        )
        self._documents = None

    def count(self, criteria: dict[str, Any] | None = None) -> int:
        """Count the documents whose fields equal the criteria."""
        return sum(1 for _ in self.query(criteria))

    def query(
        self,
        criteria: dict[str, Any] | None = None,
        properties: Any = None,
        sort: Any = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """Yield the documents whose fields equal the criteria, sorted as asked."""
        found = [d for d in self._loaded() if _matches(d, criteria or {})]
        for path, way in reversed(list((sort or {}).items())):
            found.sort(key=lambda d: d[path], reverse=int(getattr(way, "value", way)) < 0)
        yield from found[skip : skip + limit if limit else None]

    def update(self, docs: Any, key: Any = None) -> None:
        """Insert documents, replacing those with the same key."""
        keys = [key] if isinstance(key, str) else list(key or [self.key])
        places = {tuple(d.get(k) for k in keys): d for d in self._loaded()}
        for doc in docs if isinstance(docs, list) else [docs]:
            places[tuple(doc.get(k) for k in keys)] = dict(doc)
        self._documents = list(places.values())

    def remove_docs(self, criteria: dict[str, Any]) -> None:
        """Remove the documents whose fields equal the criteria."""
        self._documents = [d for d in self._loaded() if not _matches(d, criteria)]

    def ensure_index(self, key: str, unique: bool = False) -> bool:
        """Need no index."""
        return True

    def groupby(self, *_: Any, **__: Any) -> Any:
        """Refuse: a file of one job's documents has no groups."""
        raise TypeError("a file store cannot group")

    def _loaded(self) -> list[dict[str, Any]]:
        if self._documents is None:
            self.connect()
        assert self._documents is not None
        return self._documents


def _matches(document: Mapping[str, Any], criteria: Mapping[str, Any]) -> bool:
    return all(document.get(k) == v for k, v in criteria.items())


def file_of(description: Mapping[str, Any]) -> str | None:
    """Return the file behind a store's description, None if it is of another kind."""
    if description.get("@class") not in _KNOWN.get(description.get("@module", ""), ()):
        return None
    paths = description.get("paths")
    first = paths[0] if isinstance(paths, list) and paths else paths
    return str(first or description.get("path"))


def read_custom(path: Path, description: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read a file with the user's Store that wrote it.

    Raises
    ------
    FileNotFoundError
        The file is missing.
    RemoteError
        The class cannot be imported here (``no_retry``).
    """
    path.stat()
    store = build_store(description)
    store.connect()
    try:
        return [{k: v for k, v in doc.items() if k != "_id"} for doc in store.query()]
    finally:
        store.close()


def build_store(description: Mapping[str, Any], lasting: Callable[[], bool] | None = None) -> Store:
    """Build the Store that a description stands for; ``lasting`` as in `FileStore`.

    Raises
    ------
    RemoteError
        Its class cannot be imported here (``no_retry``).
    """
    from monty.json import MontyDecoder

    path = file_of(description)
    if path:
        theirs = str(description.get("@module")).startswith("jobflow_remote.")
        return FileStore(path, for_jobflow_remote=theirs, lasting=lasting)
    store = MontyDecoder().process_decoded(dict(description))
    if not isinstance(store, Store):
        name = f"{description.get('@module')}.{description.get('@class')}"
        raise RemoteError(f"the store class {name} cannot be imported", no_retry=True)
    return store


def open_job_store(
    description: Mapping[str, Any], lasting: Callable[[], bool] | None = None
) -> Any:
    """Build the JobStore of a run directory from its description in the input file.

    ``lasting`` as in `FileStore`.
    """
    from jobflow.core.store import JobStore

    additional = description.get("additional_stores") or {}
    return JobStore(
        build_store(description["docs_store"], lasting),
        additional_stores={n: build_store(part, lasting) for n, part in additional.items()},
        save=description.get("save"),
        load=description.get("load") or False,
    )
