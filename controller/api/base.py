"""What every group of methods of `JobController` derives from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import ConfigError
from controller.operations.queue import Queue
from controller.storage.base import Collection

if TYPE_CHECKING:
    from controller.config import Project


class ControllerGroup:
    """What every group of methods of `JobController` works on. Holds data only.

    Attributes
    ----------
    queue
        The open collections.
    project
        The project they belong to; None when the controller was made from stores alone.
    """

    queue: Queue
    project: Project | None

    @property
    def jobs(self) -> Collection:
        """The jobs' collection."""
        return self.queue.jobs

    @property
    def flows(self) -> Collection:
        """The flows' collection."""
        return self.queue.flows

    @property
    def auxiliary(self) -> Collection:
        """The auxiliary collection."""
        return self.queue.auxiliary

    @property
    def batches(self) -> Collection:
        """The batch processes' collection."""
        return self.queue.batches

    def _need_project(self) -> Project:
        if self.project is None:
            raise ConfigError(
                "this JobController was made without a project",
                hint="use JobController.from_project_name",
            )
        return self.project
