"""CHECKED_OUT -> UPLOADED: the run directory and the input file are created on the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from controller.documents import flow_of, scheduler_of, utc_now
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
from controller.operations.connections import SchedulerType
from controller.operations.pending_cleanup import run_pending
from controller.runner.context import RunnerContext
from controller.states import JobState
from controller.storage.jobstores import missing_store_names


@dataclass(frozen=True)
class Upload:
    """The plan of an upload, made without contacting the worker.

    Attributes
    ----------
    run_dir
        The run directory of the attempt.
    token
        The token of the new attempt.
    put
        {name: content} of the files to write.
    scheduler
        The scheduler to which the attempt will be submitted.
    before
        Token of the attempt that the folder should belong to.
    before_removal
        Whether files of an earlier run are removed first.
    attempts
        The attempts of the job, if they change.
    """

    run_dir: Path
    token: str
    put: Mapping[str, bytes]
    scheduler: SchedulerType
    before: str | None
    before_removal: bool
    attempts: list[dict[str, Any]] | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The fields to set of the job when the upload is done."""
        return {
            **({} if self.attempts is None else {"attempts": self.attempts}),
            "state": JobState.UPLOADED.value,
            "run_dir": str(self.run_dir),
            "remote.prerun_cleanup": False,
            "remote.submission_token": self.token,
            "remote.process": None,
            "remote.scheduler": self.scheduler,
        }


def prepare_upload(
    context: RunnerContext,
    job: dict[str, Any],
    spec: dict[str, Any] | None = None,
    *,
    may_be_pending: bool = True,
) -> Upload:
    """Plan the upload of a job and resolve its references.

    Parameters
    ----------
    spec
        Description of the JobStore of its flow; None to look it up.
    may_be_pending
        Whether there may be pending clean-up of the job.

    Raises
    ------
    RemoteError
        The job needs a store that the project does not have.
    StillRunningError
        A process of an earlier attempt has not ended yet.
    """
    flow_uuid = flow_of(job)
    spec = context.jobstore_spec(flow_uuid) if spec is None else spec
    if missing := missing_store_names(job["job"], spec):
        raise RemoteError(
            f"the job needs the additional store {', '.join(missing)}, which project "
            f"{context.project.name} does not have: add it to the project file, then retry the job",
            no_retry=True,
        )
    worker = context.worker(job["worker"])
    run_dir = run_dir_path(worker.work_dir, job["uuid"], job["index"])
    if may_be_pending:
        _clean_up_before(context, job, run_dir)
    body = resolved_job(job["job"], lambda: context.output_store(flow_uuid))
    files = files_of_outputs(context, spec)
    content = encode_input(body, job_store_description(run_dir, files, spec), job)
    remote_info = job.get("remote") or {}
    return Upload(
        run_dir,
        uuid4().hex,
        {IN_FILE: content},
        "shell" if worker.is_batch else worker.scheduler_type,
        remote_info.get("submission_token"),
        bool(remote_info.get("prerun_cleanup")),
        with_withdrawn(job, now=utc_now()),
    )


def _clean_up_before(context: RunnerContext, job: dict[str, Any], run_dir: Path) -> None:
    left = run_pending(context.controller.queue, context.connections, (job["uuid"], job["index"]))
    for entry in left.waiting:
        if entry.is_in_the_way_of(run_dir):
            raise StillRunningError(
                f"the previous process of job {job['db_id']} on {entry.worker!r} has not ended"
            )


def upload(context: RunnerContext, job: dict[str, Any]) -> dict[str, Any]:
    """Resolve the references of a job and write its input; return the fields to set."""
    made = prepare_upload(context, job)
    host, run_dir, before = context.host(job["worker"]), made.run_dir, made.before
    queue, confirm = context.job_queue(job["worker"]), partial(context.confirm_lock, job)
    known = scheduler_of(job.get("remote") or {})
    former = context.queue(job["worker"], known) if known else queue
    if not former.end_leftover(run_dir, confirm):
        raise StillRunningError(f"the previous process of job {job['db_id']} has not ended yet")
    if made.before_removal:
        remove_run_dir(host, run_dir, confirm=confirm, token=before)
        before = None

    def begin(owner: str | None) -> Found | None:
        return queue.begin_attempt(run_dir, made.token, put=made.put, before=owner)

    claim_run_dir(host, run_dir, begin, confirm=confirm, before=before)
    return made.fields


def files_of_outputs(context: RunnerContext, spec: dict[str, Any]) -> StoreFiles:
    """Return the names of the files that carry the outputs of a job, given its JobStore."""
    remote = context.project.remote_jobstore
    return store_file_names(
        set(spec.get("additional_stores") or {}),
        remote.store if remote else "maggma_json",
        bool(remote and remote.zip),
        remote.extension if remote else None,
    )
