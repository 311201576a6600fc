"""Open a database from the description of a store in a project file.

MongoStore, MongoURIStore and EmbeddedStore are opened directly; importing maggma for them would
take longer than everything else in a command. Other MongoDB-like stores, and those behind an SSH
tunnel, are opened by maggma.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from controller.errors import ConfigError
from controller.storage.base import Collection, Database

SERVER_SELECTION_TIMEOUT_MS = 3000
"""Connection timeouts; the user's ``mongoclient_kwargs`` take precedence."""
_MONGO_TYPES = ("MongoStore", "MongoURIStore")


@dataclass(frozen=True)
class OpenedStore:
    """An open database and the collection of the store's description."""

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
    if not isinstance(spec, Mapping):
        raise ConfigError("a store must be a mapping with the key 'type'")
    name = spec.get("type") or spec.get("@class")
    if not name:
        raise ConfigError(
            "a store needs the key 'type'", hint="for example type: EmbeddedStore or MongoStore"
        )
    return str(name)


def opens_directly(spec: Mapping[str, Any]) -> bool:
    """Whether `open_store` needs no maggma for a store."""
    return store_type(spec) in ("EmbeddedStore", *_MONGO_TYPES) and not spec.get("ssh_tunnel")


def describe_store(spec: Mapping[str, Any]) -> str:
    """Describe the location of a store for messages, without user and password.

    Raises
    ------
    ConfigError
        The description has no type.
    """
    kind = store_type(spec)
    if kind == "EmbeddedStore":
        return str(Path(str(spec.get("path", "?"))).expanduser())
    if "database" not in spec and not uri_of(spec):
        return kind
    through = " through an SSH tunnel" if spec.get("ssh_tunnel") else ""
    return f"MongoDB database {database_name(spec) or '?'} at {_shown_host(spec)}{through}"


def open_store(spec: Mapping[str, Any], *, create: bool = True) -> OpenedStore:
    """Open the database of a store's description.

    A MongoDB server is contacted at the first operation.

    Parameters
    ----------
    spec
        ``{type: MongoStore, host, port, database, collection_name, ...}``, its MSON form, or
        ``{type: EmbeddedStore, path, collection_name}``.
    create
        Create the file of a missing embedded database. Otherwise the first operation fails, unless
        `Database.create` was called before.

    Raises
    ------
    ConfigError
        A key is missing or wrong, or the store is not of MongoDB's kind.
    StorageError
        The database cannot be opened.
    """
    if not opens_directly(spec):
        return _open_with_maggma(spec)
    if store_type(spec) == "EmbeddedStore":
        return _open_embedded(spec, create=create)
    return _open_mongo(spec)


def opened_from_maggma(store: Any) -> OpenedStore:
    """Wrap a maggma store of MongoDB's kind, connecting it if necessary; the caller owns it."""
    if hasattr(store, "opened"):
        opened: OpenedStore = store.opened()
        return opened
    from controller.storage.mongo.database import MongoDatabase
    from controller.storage.mongo.errors import translated

    places = ("uri", "host", "port", "database", "ssh_tunnel")
    location = describe_store(
        {"type": type(store).__name__, **{key: getattr(store, key, None) for key in places}}
    )
    with translated(location):
        store.connect()
    raw = store._collection
    return OpenedStore(MongoDatabase(raw.database, location), raw.name)


def as_collection(collection: Any) -> Collection:
    """Return a collection that follows the contract, wrapping pymongo's."""
    # Not checked by attributes: pymongo's collections have one for every name.
    origins = {parent.__module__.partition(".")[0] for parent in type(collection).__mro__}
    if origins.isdisjoint(("pymongo", "mongomock")):
        ours: Collection = collection
        return ours
    from controller.storage.mongo.collection import MongoCollection

    return MongoCollection(collection, f"MongoDB database {collection.database.name}")


def _need(spec: Mapping[str, Any], key: str) -> Any:
    if not spec.get(key):
        raise ConfigError(
            f"the {store_type(spec)} needs the key {key!r}", hint="add it in the project file"
        )
    return spec[key]


