"""JobStores and maggma Stores, built from their descriptions in the project file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError
from controller.storage.opening import SERVER_SELECTION_TIMEOUT_MS, store_type

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

_MSON_KEYS = ("type", "@module", "@class", "@version")
_URI_STORES = {"MongoURIStore": "MongoStore", "GridFSURIStore": "GridFSStore"}
"""{store: the store that replaces it in later versions of maggma, with a uri}."""
_SEEKS_A_SERVER = ("MongoStore", "MongoURIStore", "GridFSStore", "GridFSURIStore")


def build_store(spec: Mapping[str, Any]) -> Any:
    """Build a maggma Store (not connected) from its description in a project file.

    Raises
    ------
    ConfigError
        There is no such class, its package is missing, or it does not accept the arguments.
    """
    name = store_type(spec)
    # A copy, because jobflow appends to the lists passed to a store.
    arguments = {k: _decoded(deepcopy(v)) for k, v in spec.items() if k not in _MSON_KEYS}
    if name in _URI_STORES:
        name, arguments = _uri_store(name, arguments)
    if name in _SEEKS_A_SERVER:
        arguments["mongoclient_kwargs"] = {
            "serverSelectionTimeoutMS": SERVER_SELECTION_TIMEOUT_MS,
            **(arguments.get("mongoclient_kwargs") or {}),
        }
    merged = name in _URI_STORES.values()
    kind = _class_of(name, None if merged else spec.get("@module"))
    try:
        return kind(**arguments)
    except Exception as error:  # (a store may raise anything, such as RuntimeError)
        raise ConfigError(f"the store of type {name} cannot be built: {error}") from error


def _class_of(name: str, module: str | None) -> Any:
    from importlib import import_module

    from maggma.stores import Store

    if name == "EmbeddedStore":
        module = "controller.storage.embedded.store"
    try:
        loaded = import_module(module) if module else None
    except ImportError as error:
        raise ConfigError(f"cannot import the store {name}: {error}") from error
    known = {kind.__name__: kind for kind in _all_subclasses(Store)}
    found = getattr(loaded, name, known.get(name))
    if found is None:
        raise ConfigError(
            f"there is no Store of type {name!r}", hint="known types: " + ", ".join(sorted(known))
        )
    return found


def _decoded(value: Any) -> Any:
    """Build nested objects of a store's description: another store, or an SSH tunnel."""
    if not isinstance(value, Mapping) or not ("type" in value or "@class" in value):
        return value
    if "SSHTunnel" not in (value.get("type"), value.get("@class")):
        return build_store(value)
    from maggma.stores.ssh_tunnel import SSHTunnel

    return SSHTunnel.from_dict({k: v for k, v in value.items() if k != "type"})


def _uri_store(name: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the description with which current maggma builds a store of `_URI_STORES`."""
    from inspect import signature

    merged = _URI_STORES[name]
    if "uri" in signature(_class_of(merged, None)).parameters:
        return merged, {"database": None, **arguments}
    return name, arguments


def open_jobstore(spec: Mapping[str, Any]) -> JobStore:
    """Build a JobStore (not connected) from its description.

    Parameters
    ----------
    spec
        The MSON form of a JobStore, or ``{docs_store: {...}, additional_stores: {...}}``.

    Raises
    ------
    ConfigError
        It has no docs_store, or one of its stores cannot be built.
    """
    from jobflow.core.store import JobStore

    if "docs_store" not in spec:
        raise ConfigError(
            "a jobstore needs the key 'docs_store'", hint="for example docs_store: {type: ...}"
        )
    additional = {
        name: build_store(part) for name, part in (spec.get("additional_stores") or {}).items()
    }
    options = {k: spec[k] for k in ("save", "load") if k in spec}
    return JobStore(build_store(spec["docs_store"]), additional_stores=additional, **options)


def additional_store_names(spec: Mapping[str, Any]) -> set[str]:
    """Names of the additional stores of a jobstore's description."""
    return set(spec.get("additional_stores") or {})


_FIELDS_OF_A_JOB = frozenset(
    [
        "function",
        "function_args",
        "function_kwargs",
        "output_schema",
        "uuid",
        "index",
        "name",
        "metadata",
        "config",
        "hosts",
        "metadata_updates",
        "config_updates",
        "name_updates",
    ]
)


def missing_store_names(job: Mapping[str, Any], spec: Mapping[str, Any]) -> list[str]:
    """Names of the additional stores that a serialised Job needs and a jobstore lacks."""
    return needed_store_names(job, known=additional_store_names(spec))


def needed_store_names(job: Mapping[str, Any], *, known: Iterable[str] = ()) -> list[str]:
    """Names of the additional stores that a serialised Job needs, except for the known ones.

    Anything that is not a field of a Job is an additional store.
    """
    missing = {key for key in job if key[:1] != "@"} - _FIELDS_OF_A_JOB - set(known)
    if missing:  # jobflow is slow to import, and knows better than this file what a Job has
        from inspect import signature

        from jobflow.core.job import Job

        missing -= set(signature(Job.__init__).parameters)
    return sorted(missing)


def _all_subclasses(kind: type) -> set[type]:
    direct: set[type] = set(kind.__subclasses__())
    return direct.union(*(_all_subclasses(c) for c in direct))
