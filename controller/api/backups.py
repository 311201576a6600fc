"""Back the queue database up, and restore it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from controller.api.base import ControllerGroup

if TYPE_CHECKING:
    from controller.storage.dumps import Progress
    from controller.storage.mongo.tools import MongoTools


class Backups(ControllerGroup):
    """Methods that write and read backups, in the format of mongodump.

    A backup of one engine can be restored into the other. Outputs are not part of it.
    """

    def backup_dump(
        self,
        dir_path: str | Path,
        mongo_bin_path: str | Path | None = None,
        compress: bool = False,
        python: bool = False,
        *,
        progress: Progress | None = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Write all documents of the queue, and its indexes, into ``dir_path/DATABASE``.

        An older backup there is replaced when the new one is complete. On the embedded engine
        it is a consistent snapshot. On a server without transactions documents may
        change while they are read one after the other: no runner may be active.

        Parameters
        ----------
        dir_path
            Folder of backups; created if needed.
        mongo_bin_path
            Folder of mongodump, to use it for the dump; optional, and only for a database
            on a server.
        compress
            Write ``.bson.gz``.
        python
            Never use mongodump.
        progress
            Called with the name of a collection, the documents done, and their total number.
        dry_run
            Write nothing.

        Returns
        -------
        dict
            {"jobs": number of documents, "flows": ..., "jf_auxiliary": ..., "batches": ...,
            "jf_auxiliary_events": ...}.

        Raises
        ------
        ArgumentError
            The folder of the database exists there and contains other files, or mongodump was
            requested for an embedded database.
        StorageMissingError
            The database does not exist or has not been set up.
        RunningRunnerError
            A live runner serves a database without transactions.
        StorageError
            Something cannot be read or written; an older backup is unchanged.
        """
        from controller.operations.backup import dump

        tools = None if python else self._tools(mongo_bin_path)
        parent = Path(dir_path).expanduser()
        return dump(
            self.queue, parent, compress=compress, tools=tools, progress=progress, dry_run=dry_run
        )

    def backup_restore(
        self,
        dir_path: str | Path = ".",
        mongo_bin_path: str | Path | None = None,
        compress: bool | None = None,
        python: bool = False,
        *,
        progress: Progress | None = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Fill the empty queue database from a backup, and build its indexes.

        After an interrupted restore, the next one starts over. The record of the running
        runner is not restored.

        Parameters
        ----------
        dir_path
            The folder that directly contains the backup files.
        mongo_bin_path
            Folder of mongorestore, as for `backup_dump`.
        compress
            Without effect: the names of the files say whether they are compressed.
        python
            Never use mongorestore.
        progress, dry_run
            As for `backup_dump`.

        Returns
        -------
        dict
            {"jobs": number of documents, "flows": ..., "jf_auxiliary": ..., "batches": ...,
            "jf_auxiliary_events": ...}.

        Raises
        ------
        ArgumentError
            The folder contains no backup.
        StorageFormatError
            A backup file is damaged; nothing was changed.
        RunningRunnerError
            A live runner serves the database.
        StateError
            The database is not empty; nothing was changed.
        LockedDocumentError
            Another restore is in progress.
        StorageError
            The database refused an operation.
        """
        from controller.operations.backup import restore

        tools = None if python else self._tools(mongo_bin_path)
        folder = Path(dir_path).expanduser()
        return restore(self.queue, folder, tools=tools, progress=progress, dry_run=dry_run)

    def _tools(self, folder: str | Path | None) -> MongoTools | None:
        if folder is None:
            return None
        from controller.storage.mongo.tools import mongo_tools

        return mongo_tools(folder, self._need_project().queue.store or {})
