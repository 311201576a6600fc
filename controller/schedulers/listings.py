"""What a queue says of its jobs: our own listing of Slurm, and what is made of the words of others.

Pure but for `Missing`, which has a clock. A listing that cannot be read to its end is an error: it
says nothing of any job.

Slurm is asked by user, not by id: one listing serves all workers of that user on a machine, and an
id that Slurm has forgotten is no error. It tells what qtoolkit leaves out: why a job waits, and
whether it was preempted, lost its node or ran out of memory or time.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

GRACE = 30.0
"""Seconds for which a job that a listing lacks may be about to show: by its exit file, in the
accounting, or in the queue again. After that it counts as ended."""

_END = "jfr-end-of-listing"
_FIELDS = "%i|%T|%r|%N|%k"
_LINE = re.compile(r"(\d[^|\s]*)\|([A-Z_]+)\|([^|]*)\|([^|]*)\|(.*)")
_WAITING = frozenset(
    {
        "PENDING",
        "CONFIGURING",
        "REQUEUED",
        "REQUEUE_FED",
        "REQUEUE_HOLD",
        "RESV_DEL_HOLD",
        "SPECIAL_EXIT",
    }
)
_ENDED = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    }
)
_RANK = {"RUNNING": 2, "QUEUED": 1}


class Listed(NamedTuple):
    """A job in a listing.

    Attributes
    ----------
    process_id
        Its id.
    state
        QUEUED, RUNNING, DONE, FAILED and so on, as qtoolkit calls them.
    word
        The queue's own word for it; None where only qtoolkit's is known.
    reason
        Why it waits, in the queue's words.
    token
        That of the attempt, where the queue tells.
    """

    process_id: str
    state: str | None
    word: str | None = None
    reason: str | None = None
    token: str | None = None


def slurm_command(username: str | None) -> str:
    """Return the command that lists the jobs of a user, those that ended not long ago as well."""
    user = shlex.quote(username) if username else '"$(id -un)"'
    return f"squeue -h -t all -u {user} -o '{_FIELDS}' && echo {_END}"


def read_slurm(text: str) -> list[Listed]:
    """Read the listing of Slurm.

    Raises
    ------
    ValueError
        It is cut off, or something else stands in it.
    """
    *lines, end = text.rstrip("\n").split("\n")
    if end != _END:
        raise ValueError(f"it ends with {end[:80]!r}" if text.strip() else "it is empty")
    found = []
    for line in lines:
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise ValueError(f"{line[:80]!r} is none of its lines")
        number, word, reason, _, comment = parts.groups()
        state = slurm_state(word)
        waits = state == "QUEUED" and reason not in ("", "None", "(null)")
        token = comment.removeprefix("jfr:") if comment.startswith("jfr:") else None
        found.append(Listed(number, state, word, reason if waits else None, token))
    return found


def slurm_state(word: str) -> str:
    """Return what a state of Slurm means for us.

    A job that is COMPLETING may still be put back into the queue, and one that is suspended goes
    on: both run.
    """
    if word in _ENDED:
        return "DONE" if word == "COMPLETED" else "FAILED"
    return "QUEUED" if word in _WAITING else "RUNNING"


def accounting_command(process_ids: Iterable[str]) -> str:
    """Return the command that asks Slurm's accounting about jobs."""
    return f"sacct -n -X -P -o JobIDRaw,State -j {shlex.quote(','.join(process_ids))}"


def read_accounting(text: str) -> dict[str, Listed]:
    """Read what the accounting says; lines that are none of its own are left out."""
    found = {}
    for line in text.splitlines():
        number, _, said = line.strip().partition("|")
        word = said.split(" ")[0].rstrip("+")
        if number and re.fullmatch(r"[A-Z_]+", word):
            found[number] = Listed(number, slurm_state(word), word)
    return found


class Listing:
    """A listing, by id and by the token of the attempt.

    Parameters
    ----------
    jobs
        What it lists.
    """

    def __init__(self, jobs: Iterable[Listed]) -> None:
        self._by_id: dict[str, Listed] = {}
        self._by_token: dict[str, Listed] = {}
        for job in jobs:
            # The tasks of an array are 12_3 or 12_[4-9]: 12 is what the liveliest of them is.
            for process_id in {job.process_id, job.process_id.partition("_")[0]}:
                _keep_liveliest(self._by_id, process_id, job)
            if job.token:
                _keep_liveliest(self._by_token, job.token, job)

    def find(self, process_id: str, token: str | None = None) -> Listed | None:
        """Return what is listed of a job: of the submissions of one attempt, the one that lives."""
        known, other = self._by_id.get(process_id), self._by_token.get(token or "")
        if other is not None and _rank(other) > _rank(known):
            return other
        return known and known._replace(process_id=process_id)


def _keep_liveliest(jobs: dict[str, Listed], key: str, job: Listed) -> None:
    if key not in jobs or _rank(job) > _rank(jobs[key]):
        jobs[key] = job


def _rank(job: Listed | None) -> int:
    return -1 if job is None else _RANK.get(job.state or "", 0)


class Missing:
    """Since when jobs have been missing from the listings of a queue.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def settle(self, process_ids: Mapping[str, bool]) -> set[str]:
        """Note which jobs of those asked about are missing; return those that have been too long.

        Parameters
        ----------
        process_ids
            {id of each job that was asked about: whether it is missing}.
        """
        now, over = self._clock(), set()
        for process_id, is_missing in process_ids.items():
            if not is_missing:
                self._since.pop(process_id, None)
            elif now - self._since.setdefault(process_id, now) >= GRACE:
                over.add(process_id)
        return over
