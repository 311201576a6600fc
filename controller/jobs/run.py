"""The place where scripts for jobflow-remote look for it: see `controller.execution`."""

from controller.execution import CURRENT_JOBDOC
from controller.execution.run import run_remote_job

__all__ = [
    "CURRENT_JOBDOC",
    "run_remote_job",
]
