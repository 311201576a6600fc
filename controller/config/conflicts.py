"""Resources that projects must not share: pools of batch workers, collections, folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Any

from controller.config.models import Project
from controller.config.stores import can_hold_queue, collection_place, kind_of
from controller.config.workers import ConnectionData, WorkerBase


class ConflictKind(StrEnum):
    """What is shared."""

    JOBS_HANDLE_DIR = "jobs_handle_dir"  # the pool of two batch workers
    QUEUE_COLLECTION = "queue_collection"  # a collection of two queues
    OUTPUT_COLLECTION = "output_collection"  # outputs in a collection of a queue
    DIRECTORY = "directory"  # folders that are equal, or one within the other


@dataclass(frozen=True)
class ConflictIssue:
    """One resource that is shared but must not be.

    Attributes
    ----------
    kind
        What is shared.
    projects
        Names of the projects concerned; one name when a project is in conflict with itself.
    message
        The shared resource, as a sentence.
    """

    kind: ConflictKind
    projects: tuple[str, ...]
    message: str


def find_conflicts(projects: Iterable[Project]) -> list[ConflictIssue]:
    """Compare every project with every other one.

    Folders and database files are compared after resolving symbolic links; machines by
    their host names and ports, not by how they are reached. Nothing is changed or connected to.
    """
    known = sorted(projects, key=lambda p: p.name)
    found = [issue for p in known for issue in _outputs_in_queue(p, p)]
    for a, b in combinations(known, 2):
        found += [
            *_shared_pools(a, b),
            *_shared_collections(a, b),
            *_outputs_in_queue(a, b),
            *_outputs_in_queue(b, a),
            *_shared_folders(a, b),
        ]
    return found


def _shared_pools(a: Project, b: Project) -> Iterator[ConflictIssue]:
    for name, worker in a.workers.items():
        for other_name, other in b.workers.items():
            if worker.batch is None or other.batch is None:
                continue
            folder = worker.batch.jobs_handle_dir
            if folder == other.batch.jobs_handle_dir and _machine(worker) == _machine(other):
                yield ConflictIssue(
                    ConflictKind.JOBS_HANDLE_DIR,
                    (a.name, b.name),
                    f"worker {name} of {a.name} and worker {other_name} of {b.name} share the "
                    f"jobs_handle_dir {folder}",
                )


def _machine(worker: WorkerBase) -> tuple[Any, ...]:
    """What identifies the machine that commands run on."""
    if worker.is_local:
        return ("local",)
    connection: Any = worker
    gateway = connection.gateway
    if isinstance(gateway, ConnectionData):
        gateway = (gateway.host.lower(), gateway.port or 22)
    return (connection.host.lower(), connection.port or 22, gateway)


def _queue_collections(project: Project) -> dict[tuple[str, ...], str]:
    """{place and collection: its content}; empty for a queue in memory, which cannot be shared."""
    if kind_of(project.queue.store) == "MemoryStore":
        return {}
    place = collection_place(project.queue.store)
    roles = ("jobs", "flows", "auxiliary", "batches", "events")
    return {(*place, name): role for role, name in zip(roles, project.queue.collection_names)}


def _shared_collections(a: Project, b: Project) -> Iterator[ConflictIssue]:
    ours, theirs = _queue_collections(a), _queue_collections(b)
    for place, role in ours.items():
        if place in theirs:
            yield ConflictIssue(
                ConflictKind.QUEUE_COLLECTION,
                (a.name, b.name),
                f"the {role} of {a.name} and the {theirs[place]} of {b.name} share the "
                f"collection {_shown(place)}",
            )


def _outputs_in_queue(a: Project, b: Project) -> Iterator[ConflictIssue]:
    """Outputs of ``a`` in a collection of the queue of ``b``."""
    queue = _queue_collections(b)
    for place in sorted(_output_collections(a)):
        if place in queue:
            yield ConflictIssue(
                ConflictKind.OUTPUT_COLLECTION,
                (a.name,) if a.name == b.name else (a.name, b.name),
                f"outputs of {a.name} are stored among the {queue[place]} of {b.name}, in the "
                f"collection {_shown(place)}",
            )


def _output_collections(project: Project) -> set[tuple[str, ...]]:
    """Collections of outputs in stores that use a collection under its own name."""
    jobstores = [project.jobstore, *(project.optional_jobstores or {}).values()]
    stores = [
        store
        for jobstore in jobstores
        for store in (jobstore["docs_store"], *(jobstore.get("additional_stores") or {}).values())
    ]
    return {
        (*collection_place(store), str(store.get("collection_name") or "jobs"))
        for store in stores
        if can_hold_queue(store)
    }


def _shown(place: tuple[str, ...]) -> str:
    """A collection without the credentials that an unknown kind of store may carry."""
    kind, *where, name = place
    return f"{name} in {' '.join(where)}" if kind in ("file", "server") else f"{name} in a {kind}"


def _shared_folders(a: Project, b: Project) -> Iterator[ConflictIssue]:
    """Equal or nested folders; of nested ones only the outermost pair is reported."""
    told: set[tuple[Path, Path]] = set()
    for field, folder in a.folders.items():
        for other_field, other in b.folders.items():
            mine, its = folder.resolve(), other.resolve()
            if any(_within(mine, m) and _within(its, i) for m, i in told):
                continue
            if not (_within(mine, its) or _within(its, mine)):
                continue
            told.add((mine, its))
            relation = "are the same" if mine == its else "are nested"
            yield ConflictIssue(
                ConflictKind.DIRECTORY,
                (a.name, b.name),
                f"{field} {folder} of {a.name} and {other_field} {other} of {b.name} {relation}",
            )


def _within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
