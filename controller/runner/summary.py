"""What a run of a runner has done, as `run_until_idle` returns it."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.operations.queue import Queue
from controller.states import ERROR_STATES, JobState


@dataclass
class RunSummary:
    """The result of a run.

    Attributes
    ----------
    completed, failed
        db_ids of the jobs that this runner worked on and that are now COMPLETED, or FAILED or
        REMOTE_ERROR.
    timed_out
        Whether the time limit was reached before everything was done.
    """

    completed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    timed_out: bool = False


def summarise(queue: Queue, db_ids: list[str], *, timed_out: bool) -> RunSummary:
    """Sort the jobs that a runner worked on by their present state.

    Parameters
    ----------
    db_ids
        The jobs, in the order in which the summary lists them.
    """
    summary = RunSummary(timed_out=timed_out)
    errors = {state.value for state in ERROR_STATES}
    found = queue.jobs.find({"db_id": {"$in": db_ids}}, ["db_id", "state"])
    states = {doc["db_id"]: doc["state"] for doc in found}
    for db_id in db_ids:
        if states.get(db_id) in errors:
            summary.failed.append(db_id)
        elif states.get(db_id) == JobState.COMPLETED.value:
            summary.completed.append(db_id)
    return summary
