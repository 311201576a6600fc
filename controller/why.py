"""Collect the facts that explain why a job does not run."""

from __future__ import annotations

from controller.documents import BatchDoc, JobInfo, RemoteInfo, utc_now
from controller.identity import named_process
from controller.leases import live_lease, owner_is_dead
from controller.operations.batch_record import ACTIVE
from controller.operations.runner_record import live_runner
from controller.operations.worker_outages import outage_of
from controller.reader import QueueReader
from controller.rules.flows import newest_by_uuid
from controller.rules.readiness import on_missing_of
from controller.rules.why import JobFacts, ParentFacts, Reason, why_not_running
from controller.states import QUEUED_STATES, JobState

_CLAIMED = (JobState.CHECKED_OUT, JobState.UPLOADED, *QUEUED_STATES)


def why(controller: QueueReader, job: JobInfo) -> list[Reason]:
    """Return why a job does not run, the most important reason first. Locks nothing."""
    return why_not_running(job_facts(controller, job))


def job_facts(controller: QueueReader, job: JobInfo) -> JobFacts:
    """Read the facts about a job and its environment. Locks nothing."""
    doc = controller.queue.jobs.find_one(
        {"db_id": job.db_id},
        ["lock_id", "lock_lease", "attempts", "job.config.on_missing_references"],
    )
    lease = live_lease(doc or {})
    owner = (lease or {}).get("owner") or {}
    worker = controller.project.workers.get(job.worker) if controller.project else None
    refused = _refused(controller, job)
    outage = outage_of(controller.queue, job.worker)
    return JobFacts(
        db_id=job.db_id,
        state=job.state,
        previous_state=job.previous_state,
        now=utc_now(),
        error=job.error,
        remote_error=job.remote.error,
        cause=job.error_cause,
        attempts=job.remote.step_attempts,
        retry_on=refused.retry_time_limit or job.remote.retry_time_limit,
        last_attempt=next(iter((doc or {}).get("attempts", [])[-1:]), None),
        parents=_parents(controller, job),
        on_missing=on_missing_of(doc or {}),
        worker=job.worker,
        worker_problem=_worker_problem(controller, job.worker),
        max_jobs=worker.max_jobs if worker and not worker.is_batch else None,
        pilots=_pilots(controller, job),
        present=_present(controller, job),
        ahead=_ahead(controller, job),
        lock_id=job.lock_id,
        lock_owner=named_process(owner) if lease else None,
        owner_is_dead=owner_is_dead(owner),
        runner_is_live=live_runner(controller.queue) is not None,
        process_id=job.remote.process_id,
        queue_state=job.remote.queue_state,
        queue_reason=refused.queue_reason,
        outage=outage.problem if outage else None,
        outage_hint=outage.hint if outage else None,
        outage_ends=outage.retry_on if outage else None,
    )


def _refused(controller: QueueReader, job: JobInfo) -> RemoteInfo:
    """Return the facts about a job in its queue or, if not submitted, about a refused one."""
    if job.state is not JobState.UPLOADED or job.remote.queue_reason:
        return job.remote
    query = {
        "worker": job.worker,
        "state": JobState.UPLOADED.value,
        "remote.queue_reason": {"$ne": None},
    }
    found = controller.queue.jobs.find_one(
        query, ["remote.queue_reason", "remote.retry_time_limit"], sort=[("updated_on", -1)]
    )
    return RemoteInfo.model_validate(found["remote"]) if found else job.remote


def _pilots(controller: QueueReader, job: JobInfo) -> str:
    """Describe the activity of the pilots that may take a job from the pool."""
    if job.state is not JobState.BATCH_SUBMITTED:
        return ""
    active = {"worker": job.worker, "batch_state": ACTIVE}
    found = [BatchDoc.model_validate(doc) for doc in controller.queue.batches.find(active)]
    return "; ".join(f"{pilot.process_id} {pilot.what_it_does}" for pilot in found[:3])


def _parents(controller: QueueReader, job: JobInfo) -> tuple[ParentFacts, ...]:
    wanted = job.parents or []
    if job.state is not JobState.WAITING or not wanted:
        return ()
    found = controller.queue.jobs.find(
        {"uuid": {"$in": wanted}}, ["uuid", "index", "db_id", "state", "job.name"]
    )
    newest = newest_by_uuid(found)
    return tuple(
        ParentFacts(
            uuid,
            newest[uuid]["db_id"],
            newest[uuid]["job"].get("name") or "",
            JobState(newest[uuid]["state"]),
        )
        if uuid in newest
        else ParentFacts(uuid)
        for uuid in wanted
    )


def _worker_problem(controller: QueueReader, name: str) -> str | None:
    workers = controller.project.workers if controller.project else {}
    if name in workers or not workers:
        return None
    return f"the project has no worker {name} (it has {', '.join(sorted(workers))})"


def _present(controller: QueueReader, job: JobInfo) -> int:
    """Count the jobs that count towards the worker's limit for the next step of this one."""
    counted = QUEUED_STATES if job.state is JobState.UPLOADED else _CLAIMED
    states = [state.value for state in counted]
    return controller.queue.jobs.count_documents({"worker": job.worker, "state": {"$in": states}})


def _ahead(controller: QueueReader, job: JobInfo) -> int:
    """Count the READY jobs that a runner claims before this one."""
    if job.state is not JobState.READY:
        return 0
    earlier = [
        {"priority": {"$gt": job.priority}},
        {"priority": job.priority, "created_on": {"$lt": job.created_on}},
    ]
    return controller.queue.jobs.count_documents(
        {"worker": job.worker, "state": JobState.READY.value, "$or": earlier}
    )
