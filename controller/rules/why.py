"""Derive from facts the reasons why a job does not run, the most important first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.rules.readiness import acceptable_parent_states
from controller.states import RUNNING_STATES, Cause, JobState

_S = JobState


@dataclass(frozen=True)
class ParentFacts:
    """The newest index of a parent.

    Attributes
    ----------
    db_id, name, state
        None, "" and None if the parent is not in the database.
    uuid
        The uuid of the parent.
    """

    uuid: str
    db_id: str | None = None
    name: str = ""
    state: JobState | None = None


@dataclass(frozen=True)
class JobFacts:
    """The facts about a job and its environment.

    Attributes
    ----------
    db_id, state, previous_state
        The db_id, state and previous state of the job.
    error, remote_error, cause
        Error of its function; the runner's last error; a `Cause`, None if unknown.
    attempts, retry_on
        Number of failed attempts of the current step; time of the next one, naive UTC.
    last_attempt
        The last attempt of the job that ended, as stored in its document.
    parents, on_missing
        Its parents, and its ``on_missing_references``.
    worker, worker_problem
        Name of the worker, and why the project's runners cannot use it.
    max_jobs, present
        Limit of the worker (None or 0 for none), and number of jobs that count towards it.
    ahead
        READY jobs on the worker that will be claimed before it.
    lock_id, lock_owner
        The lock's holder, as text; None for a lock without a lease.
    owner_is_dead
        The holder's process is known to have ended.
    runner_is_live
        A runner is alive.
    process_id, queue_state
        Id and state of the job in the worker's queue.
    outage, outage_hint, outage_ends
        Why the machine of the worker cannot be reached, what to do, and when it is tried again
        (naive UTC); None if it can be reached.
    queue_reason
        Why the queue does not run the job, in the queue's words; for an UPLOADED job, why the queue
        did not accept it, or another job of the worker.
    pilots
        Activity of the pilots of a batch worker; "" if there are none.
    now
        Naive UTC.
    """

    db_id: str
    state: JobState
    now: datetime
    worker: str
    previous_state: JobState | None = None
    error: str | None = None
    remote_error: str | None = None
    cause: str | None = None
    attempts: int = 0
    retry_on: datetime | None = None
    last_attempt: Mapping[str, Any] | None = None
    parents: tuple[ParentFacts, ...] = ()
    on_missing: str | None = None
    worker_problem: str | None = None
    pilots: str = ""
    max_jobs: int | None = None
    present: int = 0
    ahead: int = 0
    lock_id: str | None = None
    lock_owner: str | None = None
    owner_is_dead: bool = False
    runner_is_live: bool = True
    process_id: str | None = None
    queue_state: str | None = None
    queue_reason: str | None = None
    outage: str | None = None
    outage_hint: str | None = None
    outage_ends: datetime | None = None


@dataclass(frozen=True)
class Reason:
    """A reason why a job does not run.

    Attributes
    ----------
    code
        A keyword for scripts.
    text
        What blocks the job, in one line.
    advice
        What to do next; None if waiting is enough.
    """

    code: str
    text: str
    advice: str | None = None


def why_not_running(facts: JobFacts) -> list[Reason]:
    """Return why a job does not run, or that it does."""
    if facts.state in _ENDED or facts.state in _HELD:
        return [_settled(facts), *_lock(facts)]
    reasons = list(_obstacles(facts))
    if facts.state is _S.RUNNING:
        return [Reason("running", f"it runs on worker {facts.worker}"), *reasons]
    return reasons or [_next_step(facts)]


_ENDED = (_S.COMPLETED, _S.FAILED, _S.REMOTE_ERROR)
_HELD = (_S.PAUSED, _S.STOPPED, _S.USER_STOPPED)


def _settled(facts: JobFacts) -> Reason:
    """The reason for a state that the job does not leave by itself."""
    i = facts.db_id
    if facts.state is _S.COMPLETED:
        return Reason("completed", "it has run, and its output is stored", f"jf job output {i}")
    if facts.state is _S.FAILED:
        return Reason(
            "failed",
            f"{_headline(facts.cause)}: {error_line(facts.error)}",
            f"fix the cause, then: jf job rerun {i}",
        )
    if facts.state is _S.REMOTE_ERROR:
        step = f" after {facts.previous_state.value}" if facts.previous_state else ""
        return Reason(
            "remote-error",
            f"the step{step} failed permanently{_aside(facts.cause)}: "
            f"{error_line(facts.remote_error)}",
            f"fix the cause, then: jf job retry {i}",
        )
    if facts.state is _S.PAUSED:
        return Reason("paused", "a user paused it", f"jf job resume {i}")
    who = "a user" if facts.state is _S.USER_STOPPED else "another job's response"
    return Reason("stopped", f"{who} stopped it", f"jf job resume {i}")


def _headline(cause: str | None) -> str:
    """Describe a cause; unknown ones are shown as they are, missing ones not at all."""
    if cause is None:
        return Cause.JOB_ERROR.words
    return Cause(cause).words if cause in set(Cause) else cause


def _aside(cause: str | None) -> str:
    return f" ({_headline(cause)})" if cause not in (None, Cause.UNKNOWN) else ""


def _obstacles(facts: JobFacts) -> Iterator[Reason]:
    if facts.state is _S.WAITING:
        yield from _parents(facts)
    if facts.worker_problem:
        yield Reason("worker", facts.worker_problem, f"jf job set worker NAME -did {facts.db_id}")
    yield from _lock(facts)
    if facts.outage and facts.state is not _S.WAITING:
        yield Reason(
            "host",
            f"worker {facts.worker} cannot be used: {facts.outage}; "
            f"retry {_until(facts.outage_ends, facts.now)}",
            facts.outage_hint,
        )
    planned = (facts.last_attempt or {}).get("retry")
    if facts.state is _S.UPLOADED and facts.queue_reason:
        yield _refusal(facts)
    elif planned and planned.get("at") == facts.retry_on and facts.retry_on is not None:
        yield from _planned(facts, planned)
    elif facts.retry_on is not None and facts.retry_on > facts.now:
        seconds = round((facts.retry_on - facts.now).total_seconds())
        failed = f" after {facts.attempts} failed attempts: {error_line(facts.remote_error)}"
        yield Reason(
            "retry",
            f"its step will be retried in {seconds} s{failed if facts.attempts else ''}",
            f"to retry now: jf job retry {facts.db_id}" if facts.attempts else None,
        )
    if not facts.runner_is_live:
        yield Reason("runner", "no runner is alive", "jf runner start")
    yield from _limit(facts)


def _until(time: datetime | None, now: datetime) -> str:
    """Describe when something is retried."""
    if time is None or time <= now:
        return "soon"
    return f"in {round((time - now).total_seconds())} s"


def _refusal(facts: JobFacts) -> Reason:
    """The reason for a job that its queue does not accept."""
    return Reason(
        "queue-full",
        f"the queue of {facts.worker} accepts no more jobs: {facts.queue_reason}; "
        f"retry {_until(facts.retry_on, facts.now)}",
        "wait, or limit the number of submitted jobs with max_jobs in the project file",
    )


def _planned(facts: JobFacts, retry: Mapping[str, Any]) -> Iterator[Reason]:
    """Return the reason that a job waits for the time of a planned retry."""
    at: datetime = retry["at"]
    if at <= facts.now:
        return
    last = facts.last_attempt or {}
    more = f", with {', '.join(retry['changes'])}" if retry.get("changes") else ""
    yield Reason(
        "retry",
        f"it is retried in {round((at - facts.now).total_seconds())} s, at {at:%H:%M:%S} UTC "
        f"(retry {retry.get('number')} of {retry.get('limit')}{more}), because of "
        f"{last.get('cause')}: {error_line(last.get('error'))}",
        f"to retry now: jf job retry {facts.db_id}",
    )


def _parents(facts: JobFacts) -> Iterator[Reason]:
    accepted = acceptable_parent_states(facts.on_missing)
    for parent in facts.parents:
        if parent.state is None:
            yield Reason(
                "parent", f"its parent {parent.uuid} is not in the database", "jf admin doctor"
            )
        elif parent.state not in accepted:
            moves = parent.state in (*RUNNING_STATES, _S.READY)
            yield Reason(
                "parent",
                f"its parent {parent.db_id} ({parent.name}) is {parent.state.value}",
                None if moves else f"jf job why {parent.db_id}",
            )


def _lock(facts: JobFacts) -> Iterator[Reason]:
    if facts.lock_id is None:
        return
    if facts.lock_owner is None:
        yield Reason(
            "lock",
            f"it is locked by other software (lock {facts.lock_id})",
            f"if it has ended: jf admin unlock -did {facts.db_id}",
        )
    elif facts.owner_is_dead:
        yield Reason(
            "lock",
            f"it is locked by {facts.lock_owner}, which has ended: the next process that needs it "
            "takes the lock over",
        )
    else:
        yield Reason("lock", f"{facts.lock_owner} is working on it")


def _limit(facts: JobFacts) -> Iterator[Reason]:
    if facts.state not in (_S.READY, _S.UPLOADED) or facts.worker_problem:
        return
    if facts.max_jobs and facts.present >= facts.max_jobs:
        yield Reason(
            "limit",
            f"worker {facts.worker} runs up to {facts.max_jobs} jobs, and has {facts.present}",
            "wait, or raise max_jobs in the project file",
        )
    if facts.state is _S.READY and facts.ahead:
        yield Reason(
            "order",
            f"{facts.ahead} {'job' if facts.ahead == 1 else 'jobs'} on worker {facts.worker} "
            f"{'comes' if facts.ahead == 1 else 'come'} before it",
            f"to move it forward: jf job set priority 1 -did {facts.db_id}",
        )


def _next_step(facts: JobFacts) -> Reason:
    """What happens next to a job that is not blocked."""
    if facts.state is _S.WAITING:
        return Reason(
            "readiness", "all its parents have ended: it should be READY", "jf admin doctor --fix"
        )
    if facts.state is _S.BATCH_RUNNING:
        pilot = f"pilot {facts.process_id} of " if facts.process_id else ""
        return Reason("batch", f"it runs in {pilot}batch worker {facts.worker}")
    if facts.state is _S.BATCH_SUBMITTED:
        return Reason(
            "batch",
            f"it waits in the pool of batch worker {facts.worker} for a pilot: "
            + (facts.pilots or "none has been submitted yet"),
            "jf batch list" if facts.pilots else None,
        )
    if facts.state is _S.SUBMITTED:
        state = facts.queue_state or "it is"
        because = f": {facts.queue_reason}" if facts.queue_reason else ""
        return Reason(
            "queue",
            f"{state} in the queue of {facts.worker}{because} (its id there is {facts.process_id})",
        )
    return Reason(
        "soon", f"it is not blocked: the runner will advance it from {facts.state.value} next"
    )


_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(: .*)?")
"""Start of the last part of a traceback: at the margin, with the type of the exception."""
_TOLD = re.compile(r"pre_run ended |the job was (terminated|interrupted) |the job ended its ")
"""Starts of jfr's own errors, which say more than the traceback or log below them."""
_FRAME = re.compile(r"(Traceback |\s)")


def error_line(text: str | None) -> str:
    """Return the best line of an error: ``Type: message`` of a traceback, else the last.

    The message may have several lines: the first line after the last frame has the type.
    """
    lines = [line.rstrip() for line in (text or "").splitlines() if line.strip()]
    if not lines:
        return "no message was recorded"
    if told := next(filter(_TOLD.match, lines[:2]), None):  # after the cause, if that is there
        return told
    frames = [n for n, line in enumerate(lines) if line.startswith("  File ")]
    after = lines[frames[-1] + 1 :] if frames else []
    named = (line for line in after if not _FRAME.match(line) and _EXCEPTION.fullmatch(line))
    return next(named, lines[-1]).strip()
