"""The place where scripts for jobflow-remote look for the documents: see `controller.documents`."""

from controller.documents import JOB_INFO_PROJECTION as projection_job_info
from controller.documents import (
    BatchDoc,
    DbCollection,
    DynamicResponseType,
    FlowDoc,
    FlowInfo,
    JobDoc,
    JobInfo,
    RemoteError,
    RemoteInfo,
    get_reset_job_base_dict,
)
from controller.execution.files import IN_FILE as IN_FILENAME
from controller.execution.files import OUT_FILE as OUT_FILENAME

__all__ = [
    "IN_FILENAME",
    "OUT_FILENAME",
    "BatchDoc",
    "DbCollection",
    "DynamicResponseType",
    "FlowDoc",
    "FlowInfo",
    "JobDoc",
    "JobInfo",
    "RemoteError",
    "RemoteInfo",
    "get_reset_job_base_dict",
    "projection_job_info",
]
