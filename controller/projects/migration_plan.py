"""Which collections go where when a project moves to another database. Nothing is connected to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config.models import archive_name
from controller.config.stores import can_hold_queue, collection_place, kind_of
from controller.errors import ArgumentError
from controller.storage.opening import describe_store, opens_directly

if TYPE_CHECKING:
    from controller.config import Project

Spec = dict[str, Any]

QUEUE_PARTS = ("jobs", "flows", "auxiliary", "batches", "events", "archive")
"""What the collections of the queue are called here."""


@dataclass(frozen=True)
class CollectionMove:
    """Where one collection lies and where it goes.

    Attributes
    ----------
    what
        Kind of its documents: jobs, flows, outputs and so on.
    source, target
        Descriptions of stores, as in a project file.
    """

    what: str
    source: Spec
    target: Spec


@dataclass(frozen=True)
class StoreLeft:
    """A store that stays where it is, and in use.

    Attributes
    ----------
    what
        Kind of its documents.
    store
        Its description.
    """

    what: str
    store: Spec

    @property
    def shown(self) -> str:
        """Kind and place, without secrets."""
        kind, place = str(kind_of(self.store)), describe_store(self.store)
        return kind if place == kind else f"{kind} at {place}"


@dataclass(frozen=True)
class MigrationPlan:
    """What moving a project to another database does.

    Attributes
    ----------
    project
        Name of the project.
    moves
        The collections that are copied.
    left
        The stores that are not.
    queue_store
        Description of the queue's store afterwards.
    jobstores
        {name: description} of the JobStores that change; None is the name of the default one.
    """

    project: str
    moves: tuple[CollectionMove, ...]
    left: tuple[StoreLeft, ...]
    queue_store: Spec
    jobstores: Mapping[str | None, Spec]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What is copied from where to where, without secrets."""
        return [
            {
                "what": move.what,
                "source": describe_store(move.source),
                "source_collection": move.source["collection_name"],
                "target": describe_store(move.target),
                "target_collection": move.target["collection_name"],
            }
            for move in self.moves
        ]


def is_gridfs(store: Mapping[str, Any]) -> bool:
    """Whether the documents of a described store are files of GridFS."""
    return kind_of(store) in ("GridFSStore", "GridFSURIStore")


def plan_migration(project: Project, to: str, *, queue_only: bool = False) -> MigrationPlan:
    """Plan the move of a project to another database. Nothing is connected to.

    The queue moves, and of the JobStores what lies in embedded files or in the queue's own
    database, files of GridFS included. Embedded additional stores, whose documents may be of any
    size, become files of GridFS on a server. All other stores are left where they are.

    Parameters
    ----------
    to
        ``mongodb://HOST/DATABASE``, or a folder for ``queue.sqlite`` and ``outputs.sqlite``.
    queue_only
        Leave every JobStore where it is.

    Raises
    ------
    ArgumentError
        ``to`` is not such a place, or it is where the project already is.
    """
    target = _Target(to)
    queue = project.queue
    jobs, *others = queue.collection_names
    others.append(archive_name(queue.flows_collection))
    if collection_place(queue.store) == collection_place(target.queue(jobs)):
        raise ArgumentError(f"project {project.name} is already in {target.shown}")
    moves = [
        CollectionMove(what, {**queue.store, "collection_name": name}, target.queue(name))
        for what, name in zip(QUEUE_PARTS, (jobs, *others))
    ]
    outputs = _Outputs(queue.store, target, {jobs, *others}, stay=queue_only)
    specs = {name: project.jobstore_spec(name) for name in _jobstore_names(project)}
    planned = {name: outputs.plan(name, spec) for name, spec in specs.items()}
    return MigrationPlan(
        project.name,
        (*moves, *outputs.moves),
        tuple(outputs.left),
        _keeping_options(queue.store, target.queue(jobs)),
        {name: spec for name, spec in planned.items() if spec != specs[name]},
    )


def _jobstore_names(project: Project) -> tuple[str | None, ...]:
    return (None, *(project.optional_jobstores or {}))


class _Target:
    """The database that a project moves to: which store holds what."""

    def __init__(self, to: str) -> None:
        self._uri = to if to.startswith(("mongodb://", "mongodb+srv://")) else None
        if self._uri is None and "://" in to:
            raise ArgumentError(
                f"{to.partition('://')[0]}:// is not a supported database",
                hint="mongodb://HOST/DATABASE, or a folder for an embedded database",
            )
        self._folder = Path(to).expanduser().absolute()
        if self._uri is None and self._folder.is_file():
            raise ArgumentError(f"{self._folder} is a file", hint="name a folder")
        spec = self.queue("jobs")
        self.shown = describe_store(spec)
        if self._uri is not None and collection_place(spec)[-1] == "":
            raise ArgumentError(
                "the URI names no database", hint="write mongodb://HOST:PORT/DATABASE"
            )

    def queue(self, collection: str) -> Spec:
        return self._spec("queue.sqlite", collection)

    def outputs(self, collection: str) -> Spec:
        return self._spec("outputs.sqlite", collection)

    def blobs(self, collection: str) -> Spec:
        """A store for documents of any size."""
        spec = self.outputs(collection)
        return spec if self._uri is None else {**spec, "type": "GridFSURIStore"}

    def _spec(self, file: str, collection: str) -> Spec:
        if self._uri is not None:
            return {"type": "MongoURIStore", "uri": self._uri, "collection_name": collection}
        path = str(self._folder / file)
        return {"type": "EmbeddedStore", "path": path, "collection_name": collection}


