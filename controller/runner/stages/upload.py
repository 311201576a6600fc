"""CHECKED_OUT -> UPLOADED: the run directory and the input file are created on the worker."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from controller.documents import flow_of, utc_now
from controller.documents.attempts import with_withdrawn
from controller.errors import RemoteError, StillRunningError
from controller.execution.files import (
    IN_FILE,
    StoreFiles,
    encode_input,
    job_store_description,
    run_dir_path,
    store_file_names,
)
from controller.execution.references import resolved_job
from controller.hosts.ownership import Found
from controller.operations.cleanup import claim_run_dir, remove_run_dir
from controller.operations.pending_cleanup import run_pending
from controller.runner.context import RunnerContext
from controller.states import JobState
from controller.storage.outputs import missing_store_names


def upload(context: RunnerContext, job: dict[str, Any]) -> dict[str, Any]:
    """Write the input of a job, with references resolved; return the fields to set."""
    flow_uuid = flow_of(job)
    spec = context.jobstore_spec(flow_uuid)
    if missing := missing_store_names(job["job"], spec):
        raise RemoteError(
            f"the job needs the additional store {', '.join(missing)}, which project "
            f"{context.project.name} does not have: add it to the project file, then retry the job",
            no_retry=True,
        )
    worker, host = context.worker(job["worker"]), context.host(job["worker"])
    run_dir = run_dir_path(worker.work_dir, job["uuid"], job["index"])
    left = run_pending(context.controller.queue, context.connections, (job["uuid"], job["index"]))
    for entry in left.waiting:
        if entry.is_in_the_way_of(run_dir):
            raise StillRunningError(
                f"the previous process of job {job['db_id']} on {entry.worker!r} has not ended"
            )
    queue, confirm = context.queue(job["worker"]), partial(context.confirm_lock, job)
    if not queue.end_leftover(run_dir, confirm):
        raise StillRunningError(f"the previous process of job {job['db_id']} has not ended yet")
    body = resolved_job(job["job"], lambda: context.jobstore(flow_uuid))
    files = files_of_outputs(context, spec)
    content = encode_input(body, job_store_description(run_dir, files, spec), job)
    remote_info = job.get("remote") or {}
    token, before = uuid4().hex, remote_info.get("submission_token")
    if remote_info.get("prerun_cleanup"):
        remove_run_dir(host, run_dir, confirm=confirm, token=before)
        before = None

    def begin(owner: str | None) -> Found | None:
        return queue.begin_attempt(run_dir, token, put={IN_FILE: content}, before=owner)

    claim_run_dir(host, run_dir, begin, confirm=confirm, before=before)
    attempts = with_withdrawn(job, now=utc_now())
    return {
        **({} if attempts is None else {"attempts": attempts}),
        "state": JobState.UPLOADED.value,
        "run_dir": str(run_dir),
        "remote.prerun_cleanup": False,
        "remote.submission_token": token,
        "remote.process": None,
    }


def files_of_outputs(context: RunnerContext, spec: dict[str, Any]) -> StoreFiles:
    """Return the names of the files that carry the outputs of a job, given its JobStore."""
    remote = context.project.remote_jobstore
    return store_file_names(
        set(spec.get("additional_stores") or {}),
        remote.store if remote else "maggma_json",
        bool(remote and remote.zip),
        remote.extension if remote else None,
    )
