"""The place where scripts for jobflow-remote look for it: see `controller.submission`."""

from controller.submission import submit_flow

__all__ = [
    "submit_flow",
]
