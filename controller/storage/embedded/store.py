"""The embedded database as a maggma Store, for JobStores and other users of maggma.

Importing this imports maggma. A document may have any size, because large values are stored
separately, so one class serves the queue, outputs and additional stores, where MongoDB needs
GridFS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maggma.stores import MongoStore

from controller.storage.embedded.collection import EmbeddedCollection
from controller.storage.embedded.database import DEFAULT_WAIT, EmbeddedDatabase, open_database
from controller.storage.opening import OpenedStore


class EmbeddedStore(MongoStore):  # type: ignore[misc]  # maggma is untyped
    """A collection in a file.

    Parameters
    ----------
    path
        The SQLite file; created when missing. ``~`` stands for the home folder.
    collection_name
        The collection within it.
    wait
        Seconds to wait for another writer.
    kwargs
        ``key``, ``last_updated_field`` and so on, as for every maggma Store.
    """

    def __init__(
        self,
        path: str,
        collection_name: str = "jobs",
        wait: float = DEFAULT_WAIT,
        **kwargs: Any,
    ) -> None:
        self.wait = wait
        self.path = str(Path(path).expanduser())
        super().__init__(database=Path(self.path).stem, collection_name=collection_name, **kwargs)
        self._opened: EmbeddedDatabase | None = None
        self._coll: EmbeddedCollection | None = None

    @property
    def name(self) -> str:
        """Where the store is."""
        return f"embedded://{self.path}/{self.collection_name}"

    def connect(self, force_reset: bool = False) -> None:
        """Open the file."""
        if self._coll is None or force_reset:
            self._opened = open_database(self.path, wait=self.wait)
            self._coll = self._opened.collection(self.collection_name)

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
        self._opened = self._coll = None

    def opened(self) -> OpenedStore:
        """Return the open database, connecting if need be."""
        self.connect()
        assert self._opened is not None
        return OpenedStore(self._opened, self.collection_name)

    def ensure_index(self, key: Any, unique: bool = False, **_: Any) -> bool:
        """Create an index unless it is there."""
        self._collection.create_index(key, unique=unique)
        return True

    def as_dict(self) -> dict[str, Any]:
        """Return the MSON description."""
        return {
            "@module": type(self).__module__,
            "@class": type(self).__name__,
            "path": self.path,
            "collection_name": self.collection_name,
            "wait": self.wait,
            "key": self.key,
            "last_updated_field": self.last_updated_field,
            "last_updated_type": self.last_updated_type.value,
        }

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> EmbeddedStore:
        """Create a store from its MSON description."""
        return cls(**{k: v for k, v in description.items() if not k.startswith("@")})

    def __hash__(self) -> int:
        return hash((self.path, self.collection_name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EmbeddedStore) and (
            (self.path, self.collection_name) == (other.path, other.collection_name)
        )
