"""UPLOADED -> BATCH_SUBMITTED: the script of a job is written, and the job put into the pool."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controller.config import ExecutionConfig
from controller.config.amounts import seconds, slurm_seconds
from controller.config.workers import WorkerBase
from controller.errors import StorageUnavailableError
from controller.operations.batch_pool import BatchPool, Placed
from controller.rules.pilots import deaths_of
from controller.rules.pool_files import Entry
from controller.runner.context import RunnerContext
from controller.runner.stages.submit import attempt_token, execution_config
from controller.schedulers import ScriptSpec, render_script
from controller.states import JobState

Job = dict[str, Any]
Answer = dict[str, Any] | Exception


def put(context: RunnerContext, job: Job) -> dict[str, Any]:
    """Put a job into the pool of its worker; return the fields to set."""
    (answer,) = put_many(context, [job])
    if isinstance(answer, Exception):
        raise answer
    return answer


def put_many(context: RunnerContext, jobs: Sequence[Job]) -> list[Answer]:
    """Put jobs of one worker into its pool, in one round trip; see `put`."""
    answers: dict[int, Answer] = {}
    placed: dict[int, Placed] = {}
    for number, job in enumerate(jobs):
        try:
            placed[number] = _placed(context, job)
        except StorageUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 (it is recorded with the job)
            answers[number] = error
    if placed:
        found = pool_of(context, jobs[0]["worker"]).put(list(placed.values()))
        for number, refusal in zip(placed, found):
            answers[number] = refusal or {
                "state": JobState.BATCH_SUBMITTED.value,
                "remote.process_id": None,
                "remote.process": None,
                "remote.queue_state": None,
                "remote.queue_reason": None,
                "start_time": None,
            }
    return [answers[number] for number in range(len(jobs))]


def pool_of(context: RunnerContext, name: str) -> BatchPool:
    """Return the pool of a batch worker."""
    batch = context.worker(name).batch
    assert batch is not None
    return BatchPool(context.host(name), batch.jobs_handle_dir)


def _placed(context: RunnerContext, job: Job) -> Placed:
    worker, config = context.worker(job["worker"]), execution_config(context, job["exec_config"])
    spec = ScriptSpec(
        run_dir=job["run_dir"],
        command=worker.command.replace("{}", shlex.quote(job["run_dir"])),
        name=job["job"].get("name") or "job",
        pre_run=config.pre_run,
        post_run=config.post_run,
        modules=config.modules or [],
        export=config.export or {},
        token=attempt_token(job),
        in_pilot=True,
    )
    script = render_script(context.job_queue(job["worker"]).scheduler, spec)
    entry = Entry(
        token=spec.token,
        time_limit=time_limit_of(job.get("resources")),
        deaths=deaths_of(job),
        warm=_may_be_warm(worker, config),
    )
    return Placed(job["uuid"], job["index"], Path(job["run_dir"]), script, entry)


def _may_be_warm(worker: WorkerBase, config: ExecutionConfig) -> bool:
    """Whether a job needs nothing but jobflow, so that a warm process may run it."""
    own = (config.pre_run, config.post_run, config.modules, config.export, worker.execution_cmd)
    return worker.batch is not None and bool(worker.batch.warm) and not any(own)


def time_limit_of(resources: dict[str, Any] | None) -> float | None:
    """Return the time limit that a job requests, in seconds; None for no limit.

    Parameters
    ----------
    resources
        As stored in the job's document: keywords of a scheduler, or a serialised QResources.
    """
    given = resources or {}
    readers = {
        "time": slurm_seconds,
        "walltime": seconds,
        "soft_walltime": seconds,
        "time_limit": seconds,
    }
    for name, read in readers.items():
        if given.get(name) is not None and (found := read(given[name])) is not None:
            return float(found)
    return None
