"""`JobController`: everything that can be asked of, and done to, the jobs of a project."""

from __future__ import annotations

from controller.administration import Administration
from controller.backups import Backups
from controller.batches import Batches
from controller.flows.control import FlowControl
from controller.flows.deletion import FlowDeletion
from controller.flows.lifecycle import FlowLifecycle
from controller.flows.stores import FlowStores
from controller.jobs.control import JobControl
from controller.jobs.deletion import JobDeletion
from controller.jobs.files import JobFiles
from controller.jobs.lifecycle import JobLifecycle
from controller.jobs.locking import JobLocking
from controller.jobs.properties import JobProperties
from controller.jobs.restart import JobRestart
from controller.jobs.results import JobResults
from controller.reader import QueueReader
from controller.runner_records import RunnerRecords
from controller.statistics import Statistics
from controller.unlocking import Unlocking
from controller.versions import Versions


class JobController(
    QueueReader,
    JobLifecycle,
    JobLocking,
    JobControl,
    JobRestart,
    JobProperties,
    JobDeletion,
    JobFiles,
    JobResults,
    FlowLifecycle,
    FlowControl,
    FlowDeletion,
    FlowStores,
    Statistics,
    Batches,
    Unlocking,
    RunnerRecords,
    Versions,
    Backups,
    Administration,
):
    """Access to the queue and the outputs of one project.

    It can be used by several threads, and as a context manager, which closes it.

    Its parameters are those of `QueueReader`.
    """
