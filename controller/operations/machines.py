"""The workers of a project as things to work with: their hosts and queues, opened when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.config.workers import WorkerBase
from controller.errors import ConfigError
from controller.hosts import Host, open_host
from controller.schedulers import Queue as WorkerQueue

if TYPE_CHECKING:
    from controller.config import Project


class Machines:
    """Hosts and queues of a project's workers, each opened once.

    Parameters
    ----------
    project
        Says which workers there are.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._hosts: dict[str, Host] = {}
        self._queues: dict[str, WorkerQueue] = {}

    def worker(self, name: str) -> WorkerBase:
        """Return a worker.

        Raises
        ------
        ConfigError
            The project does not have it.
        """
        worker: WorkerBase | None = self._project.workers.get(name)
        if worker is None:
            raise ConfigError(f"the project has no worker {name!r}")
        return worker

    def host(self, name: str) -> Host:
        """Return the machine of a worker.

        Raises
        ------
        ConfigError
            There is no such worker, or this version cannot reach its machine.
        """
        if name not in self._hosts:
            self._hosts[name] = open_host(self.worker(name))
        return self._hosts[name]

    def queue(self, name: str) -> WorkerQueue:
        """Return the queue of a worker; errors as for `host`."""
        if name not in self._queues:
            worker = self.worker(name)
            self._queues[name] = WorkerQueue(
                worker.scheduler_type, self.host(name), worker.scheduler_username
            )
        return self._queues[name]
