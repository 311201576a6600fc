"""Which answers of a queue to a submission mean "not now": it is full, or it does not answer.

Such an answer is no failure of the job, which waits and is tried again. Whatever else a queue says
(an unknown account, a partition that does not exist, a bad option) is an error. Pure: text in,
text out.
"""

from __future__ import annotations

import re

_LIMIT = re.compile(r"\b(?:(?:QOS|Assoc)[A-Z]|MaxSubmit|MaxJob)\w*\b")
"""How Slurm names the limit that a job meets; only those on the number of jobs pass by waiting."""
_NUMBER_OF_JOBS = re.compile(r"Submit|MaxJobsPer|MaxJobsLimit|MaxJobCount")

_NOT_NOW = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Slurm: full, in words that do not name the limit
        r"Job violates accounting/QOS policy \(job submit limit[^\n]*",
        r"Slurm temporarily unable to accept job",
        r"Resource temporarily unavailable",
        # Slurm: the controller is away, or too busy to answer
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
    """Return the words of a queue that say why it takes no job at present.

    Parameters
    ----------
    answer
        What the queue printed when it refused a job.

    Returns
    -------
    str or None
        One line without the program's name before it; None where the answer is an error.
    """
    for limit in _LIMIT.findall(answer):
        return limit if _NUMBER_OF_JOBS.search(limit) else None
    for pattern in _NOT_NOW:
        if found := pattern.search(answer):
            return " ".join(found[0].split()).rstrip(".")
    return None
