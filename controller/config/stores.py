"""Checks of the descriptions of stores in project files.

Known kinds are checked here, without importing maggma (1.6 s); others are left to the moment of
opening. A description is ``{type: MongoStore, ...}`` or the MSON form with ``@class``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from controller.config.base import RefusedError
from controller.config.suggestions import no_such

_COMMON = ("key", "last_updated_field", "last_updated_type", "validator")
_LOGIN = ("host", "port", "username", "password", "auth_source", "mongoclient_kwargs")
_MONGO = (*_LOGIN, "ssh_tunnel", "safe_update", "default_sort", "uri", "collection_name")
_FILE_INDEX = ("sub_dir", "store_hash", "unpack_data", "searchable_fields", "compress")


@dataclass(frozen=True)
class _Kind:
    """Keys of a kind of store, and whether it can hold the queue."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    queue: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.required, *self.optional, *_COMMON)


KINDS: dict[str, _Kind] = {
    "EmbeddedStore": _Kind(("path",), ("collection_name", "wait")),
    "MongoStore": _Kind(("database", "collection_name"), _MONGO),
    "MongoURIStore": _Kind(("uri", "collection_name"), ("database", *_MONGO)),
    "MemoryStore": _Kind((), ("collection_name",)),
    "JSONStore": _Kind(
        ("paths",),
        (
            *("read_only", "serialization_option", "serialization_default", "encoding"),
            *("collection_name", "file_writable"),
        ),
    ),
    "FileStore": _Kind(
        ("path",),
        (
            *("file_filters", "max_depth", "read_only", "include_orphans", "json_name"),
            *("encoding", "collection_name"),
        ),
    ),
    "MontyStore": _Kind(
        ("collection_name",),
        (
            *("database_path", "database_name", "storage", "storage_kwargs"),
            *("client_kwargs", "mongo_version"),
        ),
    ),
    "GridFSStore": _Kind(
        ("database", "collection_name"),
        (*_LOGIN, "ssh_tunnel", "compression", "ensure_metadata", "searchable_fields", "uri"),
        queue=False,
    ),
    "GridFSURIStore": _Kind(
        ("uri", "collection_name"),
        (*_LOGIN, "database", "compression", "ensure_metadata", "searchable_fields"),
        queue=False,
    ),
    "S3Store": _Kind(
        ("index", "bucket"),
        (
            *_FILE_INDEX,
            *("s3_profile", "endpoint_url", "s3_workers", "s3_resource_kwargs", "ssh_tunnel"),
            "index_store_kwargs",
        ),
        queue=False,
    ),
    "AzureBlobStore": _Kind(
        ("index", "container_name"),
        (
            *_FILE_INDEX,
            *("azure_client_info", "credential_type", "workers", "azure_resource_kwargs"),
            *("key_sanitize_dict", "create_container"),
        ),
        queue=False,
    ),
    "ConcatStore": _Kind(("stores",), queue=False),
    "AliasingStore": _Kind(("store", "aliases"), queue=False),
    "SandboxStore": _Kind(("store", "sandbox"), ("exclusive",), queue=False),
}
"""Kinds of stores whose descriptions are checked, by the name of their class."""

_JOBSTORE_KEYS = ("docs_store", "additional_stores", "save", "load")
_TEXTS = ("host", "database", "collection_name", "username", "password", "uri", "path", "bucket")


def kind_of(store: Mapping[str, Any]) -> str | None:
    """Return the name of a store's class; None if the description lacks it."""
    name = store.get("type") or store.get("@class")
    return str(name) if name else None


def check_store(store: Any) -> None:
    """Check the description of one store.

    Raises
    ------
    RefusedError
        The type is missing, or a key of a known type is missing, unknown or of the wrong type.
    """
    if not isinstance(store, Mapping):
        raise RefusedError("must be a mapping with the key 'type'")
    name = kind_of(store)
    if name is None:
        raise RefusedError(
            "needs the key 'type'", "for example type: EmbeddedStore, or type: MongoStore"
        )
    kind = KINDS.get(name)
    if kind is not None:
        _check_keys(name, kind, store)
        _check_values(name, store)
    for key, value in store.items():
        if isinstance(value, Mapping) and kind_of(value) and key != "ssh_tunnel":
            check_store(value)


def check_queue_store(store: Any) -> None:
    """Check the description of the queue's store.

    Raises
    ------
    RefusedError
        As for `check_store`, or the store cannot hold the queue.
    """
    check_store(store)
    if not can_hold_queue(store):
        raise RefusedError(
            f"{a_store(str(kind_of(store)))} cannot hold the queue",
            "use an EmbeddedStore or a MongoStore",
        )


