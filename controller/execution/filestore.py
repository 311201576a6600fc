"""The Stores that a job writes its output to: files in the run directory.

A job's JobStore is described in its input file. The description names maggma's JSONStore, or one
of the file stores of jobflow-remote 1.0.1; both are recognised by name, and replaced by a small
Store that keeps the documents in memory and writes the file when it is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from maggma.core import Store

from controller.execution.formats import read_file, write_file

KNOWN = ("JSONStore", "StdJSONStore", "MinimalORJSONStore", "MinimalMsgspecJSONStore")
"""Classes that one file of JSON stands behind."""
KNOWN_MSGPACK = ("MinimalMsgpackStore", "MinimalMsgPackStore")


class FileStore(Store):
    """Documents in one file: a list, in the format of the file's name.

    Parameters
    ----------
    path
        The file.
    key
        Name of the field that tells documents apart.
    """

    def __init__(self, path: str, key: str = "uuid", **kwargs: Any) -> None:
        self.path = str(path)
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
        """Write the file."""
        if self._documents is not None:
            write_file(Path(self.path), self._documents)
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
        for doc in docs if isinstance(docs, list) else [docs]:
            wanted = {k: doc.get(k) for k in keys}
            kept = [d for d in self._loaded() if not _matches(d, wanted)]
            self._documents = [*kept, dict(doc)]

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
    if description.get("@class") not in (*KNOWN, *KNOWN_MSGPACK, "FileStore"):
        return None
    paths = description.get("paths")
    first = paths[0] if isinstance(paths, list) and paths else paths
    return str(first or description.get("path"))


def open_job_store(description: Mapping[str, Any]) -> Any:
    """Build the JobStore of a run directory from its description in the input file."""
    from jobflow.core.store import JobStore
    from monty.json import MontyDecoder

    def build(part: Any) -> Any:
        path = file_of(part) if isinstance(part, Mapping) else None
        return FileStore(path) if path else MontyDecoder().process_decoded(part)

    return JobStore(
        build(description["docs_store"]),
        additional_stores={
            name: build(part) for name, part in (description.get("additional_stores") or {}).items()
        },
        save=description.get("save"),
        load=description.get("load") or False,
    )
