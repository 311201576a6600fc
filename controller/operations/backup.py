"""Back up the queue database to a folder of files, and restore it.

Outputs are not included. A backup uses the standard names of the collections, whatever they are
called in the database, so that it can be restored by another project, into another engine, and by
mongorestore.

**Writing** uses a temporary folder next to the final one, and replaces it once complete.
**Restoring** begins with a note in the auxiliary collection, which stays locked meanwhile, and ends
with its removal; the id counter, without which nothing can be submitted, is restored last of all
documents. So what an interruption leaves can be told from a database in use and from a running
restore, and the next restore starts over.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from controller.documents import utc_now
from controller.errors import (
    ArgumentError,
    LockedDocumentError,
    StateError,
    StorageError,
    StorageMissingError,
)
from controller.identity import named_process
from controller.leases import live_lease
from controller.locks import MongoLock
from controller.operations.queue import Queue
from controller.operations.runner_record import refuse_beside_runner
from controller.paths import make_private_folder, open_private
from controller.storage import dumps
from controller.storage.base import Collection
from controller.storage.dumps import Dump, Progress, file_errors
from controller.storage.indexes import build_queue_indexes

if TYPE_CHECKING:
    from controller.storage.mongo.tools import MongoTools

AUXILIARY = "jf_auxiliary"
IDENTITY = "jfr_backup.txt"
"""File of a backup that identifies its database; only a backup of the same one is replaced."""
EVENTS = "jf_auxiliary_events"
ARCHIVE = "flows_archive"
OPTIONAL = ("batches", EVENTS, ARCHIVE)
"""Collections that older versions did not have."""
_ORDER = (EVENTS, "batches", "flows", "jobs", ARCHIVE, AUXILIARY)
"""The order of writing: the id counter comes last."""
COUNTER = {"next_id": {"$exists": True}}
UNFINISHED = {"unfinished_restore": {"$exists": True}}
LOCK_WAIT = 25.0
"""Seconds to wait for another restore; the lease of a dead one expires by then."""


def standard_names(queue: Queue, found: Container[str] = ()) -> dict[str, Collection]:
    """Return {name in a backup: collection}; the archive where there is one.

    Parameters
    ----------
    found
        Names in a backup that is restored.
    """
    names = {
        "jobs": queue.jobs,
        "flows": queue.flows,
        AUXILIARY: queue.auxiliary,
        "batches": queue.batches,
        EVENTS: queue.events.collection,
    }
    if ARCHIVE in found or (
        queue.database.exists() and queue.archive.name in queue.database.collection_names()
    ):
        names[ARCHIVE] = queue.archive
    return names


def dump(
    queue: Queue,
    parent: Path,
    *,
    compress: bool = False,
    tools: MongoTools | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
) -> dict[str, int]:
    """Write a backup to the folder ``parent/DATABASE``, replacing an older one.

    Parameters
    ----------
    Use mongodump.
        Let mongodump write it.
    dry_run
        Write nothing.

    Returns
    -------
    dict
        {standard name: number of documents}.

    Raises
    ------
    ArgumentError
        The folder exists and contains files that are not a backup.
    StateError
        The database is only partly restored.
    StorageMissingError
        It does not exist, or has not been set up.
    RunningRunnerError
        A live runner serves the database, and the engine cannot take a consistent snapshot.
    StorageError
        Something cannot be written; an older backup is unchanged.
    """
    if not queue.database.supports_transactions:
        refuse_beside_runner(queue, "backup")
    if queue.auxiliary.find_one(UNFINISHED) is not None:
        raise StateError(
            "the database is only partly restored",
            action="backup",
            hint="complete it with `jf backup restore`, or empty it with `jf admin reset`",
        )
    final = parent / queue.database.name
    if queue.auxiliary.find_one(COUNTER) is None:
        raise StorageMissingError(
            f"{queue.database.location} has not been set up: there is nothing to back up",
            hint="check the project file, or set up a new database with `jf admin reset`",
        )
    _refuse_other_files(final, queue.database.location)
    if dry_run:
        return {name: c.count_documents({}) for name, c in standard_names(queue).items()}
    temporary = parent / f".{final.name}.{os.getpid()}.part"
    with file_errors(temporary):
        make_private_folder(parent)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700)
    try:
        if tools is not None:
            counts = _dump_with(tools, queue, temporary, compress)
        else:
            counts = _dump(queue, temporary, compress, progress)
        with file_errors(final):
            with open_private(temporary / IDENTITY, "w", encoding="utf-8") as stream:
                stream.write(queue.database.location + "\n")
            _put_in_place(temporary, final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return counts


def _dump(queue: Queue, folder: Path, compress: bool, progress: Progress | None) -> dict[str, int]:
    names = standard_names(queue)
    for name, collection in names.items():
        dumps.write_metadata(collection.index_information(), folder, name, compress=compress)
    counts = {}
    with queue.database.snapshot() as session:
        # Without a snapshot, the counter is read last, so that it is not behind any job.
        for name in (n for n in _ORDER if n in names):
            counts[name] = dumps.write_dump(
                names[name], folder, name, compress=compress, session=session, progress=progress
            )
    return {name: counts[name] for name in names}


def _dump_with(tools: MongoTools, queue: Queue, folder: Path, compress: bool) -> dict[str, int]:
    names = standard_names(queue)
    for name in (n for n in _ORDER if n in names):
        tools.dump(names[name].name, folder, name, compress=compress)
    written = {name: dumps.find_dump(folder, name) for name in names}
    return {name: found.check() if found else 0 for name, found in written.items()}


def _refuse_other_files(folder: Path, location: str) -> None:
    if not folder.exists():
        return
    known = folder.is_dir() and all(
        path.name.endswith(dumps.SUFFIXES)
        or path.name.startswith("prelude.json")
        or path.name == IDENTITY
        for path in folder.iterdir()
    )
    if not known:
        raise ArgumentError(f"{folder} exists and is not a backup", hint="choose another folder")
    try:
        owner = (folder / IDENTITY).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        owner = ""
    if owner != location and any(folder.iterdir()):
        raise ArgumentError(
            f"{folder} contains a backup of {owner or 'another database, or of an older version'}:"
            " it was not replaced",
            hint="choose another folder, or move this one",
        )


def _put_in_place(temporary: Path, final: Path) -> None:
    """Replace an older backup; at any moment, one complete backup exists."""
    older = final.with_name(f".{final.name}.replaced")
    if final.exists():
        shutil.rmtree(older, ignore_errors=True)
        final.rename(older)
    try:
        temporary.rename(final)
    except OSError:
        with suppress(FileNotFoundError):
            older.rename(final)
        raise
    shutil.rmtree(older, ignore_errors=True)


def restore(
    queue: Queue,
    folder: Path,
    *,
    tools: MongoTools | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
) -> dict[str, int]:
    """Restore a backup into an empty database.

    All files are read once before anything is changed. The record of the running runner is not
    restored, because that runner serves another database or has ended.

    Returns
    -------
    dict
        {standard name: number of documents}.

    Raises
    ------
    ArgumentError
        The folder contains no backup.
    StorageFormatError
        A file is damaged; nothing was changed.
    RunningRunnerError
        A live runner serves the database.
    StateError
        The database is not empty; nothing was changed.
    LockedDocumentError
        Another restore is running.
    StorageError
        The database refused something. Restoring again starts over.
    """
    found = find_backup(folder)
    names = standard_names(queue, found)
    counts = {name: found[name].check() if name in found else 0 for name in names}
    if dry_run and not queue.database.exists():
        return counts
    if not dry_run:
        queue.database.create()
    refuse_beside_runner(queue, "restore")
    if dry_run:
        if queue.auxiliary.find_one(UNFINISHED) is None:
            _refuse_unless_empty(queue)
        return counts
    if _finish_restore(queue, folder):
        return counts
    _begin(queue, folder)
    with _alone(queue.auxiliary) as lock:
        _clear(queue)
        try:
            _fill(queue, found, counts, tools, progress)
        except StorageError as error:
            error.hint = "the database is only partly restored: restore again, or `jf admin reset`"
            raise
        lock.check()
        _fill_auxiliary(queue.auxiliary, found[AUXILIARY])
        queue.events.admin("restore", f"from {folder}")
        lock.delete_on_release = True
    return counts


def find_backup(folder: Path) -> dict[str, Dump]:
    """Find the files of a backup, {standard name: files}.

    Raises
    ------
    ArgumentError
        The folder lacks a required file.
    """
    names = ("jobs", "flows", AUXILIARY, *OPTIONAL)
    found = {name: dump for name in names if (dump := dumps.find_dump(folder, name))}
    missing = [name for name in names if name not in found and name not in OPTIONAL]
    if missing:
        inner = [p for p in sorted(folder.glob("*/")) if dumps.find_dump(p, "jobs")]
        wanted = "give the folder that directly contains jobs.bson and flows.bson"
        raise ArgumentError(
            f"{folder} contains no backup: there is no {missing[0]}.bson",
            hint=f"did you mean {inner[0]}?" if inner else wanted,
        )
    return found


def _finish_restore(queue: Queue, folder: Path) -> bool:
    """Finish a restore that only has to remove its note; return whether it was from this folder."""
    note = queue.auxiliary.find_one(UNFINISHED)
    if note is None or queue.auxiliary.find_one(COUNTER) is None:
        return False
    restored = note["unfinished_restore"]
    if not restored.get("counted"):
        return False
    queue.auxiliary.delete_many(UNFINISHED)
    return bool(restored["folder"] == str(folder.absolute()))


def _begin(queue: Queue, folder: Path) -> None:
    """Note that a restore begins, and remove the counter, so that nothing can be submitted."""
    noted = queue.auxiliary.find_one(UNFINISHED) is not None
    countable = queue.auxiliary.find_one(COUNTER) is not None
    if countable or not noted:  # with a counter, flows may have been submitted since the note
        _refuse_unless_empty(queue)
        note = {"folder": str(folder.absolute()), "started_on": utc_now()}
        queue.auxiliary.update_one(UNFINISHED, {"$set": {"unfinished_restore": note}}, upsert=True)
        taken = queue.auxiliary.delete_one({"next_id": 1}).deleted_count
        if not taken and queue.auxiliary.find_one(COUNTER) is not None:
            queue.auxiliary.delete_many(UNFINISHED)
            raise _not_empty("ids have been assigned")


@contextmanager
def _alone(auxiliary: Collection) -> Iterator[MongoLock]:
    """Lock the note of the restore, which tells a running restore from one that died."""
    lock = MongoLock(auxiliary, UNFINISHED, sleep=1, max_wait=LOCK_WAIT)
    with lock:
        if not lock.acquired:
            held = lock.unavailable_document or {}
            who = named_process((live_lease(held) or {}).get("owner"))
            raise LockedDocumentError(f"another restore is running ({who})")
        yield lock


def _clear(queue: Queue) -> None:
    """Remove the remains of an interrupted restore, and the documents of an empty database."""
    for name, collection in standard_names(queue).items():
        if name != AUXILIARY:
            collection.delete_many({})
    queue.auxiliary.delete_many({"unfinished_restore": {"$exists": False}})


def _refuse_unless_empty(queue: Queue) -> None:
    filled = {"job": queue.jobs, "flow": queue.flows, "batch": queue.batches}
    for what, collection in {**filled, "archive": queue.archive}.items():
        count = collection.count_documents({}, limit=1000)
        if count:
            shown = "1000 or more" if count == 1000 else count
            raise _not_empty(f"it contains {shown} {what} documents")


def _not_empty(why: str) -> StateError:
    return StateError(
        f"a backup can be restored only into an empty database: {why}",
        action="restore",
        hint="empty the database with `jf admin reset`, or restore into another project",
    )


def _fill(
    queue: Queue,
    found: Mapping[str, Dump],
    counts: Mapping[str, int],
    tools: MongoTools | None,
    progress: Progress | None,
) -> None:
    events = queue.events.collection
    build_queue_indexes(queue.jobs, queue.flows, queue.batches, queue.auxiliary, events)
    names = standard_names(queue, found)
    for name in _ORDER[:-1]:
        if name not in found:
            continue
        collection = names[name]
        if tools is not None:
            tools.restore(found[name], collection.name)
            inserted = collection.count_documents({})
        else:
            inserted = dumps.restore_documents(found[name], collection, counts[name], progress)
        if inserted != counts[name]:
            raise StorageError(
                f"only {inserted} of {counts[name]} documents of {name} were inserted"
            )
        dumps.restore_indexes(found[name], collection)


def _fill_auxiliary(auxiliary: Collection, found: Dump) -> None:
    # Runners serve the database that was backed up, not this one.
    left_out = {"unfinished_restore", "runner_process"}
    documents = [d for d in found.documents() if not left_out.intersection(d)]
    for document in documents:
        if "running_runner" in document:
            document["running_runner"] = None
    counters = [d for d in documents if "next_id" in d]
    others = [d for d in documents if "next_id" not in d]
    if others:
        auxiliary.insert_many(others)
    auxiliary.update_one(UNFINISHED, {"$set": {"unfinished_restore.counted": True}})
    if counters:
        auxiliary.insert_many(counters)
