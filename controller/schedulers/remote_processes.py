"""Jobs run by the shell of another machine: whether they are alive, and ending them.

A process is identified by its process id and its start time, which the job wrote into its start
file; any number of jobs is queried with one command.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from controller.errors import RemoteError

if TYPE_CHECKING:
    from controller.hosts.base import Host
    from controller.schedulers.queued_jobs import Submission

END_GRACE = 10
"""Seconds that processes have to end gracefully."""

_LOOK = r"""
jfr_look() {  # pid, start time or "", start file or "": prints whether its process lives
  jfr_pid=$1; jfr_start=$2; jfr_id=$1
  [ -n "$2" ] || [ -z "$3" ] || { read -r jfr_id jfr_start jfr_rest < "$3"; } 2>/dev/null
  [ "$jfr_id" = "$1" ] || jfr_start=
  case $jfr_pid in ''|*[!0-9]*) echo ended; return;; esac
  if [ -r /proc/self/stat ]; then
    jfr_stat=; { read -r jfr_stat < "/proc/$jfr_pid/stat"; } 2>/dev/null
    [ -n "$jfr_stat" ] || { echo ended; return; }
    jfr_found=$(set -f; set -- ${jfr_stat##*") "}; shift 19; echo "$1")
    case ${jfr_stat##*") "} in Z*|X*|x*) echo ended; return;; esac
    case $jfr_start in ''|-|@*|"$jfr_found") echo alive;; *) echo ended;; esac
  else
    jfr_found=$(ps -o state= -p "$jfr_pid" 2>/dev/null)
    case $jfr_found in ''|*Z*) echo ended;; *) echo alive;; esac
  fi
}
""".strip()

_END = r"""
jfr_family() {
  ps -A -o pid= -o ppid= -o pgid= | awk -v leader="$1" '
    { parent[$1] = $2; group[$1] = $3 }
    END {
      found[leader] = 1
      do { grown = 0
        for (p in parent) if (!(p in found) && (parent[p] in found || group[p] == leader))
          { found[p] = 1; grown = 1 }
      } while (grown)
      for (p in found) if (p in parent) print p
    }'
}
[ "$(jfr_look "$1" "$2" "$3")" = alive ] || exit 0
jfr_all=$(jfr_family "$1")
kill -15 $jfr_all 2>/dev/null
jfr_n=0
while [ "$jfr_n" -lt @GRACE@ ]; do
  jfr_left=
  for p in $jfr_all; do ! kill -0 "$p" 2>/dev/null || jfr_left="$jfr_left $p"; done
  [ -n "$jfr_left" ] || exit 0
  sleep 1; jfr_n=$((jfr_n + 1))
done
kill -9 $jfr_left $(jfr_family "$1") 2>/dev/null
exit 0
""".strip()

_LAUNCH = r"""
@COMMAND@
jfr_pid=$!; jfr_n=0
while [ ! -s jfr_started ] && kill -0 "$jfr_pid" 2>/dev/null && [ "$jfr_n" -lt 100 ]; do
  sleep 0.1 2>/dev/null || sleep 1
  jfr_n=$((jfr_n + 1))
done
""".strip()


def launch_command(command: str) -> str:
    """Return a command that starts another in the background, and waits until it has started."""
    return _LAUNCH.replace("@COMMAND@", command)


def are_alive(host: Host, jobs: Sequence[Submission]) -> list[bool]:
    """Return whether the processes of jobs are alive, with one command.

    Raises
    ------
    RemoteError
        The machine did not answer.
    """
    if not jobs:
        return []
    done = host.execute("\n".join([_LOOK, *(f"jfr_look {_words(job)}" for job in jobs)]))
    answers = done.stdout.split()
    if len(answers) != len(jobs) or not set(answers) <= {"alive", "ended"}:
        said = (done.stderr or done.stdout).strip()
        raise RemoteError(f"{host.name} did not report which processes are alive: {said}")
    return [answer == "alive" for answer in answers]


def end(host: Host, job: Submission) -> None:
    """End a process with its descendants and its group: gracefully, then by force.

    A process that has ended, or whose process id now belongs to another one, is ignored.

    Raises
    ------
    RemoteError
        The machine refused.
    """
    if not job.process_id.isdigit():
        return
    script = f"set -- {_words(job)}\n{_LOOK}\n{_END.replace('@GRACE@', str(END_GRACE))}"
    done = host.execute(script, timeout=60 + END_GRACE)
    if done.returncode:
        said = done.stderr.strip()
        raise RemoteError(f"could not end process {job.process_id} on {host.name}: {said}")


def _words(job: Submission) -> str:
    start = str((job.process or {}).get("start_time") or "")
    started = "" if job.run_dir is None else str(job.run_dir / "jfr_started")
    return " ".join(map(shlex.quote, (job.process_id, start, started)))
