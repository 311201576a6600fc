"""Refuse changes to a project while a runner serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import StorageError
from controller.jobcontroller import JobController
from controller.operations.runner_record import refuse_beside_runner

if TYPE_CHECKING:
    from controller.config import Project


def refuse_while_served(project: Project, action: str, *, unreachable_is_fine: bool) -> None:
    """Refuse an action while a live runner serves a project's database.

    Parameters
    ----------
    unreachable_is_fine
        Pass if the database cannot be reached, so that a broken project can be repaired.

    Raises
    ------
    RunningRunnerError
        There is one.
    """
    try:
        with JobController.from_project(project) as controller:
            refuse_beside_runner(controller.queue, action)
    except StorageError:
        if not unreachable_is_fine:
            raise
