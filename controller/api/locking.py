"""Lock jobs and flows, and record the result of a runner step on its locked job."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from controller.api.base import ControllerGroup
from controller.errors import (
    FlowLockedError,
    FlowNotFoundError,
    JobLockedError,
    JobNotFoundError,
    StateError,
)
from controller.filters import job_id_query
from controller.leases import locked_error
from controller.locks import MongoLock
from controller.operations.steps import RetryPolicy, due_job_lock, record_end
from controller.states import JobState

logger = logging.getLogger(__name__)

_POLL = 0.5


class JobLocking(ControllerGroup):
    """Methods that lock a job or a flow for the duration of a ``with`` block."""

    @contextmanager
    def lock_job(self, **lock_kwargs: Any) -> Iterator[MongoLock]:
        """Lock a job document; keywords as for `MongoLock`, without the collection."""
        with MongoLock(collection=self.queue.jobs, **lock_kwargs) as lock:
            yield lock

    @contextmanager
    def lock_flow(self, **lock_kwargs: Any) -> Iterator[MongoLock]:
        """Lock a flow document; keywords as for `MongoLock`, without the collection."""
        with MongoLock(collection=self.queue.flows, **lock_kwargs) as lock:
            yield lock

    @contextmanager
    def lock_job_flow(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
        break_lock: bool = False,
        acceptable_states: list[JobState] | None = None,
        job_lock_kwargs: dict[str, Any] | None = None,
        flow_lock_kwargs: dict[str, Any] | None = None,
    ) -> Iterator[tuple[MongoLock, MongoLock]]:
        """Lock one job, then its flow.

        Parameters
        ----------
        job_id, db_id, job_index
            The job; see `get_job_info`.
        wait
            Maximum number of seconds to wait for a lock; None never waits.
        break_lock
            Take the locks even if other processes hold them.
        acceptable_states
            Refuse a job in another state.
        job_lock_kwargs, flow_lock_kwargs
            Further keywords of the two locks.

        Raises
        ------
        JobNotFoundError, FlowNotFoundError
            There is no such job, or its flow is missing.
        JobLockedError, FlowLockedError
            Another process has locked it.
        StateError
            The job is in none of the acceptable states.
        """
        query, sort = job_id_query(db_id=db_id, job_id=job_id, job_index=job_index)
        how: dict[str, Any] = {
            "get_locked_doc": True,
            "break_lock": break_lock,
            **waiting(wait),
        }
        with self.lock_job(
            filter=query, **({"sort": sort} if sort else {}), **how, **(job_lock_kwargs or {})
        ) as job_lock:
            job = job_lock.locked_document
            if job is None:
                raise unavailable_job(job_lock, query)
            if acceptable_states:
                check_states(job, acceptable_states)
            with self.lock_flow(
                filter={"jobs": job["uuid"]}, **how, **(flow_lock_kwargs or {})
            ) as flow_lock:
                if flow_lock.locked_document is None:
                    raise unavailable_flow(flow_lock, job)
                yield job_lock, flow_lock

    @contextmanager
    def lock_job_for_update(
        self,
        query: dict[str, Any],
        max_step_attempts: int,
        delta_retry: Sequence[float],
        next_step_delay: float | None = None,
        **kwargs: Any,
    ) -> Iterator[MongoLock]:
        """Lock a job for one step of the runner, and record the outcome of the step.

        The block sets ``lock.update_on_release["$set"]`` for a successful step. An exception
        within it is recorded on the job: another attempt later, or REMOTE_ERROR. A step that
        was only delayed (locked flow, unreachable database) consumes no attempt.

        Parameters
        ----------
        query
            Selects eligible jobs; those whose ``retry_time_limit`` is in the future never are.
        max_step_attempts, delta_retry
            Options of the project's runner.
        next_step_delay
            Seconds before the next step may begin.
        kwargs
            Keywords of `MongoLock`.

        Raises
        ------
        LockLostError
            The job's lock was lost before the end; nothing was written.
        """
        retries = RetryPolicy.for_project(self.project, max_step_attempts, delta_retry)
        lock = due_job_lock(self.queue, query, retries, **kwargs)
        if not lock.acquire():
            yield lock
            return
        job = lock.locked_document
        assert job is not None
        error: Exception | None = None
        try:
            try:
                yield lock
            except Exception as raised:  # noqa: BLE001 (every failure of a step is recorded)
                error = raised
            record_end(lock, job, error, retries, next_step_delay=next_step_delay)
        except Exception:
            raise
        except BaseException:
            lock.abandon()
            raise
        finally:
            lock.give_up()  # if even releasing failed; otherwise it is already free


def waiting(wait: float | None) -> dict[str, Any]:
    """Return the `MongoLock` keywords to wait this many seconds; None and 0 do not wait."""
    return {"sleep": _POLL, "max_wait": wait} if wait else {}


def check_states(job: dict[str, Any], acceptable: Sequence[JobState]) -> None:
    """Refuse a job whose state is not acceptable."""
    if JobState(job["state"]) in acceptable:
        return
    names = ", ".join(state.value for state in acceptable)
    raise StateError(
        f"job {job['db_id']} is in state {job['state']}, not in {names}",
        db_id=job["db_id"],
        state=JobState(job["state"]),
        allowed=acceptable,
    )


def unavailable_job(lock: MongoLock, query: Mapping[str, Any]) -> Exception:
    """Return why a job could not be locked: it does not exist, or another process has locked it."""
    held = lock.unavailable_document
    if held is None:
        return JobNotFoundError(
            f"there is no job with {', '.join(f'{k} {v}' for k, v in query.items())}",
            hint="`jf job list` lists the existing ones",
        )
    return locked_error(JobLockedError, held.get("db_id") or str(held["_id"]), held)


def unavailable_flow(lock: MongoLock, job: dict[str, Any]) -> Exception:
    """Return why the flow of a job could not be locked."""
    held = lock.unavailable_document
    if held is None:
        return FlowNotFoundError(f"the flow of job {job['db_id']} is missing")
    return locked_error(FlowLockedError, held.get("uuid") or str(held["_id"]), held)
