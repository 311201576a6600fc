"""The pieces of shell that submit a script, for one job or for many in one round trip."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import NotYetError, QueueBusyError, RemoteError
from controller.hosts.archive import Content
from controller.hosts.bundles import run_pieces
from controller.hosts.claims import ClaimPieces
from controller.hosts.ownership import OTHER_ATTEMPT, owner_file, refusal_lines
from controller.schedulers.refusals import why_not_now
from controller.schedulers.start import STARTED, WITHDRAWN, Start, parse_start

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

    from controller.hosts.base import CommandResult, Host

SUBMITTED, SUBMITTING, SCRIPT = "jfr_submitted", "jfr_submitting", "submit.sh"
WAS_WITHDRAWN = 76
"""Exit status of a shell that found that it must not submit."""
_LOOK_CLOSER, _REFUSED = 81, 82
"""Exit statuses of a piece: something had begun there; the queue did not accept the job."""
_LOOK_CLOSER_AT = (_LOOK_CLOSER, OTHER_ATTEMPT)
_LAUNCHED = ".jfr_launched"
_START_DEADLINE = 15
"""Seconds within which shell jobs that are started together must report that they have started."""
LAUNCH = f"""\
jfr_sh=$(command -v bash || command -v sh)
if command -v setsid; then set -- setsid "$jfr_sh"
elif command -v python3; then
  set -- python3 -c 'import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])' "$jfr_sh"
