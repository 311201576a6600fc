"""`JobController`: everything that can be asked of, and done to, the jobs of a project."""

from __future__ import annotations

from controller.api.administration import Administration
from controller.api.backups import Backups
from controller.api.batches import Batches
from controller.api.flow_archive import FlowArchive
from controller.api.flow_control import FlowControl
from controller.api.flow_deletion import FlowDeletion
from controller.api.flow_stores import FlowStores
from controller.api.flow_submission import FlowLifecycle
from controller.api.job_control import JobControl
from controller.api.job_deletion import JobDeletion
from controller.api.job_files import JobFiles
from controller.api.job_lifecycle import JobLifecycle
from controller.api.job_logs import JobLogs
from controller.api.job_properties import JobProperties
from controller.api.job_restart import JobRestart
from controller.api.job_results import JobResults
from controller.api.locking import JobLocking
from controller.api.runner_records import RunnerRecords
from controller.api.statistics import Statistics
from controller.api.unlocking import Unlocking
from controller.api.versions import Versions
from controller.reader import QueueReader


class JobController(
    QueueReader,
    JobLifecycle,
    JobLocking,
    JobControl,
    JobRestart,
    JobProperties,
    JobDeletion,
    JobFiles,
    JobLogs,
    JobResults,
    FlowLifecycle,
    FlowControl,
    FlowDeletion,
    FlowArchive,
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
