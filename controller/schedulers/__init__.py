"""Queues: the submission script, and submitting, polling and cancelling through qtoolkit."""

from controller.schedulers.queue import Queue, QueuedJob, Submission
from controller.schedulers.script import ScriptSpec, render_script

__all__ = ["Queue", "QueuedJob", "ScriptSpec", "Submission", "render_script"]
