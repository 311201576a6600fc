"""The place where scripts for jobflow-remote look for it: see `controller.submission`."""

from controller.submission import get_jobstore

__all__ = [
    "get_jobstore",
]