class _Outputs:
    """Collects what happens to the stores of one JobStore after the other."""

    def __init__(self, queue: Spec, target: _Target, taken: set[str], *, stay: bool) -> None:
        self.moves: list[CollectionMove] = []
        self.left: list[StoreLeft] = []
        self._queue, self._target, self._taken, self._stay = queue, target, taken, stay
        self._planned: dict[tuple[str, ...], Spec] = {}

    def plan(self, name: str | None, spec: Spec) -> Spec:
        """Return the JobStore's description afterwards."""
        for place, store in _stores_of(spec):
            title = _title(name, place)
            if self._stay or not _moves_along(store, self._queue):
                self.left.append(StoreLeft(title, store))
                continue
            source = {**store, "collection_name": str(store.get("collection_name") or "jobs")}
            key = (*collection_place(store), source["collection_name"], str(is_gridfs(store)))
            if key not in self._planned:
                wanted = _free_name(source, place, name, self._taken)
                self._planned[key] = self._store_for(store, place, wanted)
                self.moves += _moves(title, source, self._planned[key])
            spec = _with_store(spec, place, _keeping_options(store, self._planned[key]))
        return spec

    def _store_for(self, store: Spec, place: str | None, name: str) -> Spec:
        any_size = place is not None and kind_of(store) == "EmbeddedStore"
        if any_size or is_gridfs(store):
            return self._target.blobs(name)
        return self._target.outputs(name)


def _moves(title: str, source: Spec, target: Spec) -> list[CollectionMove]:
    if not (is_gridfs(source) and is_gridfs(target)):
        return [CollectionMove(title, source, target)]
    return [  # from server to server GridFS is two collections, and none of its bytes changes
        CollectionMove(
            f"{title}, {part}", _collection_of(source, part), _collection_of(target, part)
        )
        for part in ("files", "chunks")
    ]


def _collection_of(gridfs: Spec, part: str) -> Spec:
    name = f"{gridfs['collection_name']}.{part}"
    return {**gridfs, "type": "MongoStore", "collection_name": name}


def _stores_of(spec: Mapping[str, Any]) -> Iterator[tuple[str | None, Spec]]:
    """(name of the additional store or None for the outputs themselves, its description)."""
    yield None, spec["docs_store"]
    yield from (spec.get("additional_stores") or {}).items()


def _moves_along(store: Mapping[str, Any], queue_store: Mapping[str, Any]) -> bool:
    beside_queue = collection_place(store) == collection_place(queue_store)
    if is_gridfs(store):
        return beside_queue and not store.get("ssh_tunnel")
    if not can_hold_queue(store) or not opens_directly(store):
        return False
    return beside_queue or kind_of(store) == "EmbeddedStore"


def _title(jobstore: str | None, place: str | None) -> str:
    what = "outputs" if place is None else f"additional store {place}"
    return what if jobstore is None else f"{what} of jobstore {jobstore}"


def _free_name(store: Spec, place: str | None, jobstore: str | None, taken: set[str]) -> str:
    """Return the store's own name for its collection, or one that no other has, and take it."""
    wanted = [str(store.get("collection_name") or "jobs"), place or "outputs"]
    wanted += [f"{jobstore or 'outputs'}_{place or 'outputs'}"]
    wanted += [f"{wanted[-1]}_{number}" for number in range(2, len(taken) + 3)]
    name = next(candidate for candidate in wanted if candidate not in taken)
    taken.add(name)
    return name


def _keeping_options(old: Mapping[str, Any], new: Spec) -> Spec:
    """Add what a store says about its documents, which does not depend on where they lie."""
    options = ["key", "last_updated_field", "last_updated_type"]
    if is_gridfs(old) and is_gridfs(new):
        options += ["compression", "ensure_metadata", "searchable_fields"]
    return {**new, **{key: old[key] for key in options if key in old}}


def _with_store(spec: Spec, place: str | None, store: Spec) -> Spec:
    if place is None:
        return {**spec, "docs_store": store}
    return {**spec, "additional_stores": {**spec["additional_stores"], place: store}}
