"""The place where scripts for jobflow-remote look for the runner: see `controller.runner`."""

from controller.runner import Runner

__all__ = [
    "Runner",
]
