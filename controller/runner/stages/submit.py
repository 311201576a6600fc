"""UPLOADED -> SUBMITTED: the job is put in the worker's queue."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from controller.config import ExecutionConfig
from controller.documents import scheduler_of
from controller.errors import (
    EntryNotFoundError,
    NotYetError,
    OtherAttemptError,
    QueueBusyError,
)
from controller.operations.connections import SchedulerType
from controller.operations.pending_cleanup import PendingCleanup, request, run_pending
from controller.runner.context import RunnerContext
from controller.schedulers import Queue, ScriptSpec, render_script
from controller.schedulers.resources import stored_resources
from controller.states import JobState


def submit(context: RunnerContext, job: dict[str, Any]) -> dict[str, Any]:
    """Write the script and submit it; return the fields to set."""
    queue = context.queue(job["worker"])
    run_dir, remote = Path(job["run_dir"]), job.get("remote") or {}
    if context.is_elsewhere(job):
        # The project file has changed since: only that worker knows of an earlier submission.
        former = context.queue(job["worker"], scheduler_of(remote))
        if (found := former.submitted_before(run_dir, attempt_token(job))) is not None:
            return submitted_fields(found, former.identify(run_dir), scheduler_of(remote))
    token = attempt_token(job)
    if token and not context.is_near(job["worker"]) and not queue.is_uploaded(run_dir, token):
        return _back_to_upload(queue, run_dir, token)
    script = render_script(queue.scheduler, script_spec(context, job))
    try:
        process_id = queue.submit(run_dir, script, token)
    except OtherAttemptError:
        context.confirm_lock(
            job
        )  # raises an error that explains it, if another process has taken the job over
        raise
    except QueueBusyError as error:
        error.retry_in = context.refusals.pause(job["worker"])
        raise
    context.refusals.end(job["worker"])
    scheduler = context.worker(job["worker"]).scheduler_type
    return submitted_fields(process_id, queue.identify(run_dir), scheduler)


def _back_to_upload(queue: Queue, run_dir: Path, token: str) -> dict[str, Any]:
    """Give up an attempt whose folder is missing or incomplete; return the fields to set.

    The process that was creating it was interrupted; if it continues, it finds the attempt
    withdrawn.
    """
    if not queue.withdraw(run_dir, token):
        raise NotYetError(f"an interrupted submission in {run_dir} has not ended yet")
    return {"state": JobState.CHECKED_OUT.value, "remote.submission_token": None}


def submitted_fields(
    process_id: str, process: dict[str, Any] | None, scheduler: SchedulerType | None
) -> dict[str, Any]:
    """Return the fields to set of a job that was submitted to the queue of a scheduler."""
    return {
        "state": JobState.SUBMITTED.value,
        "remote.process_id": process_id,
        "remote.process": process,
        "remote.scheduler": scheduler,
        "remote.queue_state": None,
        "remote.queue_reason": None,
    }


def attempt_token(job: dict[str, Any]) -> str:
    """Return the token of the current attempt; attempts of earlier versions have none."""
    return (job.get("remote") or {}).get("submission_token") or ""


def withdraw(context: RunnerContext, job: dict[str, Any], process_id: str) -> None:
    """Cancel the submission of a job that was deleted at the same time.

    The deletion did not yet find anything to cancel. If another process took the job over, it finds
    the submission in the run directory.
    """
    queue = context.controller.queue
    if queue.jobs.find_one({"db_id": job["db_id"]}, ["_id"]) is not None:
        return
    submitted = {**job, "remote": {**(job.get("remote") or {}), "process_id": process_id}}
    request(queue, [PendingCleanup.for_job(submitted, cancel=True, deleted=True)])
    run_pending(queue, context.connections, (job["uuid"], job["index"]))


def script_spec(context: RunnerContext, job: dict[str, Any]) -> ScriptSpec:
    """Return the contents of the script of a job."""
    worker = context.worker(job["worker"])
    config = execution_config(context, job.get("exec_config"))
    resources = stored_resources(job.get("resources") or worker.resources or {})
    return ScriptSpec(
        run_dir=job["run_dir"],
        command=worker.command.replace("{}", shlex.quote(job["run_dir"])),
        name=job["job"].get("name") or "job",
        resources=resources,
        worker_pre_run=worker.pre_run,
        worker_post_run=worker.post_run,
        pre_run=config.pre_run,
        post_run=config.post_run,
        modules=config.modules or [],
        export=config.export or {},
        token=attempt_token(job),
    )


def execution_config(context: RunnerContext, given: Any) -> ExecutionConfig:
    """Return the execution configuration of a job, given by name or as a dictionary."""
    if given is None:
        return ExecutionConfig()
    if isinstance(given, str):
        known = context.project.exec_config
        if given not in known:
            raise EntryNotFoundError(f"the project has no exec_config {given!r}")
        return known[given]
    return ExecutionConfig.model_validate(given)
