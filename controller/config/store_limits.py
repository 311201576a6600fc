"""Stores of a project file that are described correctly but cannot be used.

Their package is not installed, or their kind cannot store outputs of jobs. Nothing is imported to
find that out, and the file stays readable: `jf project list -w`, ``validate`` and ``check`` report
it, and a submission is refused before its jobs run for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from controller.config.stores import KINDS, a_store, kind_of

if TYPE_CHECKING:
    from controller.config.models import Project

_NEEDS: dict[str, tuple[tuple[str, str], ...]] = {
    "MontyStore": (("montydb", "montydb"),),
    "AzureBlobStore": (
        ("azure.storage.blob", "azure-storage-blob"),
        ("azure.identity", "azure-identity"),
    ),
    "S3Store": (("boto3", "boto3"),),
    "VaultStore": (("hvac", "hvac"),),
}
"""{kind: (module, its package) pairs} of the modules that maggma does not install."""

_HOLDS_NO_OUTPUT = {
    "FileStore": "only lists files on disk: it cannot store the output of a job",
    "ConcatStore": "is read-only",
}
_HOLDS_NO_MAIN_OUTPUT = {
    "AliasingStore": "cannot store outputs by uuid and index, only parts of them",
}
_WRAPPERS = ("AliasingStore", "SandboxStore")
"""Kinds that store everything in the one store that they contain."""
_GOOD = "use an EmbeddedStore or a MongoStore"
_QUEUE_KINDS = ("EmbeddedStore", "MongoStore", "MongoURIStore")


@dataclass(frozen=True)
class StoreLimit:
    """Why a store cannot be used.

    Attributes
    ----------
    place
        Keys that lead to the store: in the JobStore, or in the project file.
    message
        A whole sentence without the full stop.
    hint
        What to do.
    additional
        Name of the additional store, if the others work without it; None if no output can be
        stored at all.
    """

    place: tuple[str, ...]
    message: str
    hint: str | None
    additional: str | None = None


def project_limits(project: Project) -> list[StoreLimit]:
    """Return what keeps the stores of a project from being used; their places begin at its top."""
    found = []
    kind = kind_of(project.queue.store)
    if kind in KINDS and kind not in _QUEUE_KINDS:
        message = f"the queue cannot use {a_store(kind)}"
        found.append(StoreLimit(("queue", "store"), message, _GOOD))
    else:
        found += _unavailable(project.queue.store, ("queue", "store"))
    jobstores: dict[tuple[str, ...], Mapping[str, Any]] = {("jobstore",): project.jobstore}
    for name, other in (project.optional_jobstores or {}).items():
        jobstores["optional_jobstores", name] = other
    for place, jobstore in jobstores.items():
        found += [
            StoreLimit((*place, *limit.place), limit.message, limit.hint, limit.additional)
            for limit in jobstore_limits(jobstore)
        ]
    return found


def jobstore_limits(jobstore: Mapping[str, Any]) -> list[StoreLimit]:
    """Return what keeps the stores of a JobStore, given its description, from being used."""
    docs = jobstore["docs_store"]
    found = [*_unavailable(docs, ("docs_store",)), *_unfit(docs, ("docs_store",), main=True)]
    for name, store in (jobstore.get("additional_stores") or {}).items():
        place = ("additional_stores", name)
        found += [*_unavailable(store, place), *_unfit(store, place, additional=name)]
    return found


def _unavailable(store: Any, place: tuple[str, ...]) -> Iterator[StoreLimit]:
    """Find stores, and stores within them, whose code is not installed."""
    if not isinstance(store, Mapping):
        return
    kind, module = kind_of(store), store.get("@module")
    missing = [package for name, package in _NEEDS.get(str(kind), ()) if not _is_here(name)]
    if missing:
        yield StoreLimit(
            place,
            f"{a_store(str(kind))} needs the package {' and '.join(missing)}, which is not "
            "installed",
            f"pip install {' '.join(missing)}",
        )
    elif kind not in KINDS and isinstance(module, str) and not _is_here(module):
        yield StoreLimit(
            place,
            f"the module {module} of the {kind} cannot be found",
            "install the package that contains it in the environment of jfr",
        )
    for key, value in store.items():
        inner = value if isinstance(value, (list, tuple)) else [value]
        for one in inner:
            if isinstance(one, Mapping) and kind_of(one):
                yield from _unavailable(one, (*place, key))


def _unfit(
    store: Any, place: tuple[str, ...], *, main: bool = False, additional: str | None = None
) -> Iterator[StoreLimit]:
    """Find a store of a kind that cannot hold outputs."""
    if not isinstance(store, Mapping):
        return
    kind = str(kind_of(store))
    reason = _HOLDS_NO_OUTPUT.get(kind) or (_HOLDS_NO_MAIN_OUTPUT.get(kind) if main else None)
    if kind == "JSONStore" and store.get("read_only", not store.get("file_writable", False)):
        message = "the JSONStore is read-only: outputs in it would be lost with the runner"
        yield StoreLimit(place, message, "add read_only: false", additional)
    elif reason:
        yield StoreLimit(place, f"{a_store(kind)} {reason}", _GOOD, additional)
    elif kind in _WRAPPERS:
        yield from _unfit(store.get("store"), (*place, "store"), main=main, additional=additional)


def _is_here(module: str) -> bool:
    """Whether a module can be imported; only its parent packages are imported to find out."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
