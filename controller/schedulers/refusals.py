"""Replies of a queue to a submission that mean "not now": it is full, or does not answer.

Such a reply is not a failure of the job, which waits and is retried. Any other message (an unknown
account, a partition that does not exist, an invalid option) is an error. Pure: text in, text out.
"""

from __future__ import annotations

import re

_LIMIT = re.compile(r"\b(?:(?:QOS|Assoc)[A-Z]|MaxSubmit|MaxJob)\w*\b")
"""Slurm's names of the limits; only those on the number of jobs are resolved by waiting."""
_NUMBER_OF_JOBS = re.compile(r"Submit|MaxJobsPer|MaxJobsLimit|MaxJobCount")

_NOT_NOW = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Slurm: full, without the name of the limit
        r"Job violates accounting/QOS policy \(job submit limit[^\n]*",
        r"Slurm temporarily unable to accept job",
        r"Resource temporarily unavailable",
        # Slurm: the controller is unreachable, or too busy to answer
        r"Unable to contact slurm controller[^\n]*",
        r"Socket timed out[^\n]*",
        r"Slurm backup controller in standby mode",
        r"Zero Bytes were transmitted or received",
        r"Message (?:receive|send) failure",
        r"Transport endpoint is not connected",
        # Grid Engine
        r"job rejected: only \d+ jobs are allowed per (?:user|cluster)[^\n]*",
        r"unable to contact qmaster[^\n]*",
        r"(?:unable to send message to|can't connect to|cannot connect to) qmaster[^\n]*",
        r"failed receiving gdi request[^\n]*",
        r"commlib error: got [^\n]*",
        # PBS Professional, OpenPBS and Torque
        r"would exceed [^\n]*\blimit\b[^\n]*",
        r"Maximum number of jobs already in queue[^\n]*",
        r"cannot connect to server[^\n]*",
        r"(?:Connection|Communication) (?:refused|timed out|failure)[^\n]*",
        r"Server (?:is )?too busy[^\n]*",
    )
)


def why_not_now(answer: str) -> str | None:
    """Return the part of a queue's message that says why it accepts no jobs at present.

    Parameters
    ----------
    answer
        What the queue printed when it refused a job.

    Returns
    -------
    str or None
        One line without the program's name; None if the reply is an error.
    """
    for limit in _LIMIT.findall(answer):
        return limit if _NUMBER_OF_JOBS.search(limit) else None
    for pattern in _NOT_NOW:
        if found := pattern.search(answer):
            return " ".join(found[0].split()).rstrip(".")
    return None
