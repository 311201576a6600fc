"""CHECKED_OUT -> UPLOADED: the run directory and the input file exist on the worker."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from controller.documents import flow_of
from controller.errors import RemoteError, StillRunningError
from controller.execution.files import (
    IN_FILE,
    StoreFiles,
    encode_input,
    job_store_description,
    run_dir_path,
    store_file_names,
)
from controller.hosts.ownership import Found
from controller.operations.cleanup import claim_run_dir, remove_run_dir
from controller.operations.pending_cleanup import run_pending
from controller.runner.context import RunnerContext
from controller.states import JobState
from controller.storage.outputs import reaching

if TYPE_CHECKING:
    from jobflow.core.store import JobStore


def upload(context: RunnerContext, job: dict[str, Any]) -> dict[str, Any]:
    """Write the input of a job, its references resolved; returns what to set."""
    flow_uuid = flow_of(job)
    spec = context.jobstore_spec(flow_uuid)
    worker, host = context.worker(job["worker"]), context.host(job["worker"])
    run_dir = run_dir_path(worker.work_dir, job["uuid"], job["index"])
    left = run_pending(context.controller.queue, context.connections, (job["uuid"], job["index"]))
    for entry in left.waiting:
        if entry.is_in_the_way_of(run_dir):
            raise StillRunningError(
                f"what ran of job {job['db_id']} before, on {entry.worker!r}, has not ended yet"
            )
    queue, confirm = context.queue(job["worker"]), partial(context.confirm_lock, job)
    if not queue.end_leftover(run_dir, confirm):
        raise StillRunningError(f"what ran of job {job['db_id']} before has not ended yet")
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
    return {
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


def resolved_job(body: dict[str, Any], store: Any) -> dict[str, Any]:
    """Return a serialised job whose references have been replaced by outputs.

    The job itself is not decoded: its function need not be importable here.

    Parameters
    ----------
    store
        Returns the connected JobStore; called only when there is a reference.
    """
    from jobflow.core.reference import find_and_get_references, find_and_resolve_references
    from monty.json import jsanitize

    config = body.get("config") or {}
    arguments = [body.get("function_args") or [], body.get("function_kwargs") or {}]
    if not config.get("resolve_references", True) or not find_and_get_references(arguments):
        return body
    on_missing = config.get("on_missing_references") or "error"
    if isinstance(on_missing, dict):
        on_missing = on_missing.get("value", "error")
    from jobflow.core.reference import OnMissing

    connected: JobStore = store()
    try:
        with reaching(connected):
            args, kwargs = find_and_resolve_references(
                arguments, connected, cache={}, on_missing=OnMissing(on_missing)
            )
    except ValueError as error:
        raise RemoteError(f"an input of the job cannot be found: {error}") from error
    return {
        **body,
        "function_args": jsanitize(args, strict=True, allow_bson=True),
        "function_kwargs": jsanitize(kwargs, strict=True, allow_bson=True),
    }
