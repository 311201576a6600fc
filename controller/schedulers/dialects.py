"""Differences between queues: job ids, and where the token of an attempt is stored.

A queue may accept a job but its reply may be lost. The token, which was created before, is then
looked up in the queue's data on its jobs: in the comment (Slurm), in the context (Grid Engine), or
in the variables (PBS). All commands here are for a POSIX shell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.schedulers.listings import (
    Listed,
    accounting_command,
    qacct_command,
    qstat_command,
    read_accounting,
    read_qacct,
    read_qstat,
)

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO


@dataclass(frozen=True)
class Dialect:
    """The properties of one kind of queue.

    Attributes
    ----------
    own_id
        What a started script uses as its id in the queue, as a word of the shell.
    is_requeued
        Whether the queue may restart a job under the same id.
    directive
        Line of a script's header that contains ``{token}``, or "".
    clashes
        Start of a user's directive that ours would override; ours is then omitted.
    listing
        Command that lists the user's jobs in the queue, with the tokens.
    find
        (output of the command, token) -> ids.
    tidy
        A listing -> the same, with states unknown to qtoolkit replaced by known ones: a single such
        job would make the whole listing unreadable.
    states
        A listing that qtoolkit cannot read -> {id: state}, as qtoolkit calls it.
    cancel
        Command that cancels a job whose id qtoolkit does not accept; "" for none.
    accounting
        (ids) -> command that queries the accounting about jobs; None if there is no accounting.
    read_accounting
        Its output -> {id: job}; jobs whose end it does not know are left out.
    """

    own_id: str
    is_requeued: bool = True
    directive: str = ""
    clashes: str = ""
    listing: str = ""
    find: Callable[[str, str], list[str]] = lambda text, token: []
    tidy: Callable[[str], str] = lambda text: text
    states: Callable[[str], Mapping[str, str]] = lambda text: {}
    cancel: str = ""
    accounting: Callable[[Iterable[str]], str] | None = None
    read_accounting: Callable[[str], Mapping[str, Listed]] = lambda text: {}


def _slurm_ids(text: str, token: str) -> list[str]:
    lines = (line.split() for line in text.splitlines())
    return [words[0] for words in lines if words[1:] == [f"jfr:{token}"]]


def _blocks(beginning: str, text: str) -> list[tuple[str, str]]:
    """Split into (id, its text)."""
    parts = re.split(rf"^{beginning}:?\s+(\S+)", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2]))


def _sge_ids(text: str, token: str) -> list[str]:
    known = re.compile(rf"^context:.*\bjfr_token={re.escape(token)}\b", re.MULTILINE)
    return [number for number, said in _blocks("job_number", text) if known.search(said)]


def _pbs_ids(text: str, token: str) -> list[str]:
    # Without -w a long list of variables is wrapped, and continues after a tab.
    known = re.compile(rf"\bJFR_TOKEN={re.escape(token)}\b")
    blocks = _blocks(r"\s*Job Id", text)
    return [number for number, said in blocks if known.search(said.replace("\n\t", ""))]


IN_PILOT = Dialect('"${JFR_CLAIM:-$$}"', is_requeued=False)
"""Jobs of a batch worker: all those of a pilot have its id in the queue, and each a claim."""
_SGE_STATES = re.compile(r"z|w|s|t|r|R|h?qw|E(hR?)?qw|d([rt]|R[rt]|R?[sST])?")
"""States that qtoolkit knows."""
_SGE_LETTERS = (
    ("d", "dr"),  # to be deleted
    ("E", "Eqw"),  # in error
    ("q", "qw"),
    ("t", "t"),  # on its way to a node
    ("s", "s"),  # suspended by a user, by its queue, by an alarm
    ("S", "s"),
    ("T", "s"),
    ("r", "r"),  # started again, among others
)


def _with_known_sge_states(text: str) -> str:
    """Simplify the states of Grid Engine that qtoolkit does not know, such as Rr, S and hRwq."""

    def known(found: re.Match[str]) -> str:
        state = found[1]
        if _SGE_STATES.fullmatch(state):
            return found[0]
        means = next((word for letter, word in _SGE_LETTERS if letter in state), state)
        return f"<state>{'hqw' if means == 'qw' and 'h' in state else means}</state>"

    return re.sub(r"<state>([A-Za-z]+)</state>", known, text)


_PBS_STATES = {
    **dict.fromkeys("QTWM", "QUEUED"),
    **dict.fromkeys("RBE", "RUNNING"),
    **dict.fromkeys("SU", "SUSPENDED"),
    **dict.fromkeys("FXC", "DONE"),
    "H": "QUEUED_HELD",
}


def _pbs_states(text: str) -> dict[str, str]:
    """Read {id: state} of ``qstat -f``, whatever else it says or leaves out of a job.

    qtoolkit wants a number of nodes of each job, and knows no job that Torque calls completed (C).
    """
    found = {}
    for number, block in _blocks(r"\s*Job Id", text):
        state = re.search(r"^\s*job_state = (\w)\s*$", block, re.MULTILINE)
        if state is not None and state[1] in _PBS_STATES:
            found[number] = _PBS_STATES[state[1]]
    return found


HYPERQUEUE_LISTING = "hq --output-mode=json job list --filter waiting,running"
"""Command that lists the jobs of HyperQueue that have not ended."""


def _hyperqueue_ids(text: str, token: str) -> list[str]:
    from controller.schedulers.hyperqueue import ids_of_token  # which imports qtoolkit

    return ids_of_token(text, token)


_UNKNOWN = Dialect('"${HQ_JOB_ID:-${FLUX_JOB_ID:-${SLURM_JOB_ID:-${PBS_JOBID:-${JOB_ID:-$$}}}}}"')
"""A user's own scheduler. HyperQueue and Flux run inside allocations of the others."""
_DIALECTS = {
    "ShellIO": Dialect('"$$"', is_requeued=False),
    "SlurmIO": Dialect(
        '"${SLURM_JOB_ID:-$$}"',
        directive="#SBATCH --comment=jfr:{token}",
        listing='squeue -h -u "$(id -un)" -o "%i %k"',
        find=_slurm_ids,
        accounting=accounting_command,
        read_accounting=read_accounting,
    ),
    "HyperQueueIO": Dialect(
        '"${HQ_JOB_ID:-$$}"',
        directive="#HQ --name=jfr:{token}",
        clashes="#HQ --name",
        listing=HYPERQUEUE_LISTING,
        find=_hyperqueue_ids,
    ),
    "SGEIO": Dialect(
        '"${JOB_ID:-$$}"',
        directive="#$ -ac jfr_token={token}",
        listing=(
            'jfr_all=$(qstat -u "$(id -un)") || exit 1; '
            "jfr_all=$(echo \"$jfr_all\" | awk 'NR > 2 {print $1}' | sort -u | tr '\\n' ','); "
            '[ -z "$jfr_all" ] || qstat -j "${jfr_all%,}"'
        ),
        find=_sge_ids,
        tidy=_with_known_sge_states,
        accounting=qacct_command,
        read_accounting=read_qacct,
    ),
    "PBSIO": Dialect(
        '"${PBS_JOBID:-$$}"',
        directive="#PBS -v JFR_TOKEN={token}",
        clashes="#PBS -v",
        listing=(
            'jfr_all=$(qselect -u "$(id -un)") || exit 1; [ -z "$jfr_all" ] || qstat -f $jfr_all'
        ),
        find=_pbs_ids,
        states=_pbs_states,
        cancel="qdel",
        accounting=qstat_command,
        read_accounting=read_qstat,
    ),
}


def dialect_of(scheduler: BaseSchedulerIO) -> Dialect:
    """Return the properties of a queue; a user's own class has those of its base class."""
    for kind in type(scheduler).__mro__:
        if kind.__name__ in _DIALECTS:
            return _DIALECTS[kind.__name__]
    return _UNKNOWN


def with_token(script: str, dialect: Dialect, token: str) -> str:
    """Put the token of an attempt into the header of a script.

    Before all other directives: if the user's conflict, theirs win.
    """
    if not (token and dialect.directive):
        return script
    if dialect.clashes and any(map(_begins(dialect.clashes), script.splitlines())):
        return script
    first, rest = script.split("\n", 1)
    return f"{first}\n{dialect.directive.format(token=token)}\n{rest}"


def _begins(words: str) -> Callable[[str], bool]:
    return lambda line: line.startswith((f"{words} ", f"{words}\t"))
