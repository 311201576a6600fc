"""The place where scripts for jobflow-remote look for it: see `controller.jobcontroller`."""

from controller.jobcontroller import JobController
from controller.rules import get_flow_leafs

__all__ = [
    "JobController",
    "get_flow_leafs",
]
