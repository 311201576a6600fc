"""What a queue reports about its jobs: our own listing for Slurm, and the accounting of others.

Pure except for `Missing`, which has a clock. A listing that cannot be read completely is an error,
and says nothing about any job.

Slurm is asked by user, not by id: one listing serves all workers of that user on a machine, and an
id that Slurm has forgotten is no error. It reports what qtoolkit leaves out: why a job waits, and
whether it was preempted, lost its node or ran out of memory or time.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

GRACE = 30.0
"""Seconds for which a job that is missing from a listing may still turn up: by its exit file, in
the accounting, or in the queue again. After that it counts as ended."""

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
        The queue's own word for it; None if only that of qtoolkit is known.
    reason
        Why it waits, in the queue's words.
    token
        Token of the attempt, if the queue reports it.
    """

    process_id: str
    state: str | None
    word: str | None = None
    reason: str | None = None
    token: str | None = None


def slurm_command(username: str | None) -> str:
    """Return the command that lists the jobs of a user, including those that ended recently."""
    user = shlex.quote(username) if username else '"$(id -un)"'
    return f"squeue -h -t all -u {user} -o '{_FIELDS}' && echo {_END}"


def read_slurm(text: str) -> list[Listed]:
    """Read the listing of Slurm.

    Raises
    ------
    ValueError
        It is truncated, or contains something else.
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
    """Return the meaning of a Slurm state for jfr.

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
    """Read the output of the accounting; lines that it did not write are skipped."""
    found = {}
    for line in text.splitlines():
        number, _, said = line.strip().partition("|")
        word = said.split(" ")[0].rstrip("+")
        if number and re.fullmatch(r"[A-Z_]+", word):
            found[number] = Listed(number, slurm_state(word), word)
    return found


def qacct_command(process_ids: Iterable[str]) -> str:
    """Return the command that asks the accounting of Grid Engine; unknown jobs are left out."""
    ids = " ".join(shlex.quote(process_id) for process_id in process_ids)
    return f'for jfr_j in {ids}; do qacct -j "$jfr_j" 2>/dev/null; done; :'


_ENFORCED = ("37", "100")
"""The value of ``failed`` in Grid Engine's accounting for jobs that it or a signal has killed."""


def read_qacct(text: str) -> dict[str, Listed]:
    """Read the accounting of Grid Engine.

    It does not name the limit that a job has reached: it is the limit that the job has used up.
    """
    found = {}
    for block in re.split(r"^=+$", text, flags=re.MULTILINE):
        lines = (line.split(None, 1) for line in block.splitlines())
        facts = {words[0]: words[1].strip() for words in lines if len(words) == 2}
        number = facts.get("jobnumber", "")
        if not number.isdigit():
            continue
        word = _word_of_qacct(facts)
        found[number] = Listed(number, slurm_state(word), word)
    return found


def _word_of_qacct(facts: Mapping[str, str]) -> str:
    """Return what happened to a job as Slurm would call it."""
    failed, status = (facts.get(key, "").split(" ")[0] for key in ("failed", "exit_status"))
    if failed in _ENFORCED:
        limits = dict(re.findall(r"\b[hs]_(rt|cpu|vmem|rss)=([\w.:]+)", facts.get("category", "")))
        used = {
            "rt": _seconds(facts.get("ru_wallclock", "")),
            "cpu": _seconds(facts.get("cpu", "")),
            "vmem": _bytes(facts.get("maxvmem", "")),
            "rss": _bytes(facts.get("ru_maxrss", "")),
        }
        for name, limit in limits.items():
            is_time = name in ("rt", "cpu")
            most = _seconds(limit) if is_time else _bytes(limit)
            if most and used[name] >= most * (1 if is_time else 0.9):
                return "TIMEOUT" if is_time else "OUT_OF_MEMORY"
    return "COMPLETED" if (failed, status) == ("0", "0") else "FAILED"