elif command -v perl; then set -- perl -e 'use POSIX; POSIX::setsid(); exec @ARGV' "$jfr_sh"
else set -m; set -- "$jfr_sh"
fi > /dev/null 2>&1
trap '' HUP
"$@" {SCRIPT} >> stdout 2>> stderr < /dev/null & echo $!"""
"""Starts the script in its own session, so that everything it started can be ended with it."""


def withdrawn_mark(token: str) -> str:
    """Return the name of the file that withdraws an attempt, whichever attempt owns the folder."""
    return f"{WITHDRAWN}.{token or 'none'}"


def submitting_lines(scheduler: BaseSchedulerIO) -> str:
    """Return the lines that submit the script of the folder that they run in.

    The shell variable ``token`` must hold the token of the attempt.
    """
    command = scheduler.get_submit_cmd(SCRIPT)
    saved = f"{command} > .{SUBMITTED} 2> .submit_err && mv .{SUBMITTED} {SUBMITTED}"
    return (
        f": > {SUBMITTING} || exit 1; "
        f'if [ -e {WITHDRAWN} ] || [ -e "{WITHDRAWN}.$token" ]; then '
        f"rm -f {SUBMITTING}; exit {WAS_WITHDRAWN}; fi; "
        f"{saved}; rc=$?; rm -f {SUBMITTING}; "
        f"cat {SUBMITTED} .{SUBMITTED} 2>/dev/null; cat .submit_err >&2; exit $rc"
    )


def upload_check(token: str, status: int) -> str:
    """Return shell that exits with a status if the upload of an attempt was interrupted.

    Its files have temporary names with its token until it owns the folder.

    Parameters
    ----------
    token
        Token of the attempt, or a shell variable that holds it.
    """
    return (
        f'[ -z "{token}" ] || for jfr_f in .*."{token}"; do\n'
        f'[ "$jfr_f" = ".{SCRIPT}.{token}" ] || [ ! -e "$jfr_f" ] || exit {status}\ndone'
    )


def was_withdrawn() -> RemoteError:
    """Return the error for a job that must no longer be submitted."""
    return RemoteError(
        "the job was withdrawn while it was being submitted", True, hint="it can be rerun"
    )


def id_of(done: CommandResult, read_id: Callable[[str], str | None]) -> str:
    """Return the id in a queue's answer.

    Raises
    ------
    QueueBusyError
        It accepts no jobs at present.
    RemoteError
        It refused the job, or returned no id (``no_retry``: the job may run).
    """
    text = (done.stderr or done.stdout).strip()
    if done.returncode:
        if (reason := why_not_now(text)) is not None:
            raise QueueBusyError(reason)
        raise RemoteError(f"the queue refused the job: {text}")
    found = read_id(done.stdout)
    if found is not None:
        return found
    raise RemoteError(f"the queue accepted the job but returned no id: {text}", no_retry=True)


def submit_many(
    host: Host,
    jobs: Sequence[tuple[Path, str, str]],
    scheduler: BaseSchedulerIO | None,
    read_id: Callable[[str], str | None],
    claims: ClaimPieces | None = None,
) -> list[tuple[str, Start | None] | Exception | None]:
    """See `Queue.submit_many`; a scheduler of None is the shell.

    Parameters
    ----------
    claims
        One per job: first claim the folders and write the input, in the same round trip.
    """
    submitting = "jfr_launch" if scheduler is None else "jfr_submit"
    pieces = [] if claims is None else list(claims.pieces)
    for run_dir, _, token in jobs:
        refusal = refusal_lines(token, drop=[f".{SCRIPT}.{token}"])
        enter = f"cd {shlex.quote(str(run_dir))} || exit {1 if claims is None else _LOOK_CLOSER}"
        if claims is not None:  # if that failed, there is nothing to submit
            enter += f"\n[ -e {owner_file(token)} ] || exit {_LOOK_CLOSER}"
        pieces.append(f"{enter}\n{refusal}token={token}; jfr_prepare; {submitting}")
    if scheduler is None:
        pieces += [f"cd {shlex.quote(str(run_dir))} || exit 1; jfr_wait" for run_dir, _, _ in jobs]
    write: dict[Path, Content] = {
        run_dir / f".{SCRIPT}.{token}": script.encode() for run_dir, script, token in jobs
    }
    define = _define(scheduler)
    if claims is not None:
        define, write = f"{claims.define}\n{define}", {**claims.staged, **write}
    stop, is_new = None if scheduler is None else _REFUSED, claims is not None
    done = run_pieces(host, pieces, define=define, write=write, make_folders=is_new, stop_at=stop)
    if claims is not None:
        done = done[len(claims.pieces) :]
    if scheduler is None:
        starts = done[len(jobs) :]
        return [_started(first, second) for first, second in zip(done, starts)]
    answers = [_submitted(result, read_id) for result in done]
    first = done.index(None) if None in done else len(done)
    if first < len(done) and not isinstance(answers[first - 1], QueueBusyError):
        # Only this job was refused; the others are not affected.
        answers[first:] = submit_many(host, jobs[first:], scheduler, read_id)
    elif first < len(done):
        answers[first:] = [NotYetError("the queue is full")] * (len(done) - first)
    return answers


def _define(scheduler: BaseSchedulerIO | None) -> str:
    """Return the functions of the pieces."""
    # An earlier submission may be in the queue: `Queue.submit` finds out.
    prepare = (
        f"jfr_prepare() {{ if [ -e {STARTED} ] || [ -e {SUBMITTED} ] || [ -e {SCRIPT} ]; then\n"
        f'rm -f ".{SCRIPT}.$token"; exit {_LOOK_CLOSER}; fi\n'
        f"{upload_check('$token', _LOOK_CLOSER)}\n"
        f'mv -f ".{SCRIPT}.$token" {SCRIPT} || exit 1; }}\njfr_t=$(date +%s)'
    )
    if scheduler is not None:
        refused = f"( {submitting_lines(scheduler)} ); rc=$?"
        known = f"0|{WAS_WITHDRAWN}"
        return (
            f"{prepare}\njfr_submit() {{ {refused}\n"
            f'case $rc in {known}) exit "$rc";; *) exit {_REFUSED};; esac; }}'
        )
    return (
        f"{prepare}\njfr_launch() {{ {{ {LAUNCH}\n}} > {_LAUNCHED}; }}\n"
        f"jfr_wait() {{ [ -e {_LAUNCHED} ] || exit 0\nread -r jfr_pid < {_LAUNCHED}\n"
        f'while [ ! -s {STARTED} ] && kill -0 "$jfr_pid" 2>/dev/null &&\n'
        f'[ "$(($(date +%s) - jfr_t))" -lt {_START_DEADLINE} ]; do\n'
        f"sleep 0.1 2>/dev/null || sleep 1; done\nrm -f {_LAUNCHED}\n"
        f"cat {STARTED} 2>/dev/null; tail -n 1 stderr >&2 2>/dev/null; exit 0; }}"
    )


def _submitted(
    done: CommandResult | None, read_id: Callable[[str], str | None]
) -> tuple[str, Start | None] | Exception | None:
    """Return the outcome of a submission to a queue."""
    if done is None or done.returncode in _LOOK_CLOSER_AT:
        return None
    if done.returncode == WAS_WITHDRAWN:
        return was_withdrawn()
    try:
        return id_of(done, read_id), None
    except RemoteError as error:
        return error


def _started(
    launched: CommandResult | None, waited: CommandResult | None
) -> tuple[str, Start | None] | Exception | None:
    """Return the outcome of starting a process."""
    if launched is None or waited is None or launched.returncode in _LOOK_CLOSER_AT:
        return None
    if launched.returncode:
        said = launched.stderr.strip()
        return RemoteError(f"the job could not be started: {said or 'no error message'}")
    start = parse_start(waited.stdout)
    if start is not None:
        return start.process_id, start
    said = waited.stderr.strip()
    return RemoteError(f"the job did not start: {said or 'no error message'}")
