"""What can happen to a project. Each function runs in a child and may die anywhere."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from typing import Any

from arena import Arena, Key, let_time_pass
from children import note

from controller.doctor import examine
from controller.jobcontroller import JobController
from controller.states import JobState

Document = dict[str, Any]
BEGUN = tuple(s for s in JobState if s not in (JobState.READY, JobState.WAITING))


def submit(arena: Arena, flow: Any) -> list[str]:
    """Submit a flow, or go on with a submission that died."""
    with arena.controller() as controller:
        return controller.add_flow(flow, "local")


def advance(arena: Arena, rounds: int, *, patient: bool) -> int:
    """Let a runner do some rounds; returns how many moved something."""
    if not patient:
        let_time_pass()
    with arena.runner() as runner:
        return sum(runner.advance() for _ in range(rounds))


def go_on(arena: Arena, rounds: int) -> list[str]:
    """Let a runner do some rounds, and more after its database failed; returns what it holds."""
    with arena.runner() as runner:
        for _ in range(rounds):
            runner._outage.attempt(runner.advance)
        left = {"lock_id": {"$ne": None}}
        held = [f"job {d['db_id']}" for d in runner.controller.jobs.find(left, ["db_id"])]
        return held + [f"flow {d['uuid']}" for d in runner.controller.flows.find(left, ["uuid"])]


def lose_run_dirs(arena: Arena) -> int:
    """Remove what lies in the work folder, as a cleared scratch disk; returns how much that was."""
    found = list((arena.folder / "work").iterdir())
    for folder in found:
        shutil.rmtree(folder)
    return len(found)


def held(arena: Arena) -> int:
    """How many jobs and flows are locked."""
    query = {"lock_id": {"$ne": None}}
    with arena.controller() as controller:
        return controller.jobs.count_documents(query) + controller.flows.count_documents(query)


def execute(arena: Arena, limit: int, *, vanish: bool) -> int:
    """Let the cluster run some of what it holds."""
    arena.cluster.start()
    return arena.cluster.work(limit, vanish=vanish)


def unlock(arena: Arena) -> int:
    """Free all foreign locks."""
    theirs = {"lock_id": "theirs"}
    with arena.controller() as controller:
        jobs = [d["db_id"] for d in controller.jobs.find(theirs, ["db_id"])]
        flows = [d["uuid"] for d in controller.flows.find(theirs, ["uuid"])]
        return int(bool(jobs) and controller.unlock_jobs(db_ids=jobs)) + int(
            bool(flows) and controller.unlock_flows(flow_ids=flows)
        )


def cure(arena: Arena, *, half_inserted: bool) -> int:
    """Let the doctor mend what it finds."""
    let_time_pass()
    with arena.controller() as controller:
        if half_inserted:
            note("deleted flows", [d["job"]["hosts"][-1] for d in _without_flow(controller)])
        return len(examine(controller, fix=True, half_inserted=half_inserted).mended)


def _without_flow(controller: JobController) -> list[Document]:
    known = {d["uuid"] for d in controller.flows.find({}, ["uuid"])}
    return [d for d in _jobs(controller) if d["job"]["hosts"][-1] not in known]


# ---------------------------------------------------------------------- operators


def pause(controller: JobController, ids: list[str]) -> Any:
    """Hold jobs back."""
    return controller.pause_jobs(db_ids=ids, raise_on_error=False)


def resume(controller: JobController, ids: list[str]) -> Any:
    """Let jobs go on; those that were stopped while they ran run again."""
    note("may run again", _keys(controller, ids))
    return controller.resume_jobs(db_ids=ids, raise_on_error=False)


def stop(controller: JobController, ids: list[str]) -> Any:
    """End jobs."""
    return controller.stop_jobs(db_ids=ids, raise_on_error=False)


def rerun(controller: JobController, ids: list[str]) -> Any:
    """Run jobs again."""
    note("may run again", _keys(controller, ids))
    return controller.rerun_jobs(db_ids=ids, raise_on_error=False)


def rerun_force(controller: JobController, ids: list[str]) -> Any:
    """Run jobs again with all that depends on them."""
    note("may run again", _with_descendants(controller, ids))
    return controller.rerun_jobs(db_ids=ids, force=True, raise_on_error=False)


def retry(controller: JobController, ids: list[str]) -> Any:
    """Let failed steps be tried again."""
    return controller.retry_jobs(db_ids=ids, raise_on_error=False)


def set_failed(controller: JobController, ids: list[str]) -> Any:
    """Call finished jobs failed."""
    return controller.set_jobs_state(
        JobState.FAILED, db_ids=_finished(controller, ids), raise_on_error=False
    )


def set_completed(controller: JobController, ids: list[str]) -> Any:
    """Call finished jobs completed, with or without an output."""
    finished = _finished(controller, ids)
    note("set by hand", _keys(controller, finished))
    return controller.set_jobs_state(JobState.COMPLETED, db_ids=finished, raise_on_error=False)


def set_ready(controller: JobController, ids: list[str]) -> Any:
    """Let finished jobs begin again, by hand."""
    finished = _finished(controller, ids)
    note("may run again", _keys(controller, finished))
    return controller.set_jobs_state(JobState.READY, db_ids=finished, raise_on_error=False)


def set_priority(controller: JobController, ids: list[str]) -> Any:
    """Give jobs another priority."""
    return controller.set_job_run_properties(db_ids=ids, priority=7, raise_on_error=False)


def delete_jobs(controller: JobController, ids: list[str]) -> Any:
    """Delete jobs, and leave their files and outputs."""
    _note_deletion(controller, ids)
    return controller.delete_jobs(db_ids=ids, raise_on_error=False)


def delete_jobs_wholly(controller: JobController, ids: list[str]) -> Any:
    """Delete jobs with files and outputs."""
    _note_deletion(controller, ids)
    return controller.delete_jobs(
        db_ids=ids, delete_files=True, delete_output=True, raise_on_error=False
    )


def _note_deletion(controller: JobController, ids: list[str]) -> None:
    note("deleted", _keys(controller, ids))
    note("loosened", [d["job"]["hosts"][-1] for d in _jobs(controller) if d["db_id"] in ids])


def delete_flow(controller: JobController, ids: list[str]) -> Any:
    """Delete the flow of a job, with files."""
    uuids = sorted({d["job"]["hosts"][-1] for d in _jobs(controller) if d["db_id"] in ids[:1]})
    note("deleted flows", uuids)
    return controller.delete_flows(uuids, delete_files=True, delete_output=True) if uuids else []


def resume_flow(controller: JobController, ids: list[str]) -> Any:
    """Let a flow go on."""
    if not ids:
        return 0
    note("may run again", [(d["uuid"], d["index"]) for d in _jobs(controller)])
    return controller.resume_flow(db_id=ids[0])


def lock_as_others_do(controller: JobController, ids: list[str]) -> int:
    """Lock a job, or a flow, as jobflow-remote does: without a lease."""
    collection = controller.queue.flows if len(ids) > 1 else controller.queue.jobs
    job = controller.jobs.find_one({"db_id": ids[0]}, ["uuid"])
    if job is None:
        return 0
    own = {"jobs": job["uuid"]} if len(ids) > 1 else {"uuid": job["uuid"]}
    return collection.update_many(
        {**own, "lock_id": None}, {"$set": {"lock_id": "theirs", "lock_time": None}}
    ).modified_count


def lapse(controller: JobController, ids: list[str]) -> int:
    """Make locks of processes that ended look as if their hosts could not be asked."""
    moved = 0
    for collection in (controller.queue.jobs, controller.queue.flows):
        moved += collection.update_many(
            {"lock_id": {"$ne": None}, "lock_lease.id": {"$exists": True}},
            {"$set": {"lock_lease.owner.host": "elsewhere"}},
        ).modified_count
    return moved


def die_holding(controller: JobController, ids: list[str]) -> None:
    """Die with a job and its flow locked."""
    with controller.lock_job_flow(db_id=ids[0]):
        os.kill(os.getpid(), signal.SIGKILL)


def die_holding_flow(controller: JobController, ids: list[str]) -> None:
    """Die with a flow locked."""
    with controller.lock_flow(filter={"ids": {"$exists": True}}):
        os.kill(os.getpid(), signal.SIGKILL)


OPERATORS: dict[str, Callable[[JobController, list[str]], Any]] = {
    action.__name__: action
    for action in (
        pause,
        resume,
        stop,
        rerun,
        rerun_force,
        retry,
        set_failed,
        set_completed,
        set_ready,
        set_priority,
        delete_jobs,
        delete_jobs_wholly,
        delete_flow,
        resume_flow,
        lock_as_others_do,
        lapse,
        die_holding,
        die_holding_flow,
    )
}


def operate(arena: Arena, name: str, pick: int, count: int) -> int:
    """Do something to some jobs; returns how many changed."""
    with arena.controller() as controller:
        documents = list(controller.jobs.find({}, ["db_id"]))
        documents.sort(key=lambda d: (len(d["db_id"]), d["db_id"]))
        ids = [d["db_id"] for d in _chosen(documents, pick, count)]
        if not ids:
            return 0
        done = OPERATORS[name](controller, ids)
        return done if isinstance(done, int) else len(done)


def _chosen(documents: list[Document], pick: int, count: int) -> list[Document]:
    start = pick % len(documents) if documents else 0
    return [*documents[start:], *documents[:start]][:count]


def _jobs(controller: JobController) -> list[Document]:
    return list(
        controller.jobs.find({}, ["db_id", "uuid", "index", "state", "parents", "job.hosts"])
    )


def _keys(controller: JobController, ids: list[str]) -> list[Key]:
    return [(d["uuid"], d["index"]) for d in _jobs(controller) if d["db_id"] in ids]


def _finished(controller: JobController, ids: list[str]) -> list[str]:
    ends = (JobState.COMPLETED, JobState.FAILED)
    return [d["db_id"] for d in _jobs(controller) if d["db_id"] in ids and d["state"] in ends]


def _with_descendants(controller: JobController, ids: list[str]) -> list[Key]:
    jobs = _jobs(controller)
    uuids = {d["uuid"] for d in jobs if d["db_id"] in ids}
    grown = True
    while grown:
        more = {d["uuid"] for d in jobs if uuids & set(d["parents"] or ())} - uuids
        grown = bool(more)
        uuids |= more
    return [(d["uuid"], d["index"]) for d in jobs if d["uuid"] in uuids]
