"""The place where scripts for jobflow-remote look for the daemon: see `controller.service`."""

from controller.errors import RunningRunnerError as RunningDaemonError
from controller.service.daemon import DaemonError, DaemonManager, DaemonStatus

__all__ = [
    "DaemonError",
    "DaemonManager",
    "DaemonStatus",
    "RunningDaemonError",
]
