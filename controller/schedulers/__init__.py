"""Queues: the submission script, and submitting, polling and cancelling through qtoolkit.

``queue`` submits and cancels jobs. It extends ``polling.QueueStates``, which queries the queue
about its jobs, and that extends ``attempts.Attempts``, which reads and prepares run directories.
"""

from controller.schedulers.queue import Queue
from controller.schedulers.queued_jobs import QueuedJob, Submission
from controller.schedulers.script import ScriptSpec, render_script

__all__ = ["Queue", "QueuedJob", "ScriptSpec", "Submission", "render_script"]
