"""Submit flows to the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.api.base import ControllerGroup
from controller.operations.chunks import no_garbage_expected
from controller.operations.insertion import (
    RunSettings,
    accept_flow,
    insert_flow,
    plain_exec_config,
    plain_resources,
)

if TYPE_CHECKING:
    from jobflow.core.flow import Flow
    from jobflow.core.job import Job
    from qtoolkit.core.data_objects import QResources

    from controller.config import ExecutionConfig


class FlowLifecycle(ControllerGroup):
    """Methods that add flows."""

    def add_flow(
        self,
        flow: Flow | Job | list[Job],
        worker: str,
        allow_external_references: bool = False,
        exec_config: ExecutionConfig | dict[str, Any] | str | None = None,
        resources: dict[str, Any] | QResources | None = None,
        priority: int = 0,
        jobstore: str | None = None,
    ) -> list[str]:
        """Add a flow: all of its jobs or none.

        On engines without transactions, an interrupted call leaves nothing that could run;
        adding the same flow again continues where it stopped.

        Parameters
        ----------
        flow
            A Flow, or one or several jobs, which become a flow.
        worker
            Worker of the jobs that do not name their own.
        allow_external_references
            Accept references to jobs outside the flow.
        exec_config, resources, priority
            The exec config, resources and priority of the jobs that do not have their own.
        jobstore
            Name of an optional JobStore of the project; None for the default one.

        Returns
        -------
        list
            The db_ids, parents before children.

        Raises
        ------
        SubmissionError
            The flow is empty, circular, refers to other jobs, or was submitted before.
        """
        settings = RunSettings(
            worker=worker,
            exec_config=plain_exec_config(exec_config),
            resources=plain_resources(resources),
            priority=priority,
        )
        prefix = self.project.queue.db_id_prefix if self.project else None
        with no_garbage_expected():
            # No name for the accepted flow: it must be gone when the collector resumes.
            return insert_flow(
                self.queue,
                accept_flow(flow, allow_external_references=allow_external_references),
                settings,
                prefix=prefix,
                jobstore=jobstore,
            )
