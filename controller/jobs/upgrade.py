"""The place where scripts for jobflow-remote look for it: see `controller.operations.upgrade`."""

from controller.operations.upgrade import (
    DatabaseUpgrader,
    NoDocumentsIn,
    UpgradeAction,
    UpgradeCondition,
)

__all__ = [
    "DatabaseUpgrader",
    "NoDocumentsIn",
    "UpgradeAction",
    "UpgradeCondition",
]
