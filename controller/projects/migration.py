"""Move a project to another database: copy, verify and switch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config.stores import collection_place
from controller.errors import DocumentTooLargeError, StorageMissingError
from controller.operations.migration import (
    Copied,
    Copyable,
    Move,
    copy_collection,
    large_documents,
    refuse_strangers,
)
from controller.projects.migration_plan import (
    QUEUE_PARTS,
    CollectionMove,
    MigrationPlan,
    Spec,
    is_gridfs,
)
from controller.projects.serving import refuse_while_served
from controller.storage.gridfs import GridFSCollection, open_gridfs
from controller.storage.opening import open_store
from controller.storage.sizes import size_limit

if TYPE_CHECKING:
    from controller.config import ConfigManager
    from controller.storage.base import Database


@dataclass(frozen=True)
class Migration:
    """What `migrate` did.

    Attributes
    ----------
    plan
        The plan.
    copied
        The result of each of the plan's moves.
    project_file, backup
        The changed project file and the copy of the old one; None without ``switch``.
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
    """Count the documents to copy, per move."""
    with _opened(plan, sources_only=True) as moves:
        return [move.source.count_documents({}) for move in moves]


def refuse_too_large(plan: MigrationPlan) -> None:
    """Refuse a plan with documents that are too large for where they go. Only sources are opened.

    Raises
    ------
    DocumentTooLargeError
        It names them, and says what to do.
    """
    with _opened(plan, sources_only=True) as moves:
        _refuse_large(moves)


def rehearse(plan: MigrationPlan, manager: ConfigManager) -> None:
    """Refuse what `migrate` would refuse, as it would. Nothing is written, no database is made.

    Raises
    ------
    StorageUnavailableError
        The target does not answer.
    RunningRunnerError, StateError, DocumentTooLargeError
        See `migrate`.
    """
    project = manager.get_project(plan.project)
    refuse_while_served(project, "migrate", unreachable_is_fine=False)
    refuse_too_large(plan)
    with _opened(plan, make_targets=False) as moves:
        for move in moves:
            with suppress(StorageMissingError):  # a file that is yet to be made holds no other's
                refuse_strangers(move)


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
    DocumentTooLargeError
        Documents are too large for where they go; nothing was copied.
    """
    project = manager.get_project(plan.project)
    refuse_while_served(project, "migrate", unreachable_is_fine=False)
    with _opened(plan) as moves:
        _refuse_large(moves)
        for move in moves:
            refuse_strangers(move)
        copied = tuple(copy_collection(move, step) for move in moves)
    if not switch:
        return Migration(plan, copied)
    backup = manager.backup_project(plan.project)
    manager.set_stores(plan.queue_store, plan.jobstores, plan.project)
    file = Path(manager.get_project_data(plan.project).filepath)
    return Migration(plan, copied, file, backup)


_SHOWN = 5
"""Number of documents named in a message."""


def _refuse_large(moves: list[Move]) -> None:
    found = [(move, name) for move in moves for name in large_documents(move)]
    if not found:
        return
    names = [f"{move.what}: {name}" for move, name in found[:_SHOWN]]
    if len(found) > _SHOWN:
        names.append(f"and {len(found) - _SHOWN} more")
    if all(move.what not in QUEUE_PARTS for move, _ in found):
        way = (
            "use --queue-only to leave the outputs where they are, or let the jobs put such values "
            "into an additional store, and rerun them"
        )
    else:
        way = "delete these jobs, and submit them again with smaller arguments"
    limit = (found[0][0].limit or 0) / 1e6
    raise DocumentTooLargeError(
        f"the target takes documents of up to {limit:.1f} MB, these are larger: {'; '.join(names)}",
        hint=f"nothing was copied. {way}",
    )


@contextmanager
def _opened(
    plan: MigrationPlan, *, sources_only: bool = False, make_targets: bool = True
) -> Iterator[list[Move]]:
    """Open every database once, and close them all."""
    with ExitStack() as stack:
        known: dict[tuple[str, ...], Database] = {}

        def collection(spec: Spec, *, create: bool = True) -> Copyable:
            gridfs, place = is_gridfs(spec), collection_place(spec)
            if place not in known:
                known[place] = (
                    open_gridfs(spec) if gridfs else open_store(spec, create=create).database
                )
                stack.callback(known[place].close)
            if gridfs:
                return GridFSCollection(known[place], spec)
            return known[place].collection(spec["collection_name"])

        moves = []
        for move in plan.moves:
            # A JobStore comes with the first output: to have none yet is no loss.
            source = collection(move.source, create=move.what not in QUEUE_PARTS)
            target = source if sources_only else collection(move.target, create=make_targets)
            moves.append(Move(move.what, source, target, _limit(move)))
        yield moves


def _limit(move: CollectionMove) -> int | None:
    """Bytes that a document may have, where some of the source may be larger."""
    return size_limit(move.target) if size_limit(move.source) is None else None
