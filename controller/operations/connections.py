"""Hosts, queues and JobStores (everything outside the queue database), opened when needed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from controller.config.workers import WorkerBase
from controller.errors import EntryNotFoundError
from controller.hosts import Host, open_host
from controller.schedulers import Queue as WorkerQueue
from controller.storage.output_store import OutputStore

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

    from controller.config import Project

SchedulerType = str | dict[str, Any]
"""As in the project file."""


class Connections:
    """Hosts, queues and JobStores of a project, each opened once.

    Parameters
    ----------
    project
        The project that defines them.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._left_to_others: frozenset[str] = frozenset()
        self._hosts: dict[str, Host] = {}
        self._queues: dict[tuple[str, str], WorkerQueue] = {}
        self._stores: dict[str | None, OutputStore] = {}

    def worker(self, name: str) -> WorkerBase:
        """Return a worker.

        Raises
        ------
        ConfigError
            The project does not have this worker.
        """
        worker: WorkerBase | None = self._project.workers.get(name)
        if worker is None:
            raise EntryNotFoundError(f"the project has no worker {name!r}")
        return worker

    def has_worker(self, name: str) -> bool:
        """Whether the project has a worker."""
        return name in self._project.workers

    def leave_to_others(self, workers: Iterable[str]) -> None:
        """Exclude workers that another thread of this process serves."""
        self._left_to_others = frozenset(workers)

    def serves(self, name: str) -> bool:
        """Whether the machine of a worker is for these connections to use."""
        return name not in self._left_to_others

    def host(self, name: str) -> Host:
        """Return the machine of a worker.

        Raises
        ------
        ConfigError
            There is no such worker.
        """
        if name not in self._hosts:
            self._hosts[name] = open_host(self.worker(name), name)
        return self._hosts[name]

    def queue(self, name: str, scheduler: SchedulerType | None = None) -> WorkerQueue:
        """Return the queue of a worker; errors as for `host`.

        Parameters
        ----------
        scheduler
            A ``scheduler_type`` that the worker had before, whose queue may still hold jobs; None
            for its present one.
        """
        worker = self.worker(name)
        kind = scheduler or worker.scheduler_type
        key = name, json.dumps(kind, sort_keys=True, default=str)
        if key not in self._queues:
            self._queues[key] = WorkerQueue(kind, self.host(name), worker.scheduler_username)
        return self._queues[key]

    def job_queue(self, name: str) -> WorkerQueue:
        """Return the queue for the scripts of a worker's jobs: its own, or the shell of pilots."""
        return self.queue(name, "shell" if self.worker(name).is_batch else None)

    def output_store(self, name: str | None) -> OutputStore:
        """Return the opened store of outputs of a JobStore; None for the default one."""
        if name not in self._stores:
            self._stores[name] = OutputStore(self._project.jobstore_spec(name))
        return self._stores[name]

    def jobstore(self, name: str | None) -> JobStore:
        """Return a JobStore, connected (this imports jobflow); None for the default one."""
        return self.output_store(name).jobstore()

    def cut(self) -> None:
        """Close the connections to machines at once, even while in use; from any thread."""
        for host in list(self._hosts.values()):
            host.close()

    def close(self) -> None:
        """Close the JobStores, and release the connections to hosts."""
        for store in self._stores.values():
            store.close()
        self._stores = {}
        for host in self._hosts.values():
            host.close()
        self._hosts, self._queues = {}, {}
