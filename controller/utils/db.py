"""The place where scripts for jobflow-remote look for locks: see `controller.locks`."""

from controller.errors import (
    FlowLockedError,
    JobLockedError,
    LockedDocumentError,
    MissingDocumentError,
    RunnerLockedError,
)
from controller.locks import MongoLock

__all__ = [
    "FlowLockedError",
    "JobLockedError",
    "LockedDocumentError",
    "MissingDocumentError",
    "MongoLock",
    "RunnerLockedError",
]
