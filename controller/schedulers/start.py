"""The first lines of a submitted script, which ensure that an attempt runs once.

They work in any POSIX shell. The start file is one line of words, "-" for unknown ones::

    ID START TOKEN PID BOOT NAMESPACE NODE [warm]

that is the id in the queue, the start time of the script's process, the token of the attempt, its
process id, the boot of its machine, its PID namespace and its node. Earlier versions wrote the
first two, or the first six. The word "warm" says that the process runs other jobs before and after
(``controller.execution.warm``): it is that of this one until the exit file is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from controller.schedulers.dialects import Dialect

STARTED, ATTEMPT, WITHDRAWN = "jfr_started", "jfr_attempt", "jfr_withdrawn"
WARM = "warm"
_CACHE = 70
"""Seconds for which a node may see an outdated file on a network file system."""

_WHO = r"""
jfr_me=@ID@; jfr_token=@TOKEN@
jfr_start= jfr_boot= jfr_space= jfr_line=
{ read -r jfr_line < /proc/self/stat; } 2>/dev/null
if [ "${jfr_line%% *}" = "$$" ]; then
  jfr_start=$(set -f; set -- ${jfr_line##*") "}; shift 19; echo "$1")
  jfr_space=$(readlink /proc/self/ns/pid 2>/dev/null)
elif [ "$(uname -s)" != Linux ]; then
  jfr_start=$(LC_ALL=C TZ=UTC0 ps -o lstart= -p "$$" 2>/dev/null)
  jfr_start=$(set -- $jfr_start; [ $# -lt 5 ] || echo "@$2_$3_$4_$5")
  jfr_space=none
fi
{ read -r jfr_boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null ||
  jfr_boot=$(sysctl -n kern.bootsessionuuid 2>/dev/null)
jfr_node=${SLURMD_NODENAME:-$(uname -n 2>/dev/null)}
jfr_line="$jfr_me ${jfr_start:--} $jfr_token $$ ${jfr_boot:--} ${jfr_space:--} ${jfr_node:--}"
""".strip()

_IS_PRESENT = r"""
jfr_is_present() {
  jfr_last=; { read -r jfr_last < jfr_attempt; } 2>/dev/null
  [ "${jfr_last:-$jfr_token}" = "$jfr_token" ]
}
jfr_is_present@WAIT@ || {
  echo "jfr: the job was started again: this start of an earlier attempt ends" >&2; exit 0
}
""".strip()

_ONCE = r"""
if ! (set -C; echo "$jfr_line" > jfr_started) 2>/dev/null; then
  [ -s jfr_started ] || { echo "jfr: cannot write in $PWD: is the disk full?" >&2; exit 73; }
@AGAIN@
fi
[ ! -e jfr_withdrawn ] && [ ! -e "jfr_withdrawn.$jfr_token" ] || exit 0
""".strip()

_REQUEUED = r"""
  read -r jfr_first jfr_rest < jfr_started
  [ "$jfr_first" = "$jfr_me" ] || exit 0
  # The queue has restarted it, as another process.
  echo "$jfr_line" > .jfr_started && mv -f .jfr_started jfr_started || exit 73
""".strip("\n")


def guard(dialect: Dialect, token: str) -> str:
    """Return the lines that end a second start of an attempt, or an outdated start.

    Parameters
    ----------
    token
        Token of the attempt; "" for none (earlier versions).
    """
    # An older attempt can wait; the current one must not trust an old copy of the file.
    wait = f" || {{ sleep {_CACHE}; ls > /dev/null; jfr_is_present; }}"
    present = _IS_PRESENT.replace("@WAIT@", wait if dialect.is_requeued else "")
    again = _REQUEUED if dialect.is_requeued else "  exit 0"
    parts = [
        "# A second start of one submission ends here, and one of a withdrawn job.",
        _WHO.replace("@ID@", dialect.own_id).replace("@TOKEN@", token or "-"),
        *([present] if token else []),
        _ONCE.replace("@AGAIN@", again),
    ]
    return "\n".join(parts)


@dataclass(frozen=True)
class Start:
    """The contents of a start file; "" is unknown.

    Attributes
    ----------
    process_id
        The id in the queue.
    node
        Name of the node in the queue, else the machine's own name.
    is_warm
        Whether its process also runs other jobs.
    """

    process_id: str
    start_time: str = ""
    token: str = ""
    pid: str = ""
    boot_id: str = ""
    pid_namespace: str = ""
    node: str = ""
    is_warm: bool = False

    def is_of(self, token: str | None) -> bool:
        """Whether it belongs to the attempt, if both are known."""
        return not (token and self.token) or token == self.token

    @property
    def identity(self) -> Mapping[str, Any]:
        """The data on the process, for `controller.identity.liveness`."""
        known: dict[str, Any] = {
            "pid": self.pid or self.process_id,
            "start_time": self.start_time,
            "boot_id": self.boot_id,
            "pid_namespace": self.pid_namespace,
        }
        # The process may run another attempt next: this identifies the intended one.
        return {**known, "warm": self.token or True} if self.is_warm else known


def parse_start(text: str) -> Start | None:
    """Read a start file; None if it is still empty."""
    words = ["" if word == "-" else word for word in text.split()[:8]]
    if not words or not words[0]:
        return None
    names = [name for name in Start.__dataclass_fields__ if name != "is_warm"]
    return replace(Start(words[0]), **dict(zip(names, words)), is_warm=words[7:] == [WARM])


def stop_file(token: str) -> str:
    """Return the name of the file that asks the warm process of an attempt to run no other job."""
    return f"jfr_stop.{token}"


def is_token(text: str) -> bool:
    """Whether a text needs no quoting in a script."""
    return re.fullmatch(r"[\w.-]+", text) is not None
