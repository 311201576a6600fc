"""Queues: the submission script, and submitting, polling and cancelling through qtoolkit.

``queue`` submits and cancels; it is a ``states.QueueStates``, which asks the queue about its jobs,
and that is ``attempts.Attempts``, which knows what their run directories say.
"""

from controller.schedulers.queue import Queue
from controller.schedulers.queued_jobs import QueuedJob, Submission
from controller.schedulers.script import ScriptSpec, render_script

__all__ = ["Queue", "QueuedJob", "ScriptSpec", "Submission", "render_script"]
