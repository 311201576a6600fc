"""The place where scripts for jobflow-remote look for reports: see `controller.report`."""

from controller.report import FlowsReport, FlowTrends, JobsReport, JobTrends

__all__ = [
    "FlowTrends",
    "FlowsReport",
    "JobTrends",
    "JobsReport",
]
