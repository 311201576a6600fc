"""The commands of ``jf runner`` that start and stop processes in the background."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jfr_cli import options
from jfr_cli.not_implemented import Later

_FOREGROUND = "jf runner run, in a terminal multiplexer or as a service"
_CTRL_C = "Ctrl-C, or SIGTERM, stops `jf runner run` after the current step"

_TRANSFER = Annotated[
    int, typer.Option("--transfer", "-t", min=1, help="Processes that upload and download.")
]
_COMPLETE = Annotated[
    int, typer.Option("--complete", "-com", min=1, help="Processes that complete jobs.")
]
_SINGLE = Annotated[bool, typer.Option("--single", "-s", help="One process for everything.")]
_START: dict[str, tuple[Any, Any]] = {
    "transfer": (_TRANSFER, 1),
    "complete": (_COMPLETE, 1),
    "single": (_SINGLE, False),
    "log_level": (options.LogLevel, None),
    "interactive": (options.Interactive, False),
}
_WAIT = Annotated[bool, typer.Option("--wait", "-w", help="Wait until it has stopped.")]
_ALL = Annotated[bool, typer.Option("--all", "-a", help="Runners of all projects.")]
_FILE = Annotated[
    Path | None,
    typer.Option("--json", "-j", metavar="FILE", help="Print the names of the projects (-a)."),
]
_MAX_WAIT = Annotated[
    int, typer.Option("--max-wait", "-m", min=0, help="Seconds to wait (0: no limit; -a -w).")
]
_STOP: dict[str, tuple[Any, Any]] = {
    "wait": (_WAIT, False),
    "all_projects": (_ALL, False),
    "file": (_FILE, None),
    "max_wait": (_MAX_WAIT, 120),
}

DAEMON_COMMANDS = (
    Later("runner start", "Start the runner in the background.", _FOREGROUND, _START, "--single"),
    Later("runner stop", "Stop the runner in the background.", _CTRL_C, _STOP, "--wait"),
    Later("runner shutdown", "Same as stop.", _CTRL_C, _STOP),
    Later("runner kill", "Kill the runner's processes.", _CTRL_C, _STOP),
    Later("runner stop-processes", "Stop the processes only.", _CTRL_C, _STOP, hidden=True),
    Later("runner restart", "Stop the runner and start it again.", _FOREGROUND),
    Later("runner reload", "Make the runner reload the project.", _FOREGROUND),
    Later("runner foreground", "Attach to the runner's processes.", _FOREGROUND),
)
