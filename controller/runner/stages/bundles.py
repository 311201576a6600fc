"""Steps of many jobs of one worker in few round trips; jobs that need more go alone.

Each function takes locked jobs and returns, for each, what to set or the error. A job that
needs a closer look (something has begun in its folder, or the folder belongs to another attempt)
takes its step alone, as all jobs do in the shell of this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import (
    HostUnavailableError,
    LockLostError,
    NotYetError,
    QueueBusyError,
    StorageUnavailableError,
)
from controller.locks import lock_lost
from controller.operations.batch_steps import Answers, BatchStep, changed, record_midway
from controller.operations.pending_cleanup import with_entries
from controller.runner.context import RunnerContext
from controller.runner.stages.download import download, fetch_many
from controller.runner.stages.pool import put, put_many
from controller.runner.stages.submit import attempt_token, script_spec, submit, submitted_fields
from controller.runner.stages.upload import Upload, prepare_upload, upload
from controller.schedulers import render_script
from controller.states import JobState

if TYPE_CHECKING:
    from controller.schedulers import Queue
    from controller.schedulers.start import Start

Job = dict[str, Any]
Answer = dict[str, Any] | Exception
Step = Callable[[RunnerContext, Job], dict[str, Any]]

_AT_ONCE = 32 << 20
"""Maximum number of bytes of input that are sent together."""


def upload_many(context: RunnerContext, jobs: Sequence[Job]) -> list[Answer]:
    """Make the run directories of jobs; see `upload`."""
    answers, prepared = _prepare(context, jobs)
    queue = context.job_queue(jobs[0]["worker"])
    for some in _chunks(prepared):
        lost = context.lost_locks(jobs[n] for n in some)
        answers.update({n: lost[key] for n in some if (key := _key(jobs[n])) in lost})
        some = {n: one for n, one in some.items() if n not in answers}
        attempts = [(one.run_dir, one.token, one.put, one.before) for one in some.values()]
        ready = queue.begin_attempts(attempts) if attempts else []
        for (number, one), is_ready in zip(some.items(), ready):
            done = one.fields if is_ready else _alone(upload, context, jobs[number])
            answers[number] = done
    return [answers[number] for number in range(len(jobs))]


def send_many(context: RunnerContext, jobs: Sequence[Job]) -> list[Answer]:
    """Make the run directories of jobs and submit them, with one command; see `send`.

    Each job is recorded as UPLOADED, with the token of its attempt, before the command: a process
    that takes it over later looks for the submission, and finds out whether it was uploaded.
    """
    answers, prepared = _prepare(context, jobs)
    queue, database = context.queue(jobs[0]["worker"]), context.controller.queue
    for some in _chunks(prepared):
        scripts: dict[int, str] = {}
        for number, one in some.items():
            script = _tried(partial(_render, queue, one.fields), context, jobs[number])
            if isinstance(script, Exception):  # its submission will report this
                answers[number] = _alone(upload, context, jobs[number])
            else:
                scripts[number] = script
        held = record_midway(
            database, [jobs[n] for n in scripts], [some[n].fields for n in scripts]
        )
        lost = [number for number, is_ours in zip(scripts, held) if not is_ours]
        for number in lost:
            answers[number] = lock_lost(jobs[number]["lock_id"], database.jobs)
            del scripts[number]
        sent = [
            (some[n].run_dir, some[n].token, some[n].put, some[n].before, script)
            for n, script in scripts.items()
        ]
        try:
            found = queue.send_many(sent) if sent else []
        except HostUnavailableError as error:
            if not error.sent:
                back = [_as_before(some[n]) for n in scripts]
                record_midway(database, [jobs[n] for n in scripts], back)
            raise
        answers.update(_submitted(context, jobs, dict(zip(scripts, found)), send))
    return [answers[number] for number in range(len(jobs))]


def _as_before(upload: Upload) -> dict[str, Any]:
    """Return the fields to set of a job of which nothing was sent."""
    state = JobState.CHECKED_OUT.value
    return {"state": state, "remote.submission_token": upload.before}


def send(context: RunnerContext, job: Job) -> dict[str, Any]:
    """Make the run directory of a job, or continue where `send_many` was interrupted."""
    if job["state"] == JobState.UPLOADED.value:
        fields = submit(context, job)
        if fields["state"] == JobState.SUBMITTED.value:
            return fields
        if not all(record_midway(context.controller.queue, [job], [fields])):
            raise lock_lost(job["lock_id"], context.controller.queue.jobs)
    return upload(context, job)


def submit_many(context: RunnerContext, jobs: Sequence[Job]) -> list[Answer]:
    """Submit jobs; see `submit`."""
    queue = context.queue(jobs[0]["worker"])
    answers: dict[int, Answer] = {}
    scripts: dict[int, tuple[Path, str, str]] = {}
    for number, job in enumerate(jobs):
        if context.is_elsewhere(job):
            answers[number] = _alone(submit, context, job)
            continue
        script = _tried(partial(_render, queue, {}), context, job)
        if isinstance(script, Exception):
            answers[number] = script
        else:
            scripts[number] = (Path(job["run_dir"]), script, attempt_token(job))
    found = queue.submit_many(list(scripts.values())) if scripts else []
    answers.update(_submitted(context, jobs, dict(zip(scripts, found)), submit))
    return [answers[number] for number in range(len(jobs))]


def _prepare(
    context: RunnerContext, jobs: Sequence[Job]
) -> tuple[dict[int, Answer], dict[int, Upload]]:
    """Plan the uploads of jobs; some are refused, or done alone."""
    answers: dict[int, Answer] = {}
    prepared: dict[int, Upload] = {}
    specs = context.jobstore_specs(jobs)
    pending = with_entries(context.controller.queue, list(map(_key, jobs)))
    for number, job in enumerate(jobs):
        may_be = _key(job) in pending
        answer = _tried(
            lambda c, j: prepare_upload(c, j, specs(j), may_be_pending=may_be),  # noqa: B023
            context,
            job,
        )
        if isinstance(answer, Exception):
            answers[number] = answer
        elif answer.before_removal or context.is_elsewhere(job):
            answers[number] = _alone(upload, context, job)
        else:
            prepared[number] = answer
    return answers, prepared


def _key(job: Job) -> tuple[str, int]:
    return job["uuid"], job["index"]


def _render(queue: Queue, fields: Mapping[str, Any], context: RunnerContext, job: Job) -> str:
    """Return the script of a job, given the fields of its document that are about to change."""
    return render_script(queue.scheduler, script_spec(context, changed(job, fields)))


def _submitted(
    context: RunnerContext,
    jobs: Sequence[Job],
    found: Mapping[int, tuple[str, Start | None] | Exception | None],
    alone: Step,
) -> dict[int, Answer]:
    """Return the fields to set of jobs submitted together; one without an answer goes alone."""
    name = jobs[0]["worker"]
    queue, scheduler = context.queue(name), context.worker(name).scheduler_type
    answers: dict[int, Answer] = {}
    for number, answer in found.items():
        if answer is None:
            full = context.refusals.holds(name)
            answers[number] = (
                NotYetError("the queue is full") if full else _alone(alone, context, jobs[number])
            )
            continue
        if isinstance(answer, QueueBusyError):
            answer.retry_in = context.refusals.pause(name)
        if isinstance(answer, Exception):
            answers[number] = answer
            continue
        process_id, start = answer
        answers[number] = submitted_fields(process_id, queue.identity_of(start), scheduler)
        context.refusals.end(name)
    return answers


def download_many(context: RunnerContext, jobs: Sequence[Job]) -> list[Answer]:
    """Fetch the output files of jobs; see `download`."""
    fetch_many(context, jobs)
    return [{"state": JobState.DOWNLOADED.value} for _ in jobs]


ALONE: Mapping[Callable[..., list[Answer]], Step] = {
    upload_many: upload,
    send_many: send,
    submit_many: submit,
    download_many: download,
    put_many: put,
}
"""The corresponding step for a single job."""


def _tried(step: Callable[[RunnerContext, Job], Any], context: RunnerContext, job: Job) -> Any:
    """Do something for one job; an error is its result, and does not affect other jobs."""
    try:
        return step(context, job)
    except StorageUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 (it is recorded with the job)
        return error


def _alone(step: Step, context: RunnerContext, job: Job) -> Answer:
    answer: Answer = _tried(step, context, job)
    return answer


def _chunks(uploads: Mapping[int, Upload]) -> Iterator[dict[int, Upload]]:
    """Divide uploads so that at most `_AT_ONCE` bytes are sent together."""
    some: dict[int, Upload] = {}
    size = 0
    for number, one in uploads.items():
        own = sum(len(content) for content in one.put.values())
        if some and size + own > _AT_ONCE:
            yield some
            some, size = {}, 0
        some[number] = one
        size += own
    if some:
        yield some


def step_of_many(
    context: RunnerContext, many: Callable[[RunnerContext, Sequence[Job]], list[Answer]]
) -> BatchStep:
    """Turn a function for many jobs into a step that returns errors instead of raising them."""

    def step(jobs: list[Job]) -> Answers:
        context.touched.update(job["db_id"] for job in jobs)
        answers: Sequence[Answer]
        try:
            answers = together(many, context, jobs)
        except Exception as error:  # noqa: BLE001 (every failure of a step is recorded)
            answers = [error] * len(jobs)
        return {(job["uuid"], job["index"]): a for job, a in zip(jobs, answers)}

    return step


def together(
    many: Callable[[RunnerContext, Sequence[Job]], list[Answer]],
    context: RunnerContext,
    jobs: Iterable[Job],
) -> list[Answer]:
    """Do a step for many jobs together; if that fails, for each job alone.

    So a job whose folder cannot be created does not affect the others. An error that concerns
    all of them (no connection, an unreachable database) is raised.
    """
    every = list(jobs)
    try:
        return many(context, every)
    except (HostUnavailableError, StorageUnavailableError, LockLostError):
        raise
    except Exception:  # noqa: BLE001 (it comes again, with the job that it is about)
        return [_alone(ALONE[many], context, job) for job in every]
