"""`QueueReader`: the half of `JobController` that only reads, quick to import.

Actions on jobs need plans, locks and so on, whose import takes longer than a listing. Commands that
only show something use this class; `JobController` adds the rest.
"""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from controller.api.archive_queries import ArchiveQueries
from controller.api.event_queries import EventQueries
from controller.api.flow_queries import FlowQueries
from controller.api.job_queries import JobQueries
from controller.config import ConfigManager, EventOptions, Project
from controller.errors import ArgumentError
from controller.operations.event_log import EventLog
from controller.operations.queue import Queue
from controller.storage.jobstores import open_jobstore
from controller.storage.opening import (
    OpenedStore,
    as_collection,
    open_store,
    opened_from_maggma,
)
from controller.storage.readonly import ReadOnlyDatabase

if TYPE_CHECKING:
    from typing import Self

    from jobflow.core.store import JobStore


class _UserCollection:
    """A collection of the queue, as users see it; it can be assigned.

    On MongoDB it is pymongo's own object, and raises pymongo's errors. The controller itself uses
    `Queue`, whose collections are the same on every engine.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, controller: QueueReader | None, owner: type | None = None) -> Any:
        return self if controller is None else getattr(controller.queue, self._name).native

    def __set__(self, controller: QueueReader, collection: Any) -> None:
        changed: dict[str, Any] = {self._name: as_collection(collection)}
        controller.queue = replace(controller.queue, **changed)


class QueueReader(JobQueries, FlowQueries, ArchiveQueries, EventQueries):
    """Read access to the queue and the outputs of one project.

    It is thread-safe, and a context manager, which closes it.

    Parameters
    ----------
    queue_store
        A maggma Store of MongoDB's kind (EmbeddedStore included), or an `OpenedStore`; its
        collection holds the jobs, the other collections lie in the same database.
    jobstore
        Store of outputs; None opens the project's store when needed.
    flows_collection, auxiliary_collection, batches_collection
        Names of the other collections.
    events_collection
        Name of the collection of events; None derives it from that of the auxiliary collection.
    project
        The project of the stores. A string in this place is taken as
        ``batches_collection``, as in jobflow-remote 1.0.1.
    optional_jobstores
        {name: JobStore} that flows may choose; None means those of the project.

    Attributes
    ----------
    jobs, flows, auxiliary, batches
        The collections: pymongo's own, or on the embedded engine objects with the same methods.
    """

    jobs = _UserCollection()
    flows = _UserCollection()
    auxiliary = _UserCollection()
    batches = _UserCollection()

    def __init__(
        self,
        queue_store: Any,
        jobstore: JobStore | None = None,
        flows_collection: str = "flows",
        auxiliary_collection: str = "jf_auxiliary",
        project: Project | str | None = None,
        *,
        batches_collection: str = "batches",
        events_collection: str | None = None,
        optional_jobstores: dict[str, JobStore] | None = None,
    ) -> None:
        if isinstance(project, str):
            batches_collection, project = project, None
        opened = (
            queue_store if isinstance(queue_store, OpenedStore) else opened_from_maggma(queue_store)
        )
        database = opened.database
        events = events_collection or f"{auxiliary_collection}_events"
        options = project.events if project is not None else EventOptions()
        self.queue = Queue(
            database=database,
            jobs=opened.collection,
            flows=database.collection(flows_collection),
            auxiliary=database.collection(auxiliary_collection),
            batches=database.collection(batches_collection),
            events=EventLog(database.collection(events), options.enabled),
        )
        self._queue_store = None if isinstance(queue_store, OpenedStore) else queue_store
        self._own_store: Any = None
        self.project = project
        self._jobstore = jobstore
        self.optional_jobstores = optional_jobstores

    @classmethod
    def from_project(cls, project: Project | None = None, *, read_only: bool = False) -> Self:
        """Open the controller of a project; None means the default project.

        A missing database is not created: every use raises StorageMissingError, except for
        `JobController.reset` and `JobController.backup_restore`, which create it.

        Parameters
        ----------
        read_only
            Make every write to the queue raise StorageError.
        """
        if project is None:
            project = ConfigManager().get_project()
        queue = project.queue
        if not queue.store:
            raise ArgumentError(f"project {project.name} has no queue.store")
        opened = open_store(queue.store, create=False)
        if read_only:
            opened = replace(opened, database=ReadOnlyDatabase(opened.database))
        return cls(
            opened,
            None,
            queue.flows_collection,
            queue.auxiliary_collection,
            project,
            batches_collection=queue.batches_collection,
            events_collection=queue.collection_names[-1],
        )

    @classmethod
    def from_project_name(cls, project_name: str | None = None) -> Self:
        """Open the controller of a project by its name; None means the default project."""
        return cls.from_project(ConfigManager().get_project(project_name))

    @property
    def db(self) -> Any:
        """The database: pymongo's own, or on the embedded engine one with the same methods."""
        return self.queue.database.native

    @property
    def jobs_collection(self) -> str:
        """Name of the jobs' collection."""
        return self.queue.jobs.name

    @property
    def flows_collection(self) -> str:
        """Name of the flows' collection."""
        return self.queue.flows.name

    @property
    def auxiliary_collection(self) -> str:
        """Name of the auxiliary collection."""
        return self.queue.auxiliary.name

    @property
    def batches_collection(self) -> str:
        """Name of the batch processes' collection."""
        return self.queue.batches.name

    @property
    def queue_store(self) -> Any:
        """The maggma Store of the queue, connected on first use (which imports maggma)."""
        if self._queue_store is not None:
            return self._queue_store
        if self._own_store is None:
            self._own_store = self._need_project().get_queue_store()
            self._own_store.connect()
        return self._own_store

    @property
    def jobstore(self) -> JobStore:
        """The default JobStore, connected on first use (which imports jobflow)."""
        if self._jobstore is None:
            self._jobstore = open_jobstore(self._need_project().jobstore_spec())
            self._jobstore.connect()
        return self._jobstore

    def close(self) -> None:
        """Close all connections. May be called twice."""
        self.queue.database.close()
        if self._own_store is not None:
            self._own_store.close()
            self._own_store = None
        if self._jobstore is not None:
            self._jobstore.close()
            self._jobstore = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
