"""The base class of the groups of methods of `JobController`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import ConfigError
from controller.operations.queue import Queue

if TYPE_CHECKING:
    from controller.config import Project


class ControllerGroup:
    """The data of every group of methods of `JobController`; it has no methods of its own.

    Attributes
    ----------
    queue
        The open collections.
    project
        The project they belong to; None if the controller was created from stores alone.
    """

    queue: Queue
    project: Project | None

    def _need_project(self) -> Project:
        if self.project is None:
            raise ConfigError(
                "this JobController was created without a project",
                hint="use JobController.from_project_name",
            )
        return self.project
