"""The documents of the queue database, and lighter views of them.

`JobDoc`, `FlowDoc` and `BatchDoc` are whole documents; `JobInfo` and `FlowInfo` are views for
lists and tables, without the serialised job. Names, types and defaults are those of
jobflow-remote 1.0.1, so that both programs work on one database; documents
keep unknown fields, views ignore them. ``jobs``, ``flows`` and ``batches`` define one
kind each, ``stored`` what they share.

Times are naive and in UTC, as the database returns them.

Names are loaded at first use: building a model takes half a millisecond.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.documents.batches import BatchDoc, new_batch_document
    from controller.documents.flows import FlowDoc, FlowInfo, new_flow_document
    from controller.documents.jobs import (
        JOB_INFO_PROJECTION,
        JobDoc,
        JobInfo,
        RemoteInfo,
        get_reset_job_base_dict,
        new_job_document,
    )
    from controller.documents.stored import (
        DbCollection,
        DynamicResponseType,
        db_id_order,
        flow_if_named,
        flow_of,
        scheduler_of,
        utc_now,
    )
    from controller.errors import RemoteError

__all__ = [
    "JOB_INFO_PROJECTION",
    "BatchDoc",
    "DbCollection",
    "DynamicResponseType",
    "FlowDoc",
    "FlowInfo",
    "JobDoc",
    "JobInfo",
    "RemoteError",
    "RemoteInfo",
    "db_id_order",
    "flow_if_named",
    "flow_of",
    "get_reset_job_base_dict",
    "new_batch_document",
    "new_flow_document",
    "new_job_document",
    "scheduler_of",
    "utc_now",
]

_HOMES = {
    "controller.documents.batches": ("BatchDoc", "new_batch_document"),
    "controller.documents.flows": ("FlowDoc", "FlowInfo", "new_flow_document"),
    "controller.documents.jobs": (
        *("JOB_INFO_PROJECTION", "JobDoc", "JobInfo", "RemoteInfo"),
        *("get_reset_job_base_dict", "new_job_document"),
    ),
    "controller.documents.stored": (
        *("DbCollection", "DynamicResponseType", "db_id_order", "utc_now"),
        *("flow_if_named", "flow_of", "scheduler_of"),
    ),
    "controller.errors": ("RemoteError",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