def can_hold_queue(store: Mapping[str, Any]) -> bool:
    """Whether a store has collections like those of MongoDB; true for unknown kinds."""
    kind = KINDS.get(kind_of(store) or "")
    return kind is None or kind.queue


def check_jobstore(jobstore: Any) -> None:
    """Check the description of a JobStore, in its MSON form or as ``{docs_store: ...}``.

    Raises
    ------
    RefusedError
        An unknown key, no docs_store, or a store that `check_store` refuses.
    """
    if not isinstance(jobstore, Mapping):
        raise RefusedError("must be a mapping with the key 'docs_store'")
    if "docs_store" not in jobstore:
        hint = "put the store under docs_store" if kind_of(jobstore) else None
        raise RefusedError("needs the key 'docs_store'", hint)
    for key in jobstore:
        if key not in _JOBSTORE_KEYS and not str(key).startswith("@"):
            raise _unknown_key(str(key), "a jobstore", _JOBSTORE_KEYS)
    additional = jobstore.get("additional_stores") or {}
    if not isinstance(additional, Mapping):
        raise RefusedError("additional_stores must map names to stores")
    for place, store in (("docs_store", jobstore["docs_store"]), *additional.items()):
        try:
            check_store(store)
        except RefusedError as error:
            raise RefusedError(f"{place}: {error.message}", error.hint) from None


def _check_keys(name: str, kind: _Kind, store: Mapping[str, Any]) -> None:
    given = {str(k) for k in store if k != "type" and not str(k).startswith("@")}
    for key in sorted(given.difference(kind.keys)):
        raise _unknown_key(key, a_store(name), kind.keys)
    for key in kind.required:
        if store.get(key) in (None, "") and not (key == "database" and store.get("uri")):
            raise RefusedError(f"{a_store(name)} needs the key {key!r}")


def _check_values(name: str, store: Mapping[str, Any]) -> None:
    for key in _TEXTS:
        value = store.get(key)
        if value is not None and not isinstance(value, (str, Path)):
            raise RefusedError(f"{key} of {a_store(name)} must be text", "put it in quotes")
    port = store.get("port")
    if port is not None and not (str(port).isdecimal() and 0 < int(port) < 65536):
        raise RefusedError(
            f"port of {a_store(name)} must be a number from 1 to 65535, not {port!r}"
        )
    wait = store.get("wait")
    if name == "EmbeddedStore" and not (wait is None or _is_seconds(wait)):
        raise RefusedError(f"wait of an EmbeddedStore must be seconds, not {wait!r}")
    if name == "EmbeddedStore" and not str(store["path"]).startswith(("/", "~")):
        raise RefusedError(
            f"path of an EmbeddedStore must be absolute, not {store['path']}",
            "a relative path would depend on the working directory of each command",
        )


def _is_seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def a_store(name: str) -> str:
    """Return the name of a kind of store with its article."""
    return f"an {name}" if name[0] in "AEIO" else f"a {name}"


def _unknown_key(key: str, owner: str, known: tuple[str, ...]) -> RefusedError:
    return RefusedError(f"{owner} has no key {key!r}", no_such(key, known))


def collection_place(store: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where a store's collections are, so that two descriptions can be compared.

    Returns
    -------
    tuple
        Equal for two descriptions of one database, as far as they tell: servers are compared by
        name and port, with all names of the own machine equal, files by their resolved path.
        The name of the collection is not part of it.
    """
    name = kind_of(store) or ""
    if name == "EmbeddedStore":
        return ("file", str(Path(str(store.get("path", ""))).expanduser().resolve()))
    if store.get("ssh_tunnel"):
        return ("tunnel", repr(sorted(_without_collection(store).items(), key=str)))
    host, uri = str(store.get("host") or "localhost"), str(store.get("uri") or "")
    if not uri and "://" in host:
        uri = host
    if uri:
        parts = urlsplit(uri)
        servers = parts.netloc.rpartition("@")[2].split(",")
        database = str(store.get("database") or parts.path.strip("/"))
        return ("server", *sorted(_server(s) for s in servers), database)
    if name in KINDS and "database" in KINDS[name].keys:
        return ("server", _server(f"{host}:{store.get('port') or 27017}"), str(store["database"]))
    return (name, repr(sorted(_without_collection(store).items(), key=str)))


def _without_collection(store: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in store.items() if k != "collection_name"}


def _server(address: str) -> str:
    host, port = address.lower(), ""
    if ":" in host and not host.endswith("]"):
        host, _, port = host.rpartition(":")
    if host in ("localhost", "127.0.0.1", "::1", "[::1]"):
        host = "localhost"
    return f"{host}:{port or 27017}"
