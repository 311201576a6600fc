"""Set up and maintain the database."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from controller.api.base import ControllerGroup
from controller.documents import DbCollection
from controller.operations.batch_record import remove_pools
from controller.operations.compaction import Compaction, compact
from controller.operations.runner_record import refuse_beside_runner
from controller.operations.version import version_document
from controller.storage.indexes import build_queue_indexes, foreign_indexes
from controller.storage.jobstores import open_jobstore
from controller.storage.outputs import empty_jobstore

if TYPE_CHECKING:
    from controller.operations.bulk import Progress


class Administration(ControllerGroup):
    """Methods that concern the database as a whole."""

    def get_collection(self, collection: DbCollection) -> Any:
        """Return a collection: pymongo's own, or on the embedded engine one with its methods."""
        return self.queue.collection(collection).native

    def reset(
        self, reset_output: bool = False, max_limit: int = 25, validation: str | None = None
    ) -> bool:
        """Empty the queue database, or set up a new one, and build its indexes.

        The pool folders of batch workers on this machine are deleted too.

        Parameters
        ----------
        reset_output
            Also empty the JobStores of the project, whatever they contain.
        max_limit
            If there are this many flows or more, nothing is done; 0 means no limit.
        validation
            Today's date, ``YYYY-MM-DD``: reset despite ``max_limit``. With any other string
            nothing is done.

        Returns
        -------
        bool
            Whether it was done.

        Raises
        ------
        RunningRunnerError
            A live runner serves the database.
        """
        self.queue.database.create()
        refuse_beside_runner(self.queue, "reset")
        if validation is not None and validation != date.today().isoformat():
            return False
        if (
            max_limit
            and validation is None
            and self.queue.flows.count_documents({}, limit=max_limit) >= max_limit
        ):
            return False
        for collection in (
            self.queue.jobs,
            self.queue.flows,
            self.queue.auxiliary,
            self.queue.batches,
            self.queue.events.collection,
            self.queue.archive,
        ):
            collection.drop()
        if self.project is not None:
            remove_pools(self.project)
        self.queue.auxiliary.insert_many(
            [{"next_id": 1}, {"running_runner": None}, {"runner_pings": []}, version_document()]
        )
        self.build_indexes()
        if reset_output:
            self._empty_outputs()
        self.queue.events.admin("reset", "with the outputs" if reset_output else None)
        return True

    def _empty_outputs(self) -> None:
        project = self._need_project()
        for name in (None, *(project.optional_jobstores or {})):
            empty_jobstore(open_jobstore(project.jobstore_spec(name)))

    @property
    def queue_supports_transactions(self) -> bool:
        """Whether the queue supports multi-document transactions; determined once."""
        return self.queue.database.supports_transactions

    def count_contents(self) -> tuple[int, int]:
        """Return the numbers of jobs and flows, which `reset` would delete."""
        if not self.queue.database.exists():
            return 0, 0
        return self.queue.jobs.count_documents({}), self.queue.flows.count_documents({})

    def is_set_up(self) -> bool:
        """Whether the database has been set up with `reset`."""
        return self.queue.auxiliary.find_one({"next_id": {"$exists": True}}, ["_id"]) is not None

    def build_indexes(
        self,
        background: bool = True,
        job_custom_indexes: list[str | list[Any]] | None = None,
        flow_custom_indexes: list[str | list[Any]] | None = None,
        drop: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Create missing indexes of the queue.

        Parameters
        ----------
        background
            Let a server build them in the background.
        job_custom_indexes, flow_custom_indexes
            Additional indexes, with keys as for pymongo's ``create_index``.
        drop
            Drop all indexes first, including those that users added.
        progress
            Called with (existing indexes, indexes in total).
        """
        build_queue_indexes(
            self.queue.jobs,
            self.queue.flows,
            self.queue.batches,
            self.queue.auxiliary,
            self.queue.events.collection,
            job_custom=job_custom_indexes or (),
            flow_custom=flow_custom_indexes or (),
            background=background,
            drop=drop,
            progress=progress,
        )

    def custom_indexes(self) -> dict[str, list[str]]:
        """Return {collection: names of indexes that `build_indexes` does not create}."""
        return foreign_indexes(
            self.queue.jobs,
            self.queue.flows,
            self.queue.batches,
            self.queue.auxiliary,
            self.queue.events.collection,
        )

    def create_indexes(
        self,
        indexes: list[str | list[Any]],
        collection: DbCollection = DbCollection.JOBS,
        unique: bool = False,
        background: bool = True,
    ) -> None:
        """Create indexes on a collection.

        Parameters
        ----------
        indexes
            Keys of each, as for pymongo's ``create_index``.
        unique
            Refuse documents with the same key.
        """
        target = self.queue.collection(collection)
        for keys in indexes:
            target.create_index(keys, unique=unique, background=background)

    def compact(self, *, dry_run: bool = False) -> Compaction:
        """Release the space of deleted and archived documents, if the database supports it.

        The embedded file is rewritten: in the meantime, other processes can read, but must wait to
        write.

        Parameters
        ----------
        dry_run
            Only report how much space would be released.

        Raises
        ------
        RunningRunnerError
            A runner is active, and would have to wait for more than some seconds.
        StorageError
            The disk has no room for a second copy.
        """
        return compact(self.queue, dry_run=dry_run)
