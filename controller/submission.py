"""Submit flows, and helpers for scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.config import ConfigManager
from controller.config.retries import plain_retries
from controller.config.store_limits import jobstore_limits
from controller.config.suggestions import no_such
from controller.errors import ConfigError, MissingStoreError, SubmissionError
from controller.jobcontroller import JobController
from controller.operations.flow_serialization import not_importable
from controller.operations.insertion import (
    AcceptedFlow,
    RunSettings,
    accept_data,
    accept_flow,
    insert_flow,
    plain_exec_config,
    plain_resources,
    retries_of,
    with_flow_metadata,
)
from controller.storage.jobstores import (
    additional_store_names,
    build_store,
    missing_store_names,
    needed_store_names,
    open_jobstore,
)
from controller.storage.opening import opens_directly

if TYPE_CHECKING:
    from jobflow.core.flow import Flow
    from jobflow.core.job import Job
    from jobflow.core.store import JobStore
    from qtoolkit.core.data_objects import QResources

    from controller.config import ExecutionConfig, Project


def submit_flow(
    flow: Flow | Job | list[Job],
    worker: str | None = None,
    project: str | None = None,
    exec_config: str | ExecutionConfig | None = None,
    resources: dict[str, Any] | QResources | None = None,
    priority: int = 0,
    allow_external_references: bool = False,
    jobstore: str | None = None,
) -> list[str]:
    """Submit a flow, which a runner will execute.

    Parameters
    ----------
    flow
        A Flow, or one or several jobs, from which a flow is made.
    worker
        Worker of the jobs without one of their own; None for the project's first worker.
    project
        Name of the project; None for the default one.
    exec_config, resources, priority
        Settings for jobs without their own.
    allow_external_references
        Accept references to jobs outside the flow.
    jobstore
        Name of an optional JobStore of the project, or None.

    Returns
    -------
    list
        The db_ids of the jobs, parents before children.

    Raises
    ------
    ConfigError
        Unknown worker, exec_config or jobstore.
    SubmissionError
        The flow cannot be accepted; nothing was submitted.
    """
    opened = ConfigManager().get_project(project)
    prepared = prepare_submission(
        opened,
        flow,
        SubmissionOptions(
            worker=worker,
            exec_config=exec_config,
            resources=resources,
            priority=priority,
            allow_external_references=allow_external_references,
            jobstore=jobstore,
        ),
    )
    with JobController.from_project(opened) as controller:
        return prepared.insert(controller)


@dataclass(frozen=True)
class SubmissionOptions:
    """Where and how the jobs of a flow run, as given to `submit_flow`.

    Attributes
    ----------
    metadata
        Metadata to add to that of the flow and all its jobs.
    """

    worker: str | None = None
    exec_config: str | ExecutionConfig | dict[str, Any] | None = None
    resources: dict[str, Any] | QResources | None = None
    priority: int = 0
    metadata: dict[str, Any] | None = None
    allow_external_references: bool = False
    jobstore: str | None = None


@dataclass(frozen=True)
class PreparedFlow:
    """A flow that the project accepts; nothing has been written.

    Attributes
    ----------
    flow
        The serialised flow, with its jobs.
    settings
        The settings of the jobs without their own.
    project
        The project.
    jobstore
        Name of an optional JobStore, None for the default one.
    """

    flow: AcceptedFlow
    settings: RunSettings
    project: Project
    jobstore: str | None

    def insert(self, controller: JobController) -> list[str]:
        """Write the flow; return the db_ids, parents before children."""
        return insert_flow(
            controller.queue,
            self.flow,
            self.settings,
            prefix=self.project.queue.db_id_prefix,
            jobstore=self.jobstore,
        )


def prepare_submission(project: Project, flow: Any, options: SubmissionOptions) -> PreparedFlow:
    """Check a flow and the names that it uses; opens no database.

    Parameters
    ----------
    flow
        An argument of `submit_flow`, or its serialised form, which is not decoded.

    Raises
    ------
    ConfigError
        Unknown worker, exec_config or jobstore.
    SubmissionError
        The flow cannot be accepted.
    """
    if not project.workers:
        raise ConfigError(
            f"project {project.name} has no worker", hint="add one to the project file"
        )
    settings = RunSettings(
        worker=options.worker or next(iter(project.workers)),
        exec_config=plain_exec_config(options.exec_config),
        resources=plain_resources(options.resources),
        priority=options.priority,
        retry=retries_of(options.exec_config),
    )
    accepted = _accept(flow, options)
    _check(project, accepted, settings, options.jobstore)
    return PreparedFlow(accepted, settings, project, options.jobstore)


def _accept(flow: Any, options: SubmissionOptions) -> AcceptedFlow:
    external = options.allow_external_references
    first = flow[0] if isinstance(flow, list) and flow else flow
    if isinstance(first, Mapping):
        return accept_data(flow, options.metadata, allow_external_references=external)
    if options.metadata:
        flow = with_flow_metadata(flow, options.metadata)
    return accept_flow(flow, allow_external_references=external)


def _check(
    project: Project, flow: AcceptedFlow, settings: RunSettings, jobstore: str | None
) -> None:
    """Raise if names are not defined in the project, before anything is written."""
    spec = project.jobstore_spec(jobstore)
    _refuse_unusable_stores(project, flow, spec)
    for job in flow.jobs:
        if problem := not_importable(job.data.get("function")):
            raise SubmissionError(
                f"the job {job.data['name']!r} cannot run: {problem}",
                hint="define it at the top level of a module, and import it from there",
            )
        own = settings.of_job(job.data["config"].get("manager_config") or {})
        _known("worker", own.worker, project.workers)
        if isinstance(own.exec_config, str):
            _known("exec_config", own.exec_config, project.exec_config)
        missing = missing_store_names(job.data, spec)
        if missing:
            raise MissingStoreError(
                f"the job {job.data['name']!r} needs the additional store "
                f"{', '.join(missing)}, which project {project.name} does not have",
                hint=f"known: {', '.join(sorted(additional_store_names(spec))) or 'none'}",
            )
    _known("worker", settings.worker, project.workers)
    if isinstance(settings.exec_config, str):
        _known("exec_config", settings.exec_config, project.exec_config)


def _refuse_unusable_stores(project: Project, flow: AcceptedFlow, spec: dict[str, Any]) -> None:
    """Refuse a JobStore that cannot store the outputs: jobs would run for nothing."""
    needed = {name for job in flow.jobs for name in needed_store_names(job.data)}
    for limit in jobstore_limits(spec):
        if limit.additional is None or limit.additional in needed:
            raise ConfigError(
                f"project {project.name} cannot store outputs: "
                f"{'.'.join(limit.place)}: {limit.message}",
                hint=limit.hint,
            )
    for store in (spec["docs_store"], *(spec.get("additional_stores") or {}).values()):
        if not opens_directly(store):
            build_store(store)  # jobflow has imported maggma by now: what cannot be built is told


def _known(what: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name in names:
        return
    raise ConfigError(f"there is no {what} {name!r}", hint=no_such(name, names))


def set_run_config(
    flow_or_job: Flow | Job,
    name_filter: str | None = None,
    function_filter: Callable[..., Any] | None = None,
    exec_config: str | ExecutionConfig | None = None,
    resources: dict[str, Any] | QResources | None = None,
    priority: int | None = None,
    worker: str | None = None,
    dynamic: bool = True,
    overwrite: bool = False,
    *,
    retry: list[dict[str, Any]] | dict[str, Any] | None = None,
) -> Flow | Job:
    """Set where and how jobs run, in the jobs themselves.

    Parameters
    ----------
    flow_or_job
        The Flow or Job, which is changed in place.
    name_filter
        Change only jobs whose name contains this.
    function_filter
        Change only jobs with this function.
    exec_config, resources, priority, worker
        None leaves a setting unchanged; ``resources={}`` means none, instead of the worker's.
    dynamic
        Also apply them to jobs created by these jobs.
    overwrite
        Replace earlier settings.
    retry
        Retry rules, one or several; see `RetryRule` and docs/retries.md. None leaves them
        unchanged, or takes those of ``exec_config``; ``[]`` means those of the worker.

    Returns
    -------
    Flow or Job
        The argument.

    Raises
    ------
    ArgumentError
        The retry rules cannot be used.
    """
    rules = plain_retries(retry)
    given = {
        "exec_config": plain_exec_config(exec_config),
        "resources": plain_resources(resources),
        "priority": priority,
        "worker": worker,
        "retry": retries_of(exec_config) if rules is None else rules,
    }
    config: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    if not config and not overwrite:
        return flow_or_job
    update: Any = (
        {"manager_config": config}
        if overwrite
        else {"_set": {f"manager_config->{key}": value for key, value in config.items()}}
    )
    flow_or_job.update_config(
        config=update,
        name_filter=name_filter,
        function_filter=function_filter,
        dynamic=dynamic,
        **({} if overwrite else {"dict_mod": True}),
    )
    return flow_or_job


def get_jobstore(project_name: str | None = None, jobstore_name: str | None = None) -> JobStore:
    """Return a JobStore of a project; connect it before use."""
    return open_jobstore(ConfigManager().get_project(project_name).jobstore_spec(jobstore_name))