def _open_embedded(spec: Mapping[str, Any], *, create: bool) -> OpenedStore:
    from controller.storage.embedded.database import DEFAULT_WAIT, open_database

    path = Path(str(_need(spec, "path"))).expanduser()
    if not path.is_absolute():
        raise ConfigError(
            f"the path of an EmbeddedStore must be absolute, not {path}",
            hint="a relative path would depend on the working directory of each command",
        )
    wait = float(spec.get("wait") or DEFAULT_WAIT)
    database = open_database(path, wait=wait, create=create)
    return OpenedStore(database, spec.get("collection_name") or "jobs")


@dataclass(frozen=True)
class MongoPlace:
    """The location of a store on a server, for pymongo.

    Attributes
    ----------
    database, collection_name
        Names of the database and the collection.
    options
        Arguments of ``pymongo.MongoClient``, including the address.
    """

    database: str
    collection_name: str
    options: dict[str, Any]


def mongo_place(spec: Mapping[str, Any]) -> MongoPlace:
    """Read the description of a store on a directly reachable server.

    Raises
    ------
    ConfigError
        A key is missing or wrong.
    """
    uri, collection = uri_of(spec), str(_need(spec, "collection_name"))
    database = database_name(spec)
    if not database:
        if uri is None:
            _need(spec, "uri" if store_type(spec) == "MongoURIStore" else "database")
        raise ConfigError(
            f"the {store_type(spec)} has no database",
            hint="add the key 'database', or write mongodb://HOST:PORT/DATABASE",
        )
    options = _client_options(spec, database)
    if uri is None:
        options.update(host=str(spec.get("host") or "localhost"), port=_port(spec))
    else:
        options["host"] = uri
    return MongoPlace(database, collection, options)


def _open_mongo(spec: Mapping[str, Any]) -> OpenedStore:
    from controller.storage.mongo.database import connect

    place = mongo_place(spec)
    database = connect(place.database, location=describe_store(spec), **place.options)
    return OpenedStore(database, place.collection_name)


def _client_options(spec: Mapping[str, Any], database: str) -> dict[str, Any]:
    options = spec.get("mongoclient_kwargs") or {}
    if not isinstance(options, Mapping):
        raise ConfigError("mongoclient_kwargs must be a mapping of options of pymongo")
    login = {}
    if spec.get("username") and not spec.get("uri"):
        login = {
            "username": spec["username"],
            "password": spec.get("password") or "",
            "authSource": spec.get("auth_source") or database,
        }
    return {**login, **options}


def _port(spec: Mapping[str, Any]) -> int:
    port = spec.get("port") or 27017
    if not str(port).isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"the port of a store must be from 1 to 65535, not {port!r}")
    return int(port)


def uri_of(spec: Mapping[str, Any]) -> str | None:
    """Return the uri that a store's description has, as ``uri`` or in place of the host."""
    for key in ("uri", "host"):
        value = spec.get(key)
        if value and (key == "uri" or "://" in str(value)):
            return str(value)
    return None


def database_name(spec: Mapping[str, Any]) -> str:
    """Return the database of a store on a server, "" if its description has none."""
    if spec.get("database"):
        return str(spec["database"])
    named = re.match(r"[^:]+://[^/]*/([^/?.]+)", uri_of(spec) or "")
    return unquote(named[1]) if named else ""


def _shown_host(spec: Mapping[str, Any]) -> str:
    """Host and port without user and password."""
    uri = uri_of(spec)
    if uri is None:
        return f"{spec.get('host') or 'localhost'}:{spec.get('port') or 27017}"
    authority, _, rest = re.sub(r"[/?]", "\n", uri.partition("://")[2], count=1).partition("\n")
    # A later "@" means that a password with a "/" was not encoded: show nothing.
    return "?" if "@" in rest else authority.rpartition("@")[2] or "?"


def _open_with_maggma(spec: Mapping[str, Any]) -> OpenedStore:
    from maggma.stores import MongoStore

    from controller.storage.jobstores import build_store
    from controller.storage.mongo.database import MongoDatabase
    from controller.storage.mongo.errors import translated

    store = build_store(spec)  # sets the connection timeouts
    if not isinstance(store, MongoStore):
        raise ConfigError(
            f"the queue cannot use a {store_type(spec)}",
            hint="it must be an EmbeddedStore or a MongoDB-like store",
        )
    location = describe_store(spec)
    with translated(location):
        store.connect()
    raw = store._collection
    return OpenedStore(MongoDatabase(raw.database, location, on_close=store.close), raw.name)
