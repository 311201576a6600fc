"""`QueueReader`: the half of `JobController` that only reads, quick to import.

What changes jobs needs plans, locks and the like, whose import costs more than a list. Commands
that only show something use this half; `JobController` is this and all the rest.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from controller.api.flow_queries import FlowQueries
from controller.api.job_queries import JobQueries
from controller.config import ConfigManager, Project
from controller.errors import ArgumentError
from controller.operations.queue import Queue
from controller.storage.opening import OpenedStore, open_store, opened_from_maggma
from controller.storage.outputs import open_jobstore

if TYPE_CHECKING:
    from typing import Self

    from jobflow.core.store import JobStore


class QueueReader(JobQueries, FlowQueries):
    """Access to the queue and the outputs of one project, to look at them.

    It can be used by several threads, and as a context manager, which closes it.

    Parameters
    ----------
    queue_store
        A maggma Store of MongoDB's kind (EmbeddedStore included), or an `OpenedStore`; its
        collection holds the jobs, the other collections lie in the same database.
    jobstore
        Where outputs go; None takes the project's when it is needed.
    flows_collection, auxiliary_collection, batches_collection
        Names of the other collections.
    project
        The project the stores belong to. A text in this place is taken for
        ``batches_collection``, which is what jobflow-remote 1.0.1 has there.
    optional_jobstores
        {name: JobStore} to choose from per flow; None takes the project's.
    """

    def __init__(
        self,
        queue_store: Any,
        jobstore: JobStore | None = None,
        flows_collection: str = "flows",
        auxiliary_collection: str = "jf_auxiliary",
        project: Project | str | None = None,
        *,
        batches_collection: str = "batches",
        optional_jobstores: dict[str, JobStore] | None = None,
    ) -> None:
        if isinstance(project, str):
            batches_collection, project = project, None
        opened = (
            queue_store if isinstance(queue_store, OpenedStore) else opened_from_maggma(queue_store)
        )
        database = opened.database
        self.queue = Queue(
            database=database,
            jobs=opened.collection,
            flows=database.collection(flows_collection),
            auxiliary=database.collection(auxiliary_collection),
            batches=database.collection(batches_collection),
        )
        self.queue_store = queue_store
        self.project = project
        self._jobstore = jobstore
        self.optional_jobstores = optional_jobstores

    @classmethod
    def from_project(cls, project: Project | None = None) -> Self:
        """Open the controller of a project; None takes the default project.

        A database that is not there is not made: whatever needs it raises StorageMissingError,
        but `JobController.reset` and `JobController.backup_restore`, which make it.
        """
        if project is None:
            project = ConfigManager().get_project()
        queue = project.queue
        if not queue.store:
            raise ArgumentError(f"project {project.name} has no queue.store")
        return cls(
            open_store(queue.store, create=False),
            None,
            queue.flows_collection,
            queue.auxiliary_collection,
            project,
            batches_collection=queue.batches_collection,
        )

    @classmethod
    def from_project_name(cls, project_name: str | None = None) -> Self:
        """Open the controller of a project by its name; None takes the default project."""
        return cls.from_project(ConfigManager().get_project(project_name))

    @property
    def jobstore(self) -> JobStore:
        """The default JobStore, connected on first use (which imports jobflow)."""
        if self._jobstore is None:
            self._jobstore = open_jobstore(self._need_project().jobstore_spec())
            self._jobstore.connect()
        return self._jobstore

    def close(self) -> None:
        """Close all connections. Closing twice is fine."""
        self.queue.database.close()
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
