"""jfr's controller: keeps the state of every job in a database and moves it along.

What is where, from the bottom up; a module imports only from those above it in this list:

``identity late_binding``   which process of which boot; methods whose functions live higher up
``states errors``          the vocabulary; what goes wrong
``paths safe_text``        paths made of names that others choose; such texts where they are shown
``config``                 project files, workers, settings
``documents``              what the database holds, and the lighter views of it
``rules filters graphs``   who may do what in which state; arguments -> filter; the structure of a
                           flow, and pictures of it. Pure functions
``storage hosts schedulers``   adapters: databases, machines, queues
``leases locks bulk_locks execution``   who works on documents, and lives; what runs on the worker
``operations``             the work that several groups share
``api``                    the public groups of methods
``jobcontroller``          `JobController`, those groups under one name
``submission report``      submit a flow; how jobs and flows stand
``checks doctor``          whether a project can be used; what is wrong in a queue, and mending it
``runner``                 the process that runs jobs
``examples testing``       jobs to try things out with

Scripts written for jobflow-remote change ``jobflow_remote`` to ``controller`` in their imports.
For them some names can also be found in ``jobs.state``, ``jobs.data``, ``utils.db`` and so on:
modules of a few lines that hold nothing of their own.

The public names are loaded when they are first asked for, so that ``import controller`` is cheap;
so are the functions of methods such as ``Project.get_job_controller`` (`late_binding`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from controller.late_binding import bind

if TYPE_CHECKING:  # what late-bound methods return, for the annotations of their classes
    from controller.hosts import Host as Host
    from controller.jobcontroller import JobController as JobController

__version__ = "0.1.0"

_PUBLIC = {
    "JobController": "controller.jobcontroller",
    "submit_flow": "controller.submission",
    "set_run_config": "controller.submission",
    "get_jobstore": "controller.submission",
    "get_flow_leafs": "controller.rules",
    "ConfigManager": "controller.config",
    "ConfigError": "controller.errors",
    "ExecutionConfig": "controller.config",
    "LocalWorker": "controller.config",
    "Project": "controller.config",
    "ProjectData": "controller.config",
    "RemoteWorker": "controller.config",
    "RunnerOptions": "controller.config",
    "JobflowRemoteSettings": "controller.config",
    "SETTINGS": "controller.config",
    "JobState": "controller.states",
    "FlowState": "controller.states",
    "BatchState": "controller.states",
    "JobInfo": "controller.documents",
    "JobDoc": "controller.documents",
    "FlowInfo": "controller.documents",
    "FlowDoc": "controller.documents",
    "BatchDoc": "controller.documents",
    "DbCollection": "controller.documents",
    "DynamicResponseType": "controller.documents",
    "RemoteInfo": "controller.documents",
    "Host": "controller.hosts",
    "Runner": "controller.runner",
    "FlowTrends": "controller.report",
    "FlowsReport": "controller.report",
    "JobTrends": "controller.report",
    "JobsReport": "controller.report",
    "get_dot": "controller.graphs",
    "get_graph": "controller.graphs",
    "get_mermaid": "controller.graphs",
    "get_svg": "controller.graphs",
    "get_tree": "controller.graphs",
    "MongoLock": "controller.locks",
    "DatabaseUpgrader": "controller.operations.upgrade",
    "CURRENT_JOBDOC": "controller.execution",
    "ControllerError": "controller.errors",
    "LockedDocumentError": "controller.errors",
    "JobLockedError": "controller.errors",
    "FlowLockedError": "controller.errors",
    "RunnerLockedError": "controller.errors",
    "LockLostError": "controller.errors",
    "NotFoundError": "controller.errors",
    "JobNotFoundError": "controller.errors",
    "FlowNotFoundError": "controller.errors",
    "BatchNotFoundError": "controller.errors",
    "MissingDocumentError": "controller.errors",
    "RemoteError": "controller.errors",
}

__all__ = ["__version__", *_PUBLIC]

bind(  # methods of classes that must not know where this is done
    {
        "FlowState.from_jobs_states": "controller.rules:flow_state",
        "Project.get_job_controller": "controller.jobcontroller:JobController.from_project",
        "Project.get_jobstore": "controller.storage.jobstores:open_jobstore",
        "Project.get_queue_store": "controller.storage.jobstores:build_store",
        "Worker.get_host": "controller.hosts:open_host",
        "Worker.get_scheduler_io": "controller.schedulers.building:build_scheduler",
    }
)


def __getattr__(name: str) -> Any:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
