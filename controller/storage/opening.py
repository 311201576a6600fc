"""From the description of a store in a project file to an open database.

MongoStore, MongoURIStore and EmbeddedStore are opened directly; importing maggma for them would
cost more than everything else a command does. Other stores of MongoDB's kind go through maggma.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from controller.errors import ConfigError
from controller.storage.base import Collection, Database


@dataclass(frozen=True)
class OpenedStore:
    """An open database and the collection that the store's description names."""

    database: Database
    collection_name: str

    @property
    def collection(self) -> Collection:
        """The collection itself."""
        return self.database.collection(self.collection_name)


def store_type(spec: Mapping[str, Any]) -> str:
    """Return the name of a store's class, from ``type`` or ``@class``.

    Raises
    ------
    ConfigError
        The description has neither.
    """
    name = spec.get("type") or spec.get("@class")
    if not name:
        raise ConfigError(
            "a store needs the key 'type'", hint="for example type: EmbeddedStore or MongoStore"
        )
    return str(name)


def open_store(spec: Mapping[str, Any]) -> OpenedStore:
    """Open the database that a store's description names.

    Parameters
    ----------
    spec
        ``{type: MongoStore, host, port, database, collection_name, ...}``, its MSON form, or
        ``{type: EmbeddedStore, path, collection_name}``.

    Raises
    ------
    ConfigError
        A key is missing or the store is not of MongoDB's kind.
    StorageError
        The database cannot be opened.
    """
    opener = {
        "EmbeddedStore": _open_embedded,
        "MongoStore": _open_mongo,
        "MongoURIStore": _open_uri,
    }.get(store_type(spec), _open_with_maggma)
    if spec.get("ssh_tunnel"):
        opener = _open_with_maggma
    return opener(spec)


def opened_from_maggma(store: Any) -> OpenedStore:
    """Wrap a maggma store of MongoDB's kind, connecting it if need be."""
    if hasattr(store, "opened"):
        opened: OpenedStore = store.opened()
        return opened
    from controller.storage.mongo import MongoDatabase, translated

    name = f"{type(store).__name__} {getattr(store, 'database', '')}"
    with translated(name):
        store.connect()
        raw = store._collection.database
    return OpenedStore(MongoDatabase(raw, name, owns_client=False), store.collection_name)


def _need(spec: Mapping[str, Any], key: str) -> Any:
    if not spec.get(key):
        raise ConfigError(f"a {store_type(spec)} needs the key {key!r}")
    return spec[key]


def _open_embedded(spec: Mapping[str, Any]) -> OpenedStore:
    from controller.storage.embedded import open_database

    path = Path(str(_need(spec, "path"))).expanduser()
    if not path.is_absolute():
        raise ConfigError(f"the path of an EmbeddedStore has to be absolute, not {path}")
    return OpenedStore(open_database(path), spec.get("collection_name") or "jobs")


def _open_mongo(spec: Mapping[str, Any]) -> OpenedStore:
    from controller.storage.mongo import connect

    database, collection = _need(spec, "database"), _need(spec, "collection_name")
    host, port = spec.get("host") or "localhost", int(spec.get("port") or 27017)
    options = dict(spec.get("mongoclient_kwargs") or {})
    if spec.get("username"):
        options.update(
            username=spec["username"],
            password=spec.get("password") or "",
            authSource=spec.get("auth_source") or database,
        )
    location = f"MongoDB database {database} at {_shown_host(str(host), port)}"
    if "://" in str(host):
        return OpenedStore(
            connect(database, uri=str(host), location=location, **options), collection
        )
    opened = connect(database, location=location, host=host, port=port, **options)
    return OpenedStore(opened, collection)


def _open_uri(spec: Mapping[str, Any]) -> OpenedStore:
    from controller.storage.mongo import connect

    uri, collection = str(_need(spec, "uri")), _need(spec, "collection_name")
    database = spec.get("database") or urlsplit(uri).path.strip("/")
    if not database:
        raise ConfigError(
            "a MongoURIStore needs the key 'database' when its uri names none",
            hint="mongodb://host:27017/DATABASE",
        )
    location = f"MongoDB database {database} at {_shown_host(uri, 27017)}"
    options = dict(spec.get("mongoclient_kwargs") or {})
    return OpenedStore(connect(database, uri=uri, location=location, **options), collection)


def _shown_host(host: str, port: int) -> str:
    """Host and port without user and password."""
    if "://" in host:
        return urlsplit(host).netloc.rpartition("@")[2] or "?"
    return f"{host}:{port}"


def _open_with_maggma(spec: Mapping[str, Any]) -> OpenedStore:
    from controller.storage.outputs import build_store

    store = build_store(spec)
    if not hasattr(store, "_collection"):
        raise ConfigError(
            f"the queue cannot use a {store_type(spec)}",
            hint="it has to be an EmbeddedStore or a store of MongoDB's kind",
        )
    return opened_from_maggma(store)
