"""Work on a project as a whole: removing it, changing its file, moving it to another database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config.files import project_files
from controller.config.stores import can_hold_queue, collection_place, kind_of
from controller.errors import ArgumentError, StorageError
from controller.jobcontroller import JobController
from controller.operations.migration import Copied, Move, copy_collection, refuse_strangers
from controller.operations.runner_record import refuse_beside_runner
from controller.storage.opening import describe_store, open_store, opens_directly

if TYPE_CHECKING:
    from controller.config import ConfigManager, Project

Spec = dict[str, Any]


def refuse_while_served(project: Project, action: str, *, unreachable_is_fine: bool) -> None:
    """Refuse an action while a live runner serves a project's database.

    Parameters
    ----------
    unreachable_is_fine
        Pass when the database cannot be asked, which a broken project needs to be mended.

    Raises
    ------
    RunningRunnerError
        There is one.
    """
    try:
        with JobController.from_project(project) as controller:
            refuse_beside_runner(controller.queue, action)
    except StorageError:
        if not unreachable_is_fine:
            raise


@dataclass(frozen=True)
class CollectionMove:
    """Where one collection lies and where it goes.

    Attributes
    ----------
    what
        What it holds: jobs, flows, outputs and so on.
    source, target
        Descriptions of stores, as in a project file.
    """

    what: str
    source: Spec
    target: Spec


@dataclass(frozen=True)
class MigrationPlan:
    """What moving a project to another database does.

    Attributes
    ----------
    project
        Name of the project.
    moves
        The collections that are copied.
    queue_store
        Description of the queue's store afterwards.
    jobstores
        {name: description} of the JobStores that change; None is the name of the default one.
    """

    project: str
    moves: tuple[CollectionMove, ...]
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


def plan_migration(project: Project, to: str) -> MigrationPlan:
    """Say what moving a project to another database means. Nothing is connected to.

    The queue moves, and of the JobStores what lies in embedded files or in the queue's own
    database. Other outputs stay where they are.

    Parameters
    ----------
    to
        ``mongodb://HOST/DATABASE``, or a folder for ``queue.sqlite`` and ``outputs.sqlite``.

    Raises
    ------
    ArgumentError
        Not such a place, or the place where the project is.
    """
    target = _Target(to)
    queue = project.queue
    jobs, *others = queue.collection_names
    taken = {jobs, *others}
    if collection_place(queue.store) == collection_place(target.queue(jobs)):
        raise ArgumentError(f"project {project.name} lies in {target.shown} already")
    moves = [
        CollectionMove(what, {**queue.store, "collection_name": name}, target.queue(name))
        for what, name in zip(("jobs", "flows", "auxiliary", "batches"), (jobs, *others))
    ]
    seen: dict[tuple[str, ...], Spec] = {}
    jobstores: dict[str | None, Spec] = {}
    for name in (None, *(project.optional_jobstores or {})):
        spec = project.jobstore_spec(name)
        changed = dict(spec)
        for place, store in _stores_of(spec):
            if not _moves_along(store, queue.store):
                continue
            identity = (*collection_place(store), str(store.get("collection_name") or "jobs"))
            if identity not in seen:
                seen[identity] = target.outputs(_free_name(store, place, name, taken))
                source = {**store, "collection_name": identity[-1]}
                moves.append(CollectionMove(_title(name, place), source, seen[identity]))
            changed = _with_store(changed, place, _keeping_options(store, seen[identity]))
        if changed != spec:
            jobstores[name] = changed
    queue_store = _keeping_options(queue.store, target.queue(jobs))
    return MigrationPlan(project.name, tuple(moves), queue_store, jobstores)


class _Target:
    """The database that a project moves to: which store holds what."""

    def __init__(self, to: str) -> None:
        self._uri = to if to.startswith(("mongodb://", "mongodb+srv://")) else None
        if self._uri is None and "://" in to:
            raise ArgumentError(
                f"{to.partition('://')[0]}:// is no database that a project can lie in",
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

    def _spec(self, file: str, collection: str) -> Spec:
        if self._uri is not None:
            return {"type": "MongoURIStore", "uri": self._uri, "collection_name": collection}
        path = str(self._folder / file)
        return {"type": "EmbeddedStore", "path": path, "collection_name": collection}


def _stores_of(spec: Mapping[str, Any]) -> Iterator[tuple[str | None, Spec]]:
    """(name of the additional store or None for the outputs themselves, its description)."""
    yield None, spec["docs_store"]
    yield from (spec.get("additional_stores") or {}).items()


def _moves_along(store: Mapping[str, Any], queue_store: Mapping[str, Any]) -> bool:
    if not can_hold_queue(store) or not opens_directly(store):
        return False
    return kind_of(store) == "EmbeddedStore" or (
        collection_place(store) == collection_place(queue_store)
    )


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
    options = ("key", "last_updated_field", "last_updated_type")
    return {**new, **{key: old[key] for key in options if key in old}}


def _with_store(spec: Spec, place: str | None, store: Spec) -> Spec:
    if place is None:
        return {**spec, "docs_store": store}
    return {**spec, "additional_stores": {**spec["additional_stores"], place: store}}


@dataclass(frozen=True)
class Migration:
    """What `migrate` did.

    Attributes
    ----------
    plan
        What was to be done.
    copied
        Of each of the plan's moves.
    project_file, backup
        The project file that was changed and the copy of what it was; None without ``switch``.
    """

    plan: MigrationPlan
    copied: tuple[Copied, ...]
    project_file: Path | None = None
    backup: Path | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The plan's rows with numbers of documents and checksums."""
        return [
            {
                **row,
                "documents": done.digest.count,
                "written": done.written,
                "unchanged": done.unchanged,
                "checksum": done.digest.checksum,
            }
            for row, done in zip(self.plan.rows, self.copied)
        ]


