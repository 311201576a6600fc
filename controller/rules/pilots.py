"""A runner's decisions about a pool and its pilots. Pure: facts in, a decision out.

A *pilot* is a batch process: one submission to a queue that runs many jobs of a pool.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from controller.rules.pool_files import Entry, PilotReport
from controller.states import BATCH_STATES, Cause, JobState

DEATHS = 3
"""Number of pilots that may end while running a job before the job counts as the reason."""
BLAMELESS = frozenset(
    {Cause.PREEMPTED.value, Cause.NODE_FAILED.value, Cause.CANCELLED_OUTSIDE.value}
)
"""Causes of the end of a pilot that have nothing to do with its jobs."""

Key = tuple[str, int]
"""(uuid, index) of a job."""


class Verdict(Enum):
    """What to do about a file of the pool that a pilot left for the runner."""

    SETTLE = auto()  # the job has run: record it, then remove the file
    GIVE_BACK = auto()  # the job is to run again, at no cost for it; remove the file
    REFUSE = auto()  # no pilot can run it; remove the file
    LOOK_CLOSER = auto()  # nothing says to which attempt it belongs
    WAIT = auto()  # its submission is not recorded yet
    FORGET = auto()  # of an earlier attempt, or of a job that is not ours: remove the file


def judge_end(job: Mapping[str, Any] | None, entry: Entry) -> Verdict:
    """Decide about a file in ``run_finished``.

    Parameters
    ----------
    job
        Document with ``state`` and ``remote``; None if there is no such job.
    entry
        The content of the file.
    """
    if job is None:
        return Verdict.FORGET
    token = (job.get("remote") or {}).get("submission_token") or ""
    if entry.token and token and entry.token != token:
        return Verdict.FORGET
    if job["state"] == JobState.UPLOADED.value:
        return Verdict.WAIT
    if job["state"] not in {state.value for state in BATCH_STATES}:
        return Verdict.FORGET
    if entry.refused:
        return Verdict.REFUSE
    if entry.lost:
        return Verdict.GIVE_BACK
    return Verdict.SETTLE if entry.token or not token else Verdict.LOOK_CLOSER


def judge_unmarked_end(*, started_as: str | None, token: str, runs_elsewhere: bool) -> Verdict:
    """Decide about a file in ``run_finished`` that one of jobflow-remote's pilots has left.

    Parameters
    ----------
    started_as
        Token in the start file of the run directory; None if there is none.
    token
        The token of the current attempt.
    runs_elsewhere
        Whether another pilot has a claim on the job, and its script has not ended.
    """
    if started_as != token:
        return Verdict.FORGET  # the current attempt has not started
    return Verdict.FORGET if runs_elsewhere else Verdict.SETTLE


def deaths_of(job: Mapping[str, Any]) -> int:
    """Return how many consecutive pilots ended while they ran a job, for no other reason."""
    found = 0
    for attempt in reversed(job.get("attempts") or []):
        if attempt.get("state") or not attempt.get("batch_uid"):
            break  # it ended by itself, or was restarted by a user
        found += attempt.get("cause") not in BLAMELESS
    return found


def cause_of_pilots_end(word: str | None) -> Cause:
    """Return why a pilot has ended, given the queue's word for its state."""
    state = (word or "").split(" ")[0].rstrip("+")
    return _WORDS.get(state, Cause.UNKNOWN)


_WORDS = {
    "OUT_OF_MEMORY": Cause.OUT_OF_MEMORY,
    "TIMEOUT": Cause.WALLTIME,
    "DEADLINE": Cause.WALLTIME,
    "PREEMPTED": Cause.PREEMPTED,
    "NODE_FAIL": Cause.NODE_FAILED,
    "BOOT_FAIL": Cause.NODE_FAILED,
    "CANCELLED": Cause.CANCELLED_OUTSIDE,
}


@dataclass(frozen=True)
class PilotFacts:
    """The facts about a pilot that has not ended.

    Attributes
    ----------
    batch_uid
        Its id.
    claims
        Jobs that it has claimed and not finished.
    report
        Its last report; None if there is none: it waits in the queue, or is a pilot of
        jobflow-remote.
    """

    batch_uid: str
    claims: int = 0
    report: PilotReport | None = None

    def free_places(self, parallel_jobs: int) -> int:
        """Return how many more jobs it can start at once."""
        slots = parallel_jobs
        if self.report is not None:
            slots = self.report.slots if self.report.takes_jobs else 0
        return max(slots - self.claims, 0)


def pilots_to_submit(
    waiting: int, pilots: Sequence[PilotFacts], *, max_jobs: int | None, parallel_jobs: int | None
) -> int:
    """Return how many pilots to submit.

    Parameters
    ----------
    waiting
        Jobs in the pool that no pilot has claimed.
    pilots
        Pilots that have not ended, including those that wait in the queue.
    max_jobs
        Maximum number of pilots; 0 or None for one.
    parallel_jobs
        Jobs that a pilot runs at once; 0 or None for one.
    """
    places = parallel_jobs or 1
    left = waiting - sum(pilot.free_places(places) for pilot in pilots)
    room = (max_jobs or 1) - len(pilots)
    return max(0, min(room, math.ceil(left / places)))


def orphans(
    claims: Iterable[tuple[Key, str]], alive: Collection[str], ended: Collection[str]
) -> list[tuple[Key, str]]:
    """Return the claims whose pilot has ended.

    Parameters
    ----------
    claims
        ((uuid, index), batch_uid) of the files in ``running``.
    alive, ended
        batch_uids of pilots. One that is in neither is of another database, or its end was
        recorded long ago.
    """
    return [claim for claim in claims if claim[1] in ended and claim[1] not in alive]