def _seconds(text: str) -> float:
    """Read seconds, or hours, minutes and seconds; 0 if it is neither."""
    total = 0.0
    for part in text.removesuffix("s").split(":"):
        if not re.fullmatch(r"\d+(\.\d+)?", part):
            return 0.0
        total = 60 * total + float(part)
    return total


def _bytes(text: str) -> float:
    """Read an amount of memory; 0 if it is not one."""
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)B?", text, re.IGNORECASE)
    return float(parts[1]) * 1024.0 ** " KMGT".index(parts[2].upper() or " ") if parts else 0.0


def qstat_command(process_ids: Iterable[str]) -> str:
    """Return the command that asks PBS about jobs, also about those that have ended."""
    ids = " ".join(shlex.quote(process_id) for process_id in process_ids)
    return f"qstat -x -f {ids} 2>/dev/null || qstat -f {ids} 2>/dev/null; :"


_EXITS_OF_PBS = {
    "0": "COMPLETED",
    "-29": "TIMEOUT",
    "-28": "TIMEOUT",
    "-27": "OUT_OF_MEMORY",
    "-26": "OUT_OF_MEMORY",
}
"""Exit statuses in PBS Professional and OpenPBS of jobs that they killed because of a limit: on
elapsed or processor time, or on memory or virtual memory."""


def read_qstat(text: str) -> dict[str, Listed]:
    """Read what PBS reports about jobs that have ended; others are left out."""
    found = {}
    parts = re.split(r"^\s*Job Id:\s*(\S+)", text.replace("\n\t", ""), flags=re.MULTILINE)
    for number, block in zip(parts[1::2], parts[2::2]):
        facts = dict(re.findall(r"^\s*(\w+) = (.*)$", block, flags=re.MULTILINE))
        if facts.get("job_state") in ("F", "C"):
            status = str(facts.get("Exit_status") or facts.get("exit_status") or "").strip()
            word = _EXITS_OF_PBS.get(status, "FAILED")
            found[number] = Listed(number, slurm_state(word), word)
    return found


class Listing:
    """A listing, by id and by the token of the attempt.

    Parameters
    ----------
    jobs
        The jobs in the listing.
    """

    def __init__(self, jobs: Iterable[Listed]) -> None:
        self._by_id: dict[str, Listed] = {}
        self._by_token: dict[str, Listed] = {}
        for job in jobs:
            # The tasks of an array are 12_3 or 12_[4-9]: the most active one decides about 12.
            for process_id in {job.process_id, job.process_id.partition("_")[0]}:
                _keep_liveliest(self._by_id, process_id, job)
            if job.token:
                _keep_liveliest(self._by_token, job.token, job)

    def find(self, process_id: str, token: str | None = None) -> Listed | None:
        """Return the entry of a job: of several submissions of one attempt, the one that is alive.

        A queue that lost its state assigns ids again: a job of another attempt is a different job.
        """
        known, other = self._by_id.get(process_id), self._by_token.get(token or "")
        if known is not None and token and known.token and known.token != token:
            known = None
        if other is not None and _rank(other) > _rank(known):
            return other
        return known and known._replace(process_id=process_id)


def _keep_liveliest(jobs: dict[str, Listed], key: str, job: Listed) -> None:
    if key not in jobs or _rank(job) > _rank(jobs[key]):
        jobs[key] = job


def _rank(job: Listed | None) -> int:
    return -1 if job is None else _RANK.get(job.state or "", 0)


class Missing:
    """Records since when jobs have been missing from the listings of a queue.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def settle(self, process_ids: Mapping[str, bool]) -> set[str]:
        """Note which of these jobs are missing; return those that have been missing for too long.

        Parameters
        ----------
        process_ids
            {id of each queried job: whether it is missing}.
        """
        now, over = self._clock(), set()
        for process_id, is_missing in process_ids.items():
            if not is_missing:
                self._since.pop(process_id, None)
            elif now - self._since.setdefault(process_id, now) >= GRACE:
                over.add(process_id)
        return over