def count_documents(plan: MigrationPlan) -> list[int]:
    """Count what is to be copied, per move."""
    with _opened(plan, sources_only=True) as moves:
        return [move.source.count_documents({}) for move in moves]


def planned_rows(plan: MigrationPlan, numbers: list[int]) -> list[dict[str, Any]]:
    """Return the plan's rows in the form of `Migration.rows`: nothing is written yet."""
    open_fields = {"written": None, "unchanged": None, "checksum": None}
    return [{**row, "documents": number, **open_fields} for row, number in zip(plan.rows, numbers)]


def migrate(
    plan: MigrationPlan,
    manager: ConfigManager,
    *,
    switch: bool = False,
    step: Callable[[], None] | None = None,
) -> Migration:
    """Copy a project to another database, verify the copy and, if wanted, use it from now on.

    Interrupted or refused, the project is as it was, and the same call goes on with the copy.
    The original is never changed.

    Parameters
    ----------
    switch
        Change the project file once everything is verified, keeping a copy of it.
    step
        Called after each document that was copied.

    Raises
    ------
    RunningRunnerError
        A live runner serves the project.
    StateError
        The target holds other documents, or something was written meanwhile.
    """
    project = manager.get_project(plan.project)
    refuse_while_served(project, "migrate", unreachable_is_fine=False)
    with _opened(plan) as moves:
        for move in moves:
            refuse_strangers(move)
        copied = tuple(copy_collection(move, step) for move in moves)
    if not switch:
        return Migration(plan, copied)
    backup = manager.backup_project(plan.project)
    manager.set_stores(plan.queue_store, plan.jobstores, plan.project)
    file = Path(manager.get_project_data(plan.project).filepath)
    return Migration(plan, copied, file, backup)


@contextmanager
def _opened(plan: MigrationPlan, *, sources_only: bool = False) -> Iterator[list[Move]]:
    """Open every database once, and close them all."""
    with ExitStack() as stack:
        known: dict[tuple[str, ...], Any] = {}

        def collection(spec: Spec) -> Any:
            place = collection_place(spec)
            if place not in known:
                known[place] = open_store(spec).database
                stack.callback(known[place].close)
            return known[place].collection(spec["collection_name"])

        moves = []
        for move in plan.moves:
            source = collection(move.source)
            target = source if sources_only else collection(move.target)
            moves.append(Move(move.what, source, target))
        yield moves


def remove_project(
    manager: ConfigManager, name: str | None, *, keep_folders: bool, dry_run: bool
) -> list[Path]:
    """Remove a project: its file, and its folder unless that is kept.

    Returns
    -------
    list of Path
        What is deleted, or would be with ``dry_run``.

    Raises
    ------
    RunningRunnerError
        A live runner serves the project.
    ConfigError
        No such project, or its folder holds what is not its own.
    """
    data = manager.get_project_data(name)
    base = Path(data.project.base_dir)
    doomed = [Path(data.filepath), *([base] if base.exists() and not keep_folders else [])]
    refuse_while_served(data.project, "removing the project", unreachable_is_fine=True)
    if not dry_run:
        manager.remove_project(data.project.name, remove_folders=not keep_folders)
    return doomed


def files_to_edit(project_name: str | None, *, everywhere: bool) -> list[Path]:
    """Return the file of a project, or all project files, usable or not.

    Raises
    ------
    RunningRunnerError
        A live runner serves the one project: it has read the file and would not learn of the
        change.
    """
    from controller.config import ConfigManager

    manager = ConfigManager()
    if everywhere:
        return list(project_files(manager.folder))
    data = manager.get_project_data(project_name)
    refuse_while_served(data.project, "editing the project file", unreachable_is_fine=True)
    return [Path(data.filepath)]
