"""Everything about one job but its output and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controller.documents import JOB_INFO_PROJECTION, JobInfo
from controller.errors import JobNotFoundError
from controller.filters import is_uuid
from controller.reader import QueueReader
from controller.rules.flows import newest_by_uuid
from controller.rules.history import HistoryEntry
from controller.rules.why import Reason
from controller.states import JobState
from controller.why import why

RELATIVES = 100
"""Number of parents and of children that are read."""
_OF_FLOW = {"_id": 0, "uuid": 1, "name": 1, "state": 1}
_DETAILS = ["resources", "exec_config", "attempts", "retry", "job"]


@dataclass(frozen=True)
class JobView:
    """A job and its surroundings.

    Attributes
    ----------
    job
        The job.
    flow
        ``{uuid, name, state}`` of its flow; None if it does not exist.
    indices
        (index, db_id) of all jobs with its uuid.
    history
        Its states, the oldest first.
    attempts
        Its attempts that ended, as `controller.documents.attempts` describes them.
    reasons
        Why it does not run, or what to do about it; empty for a completed job.
    parents, children
        The newest of each uuid, at most `RELATIVES`.
    resources, exec_config, retry
        Settings of the job, as stored.
    function
        The function that it calls, as ``module.name``; "" if unknown.
    inputs
        {name or number of the argument: value}, serialised.
    """

    job: JobInfo
    flow: dict[str, Any] | None
    indices: list[tuple[int, str]]
    history: list[HistoryEntry]
    attempts: list[dict[str, Any]]
    reasons: list[Reason]
    parents: list[JobInfo]
    children: list[JobInfo]
    resources: Any
    exec_config: Any
    retry: Any
    function: str
    inputs: dict[str, Any]


def find_job(reader: QueueReader, text: str, index: int | None = None) -> JobInfo:
    """Return the job with a db_id, a uuid or the beginning of one.

    Parameters
    ----------
    index
        Index of the job, for a uuid; None for the largest one.

    Raises
    ------
    JobNotFoundError
        There is none.
    ArgumentError
        Several uuids start with the text.
    """
    whole = reader.queue.whole_job_id(text)
    named: dict[str, Any] = (
        {"job_id": whole, "job_index": index} if is_uuid(whole) else {"db_id": whole}
    )
    found = reader.get_job_info(**named)
    if found is None:
        raise JobNotFoundError(
            f"there is no job {text}", hint="`jf job list` lists the existing ones"
        )
    return found


def job_view(reader: QueueReader, job: JobInfo) -> JobView:
    """Read the surroundings of a job. Locks nothing."""
    queue = reader.queue
    doc = queue.jobs.find_one({"db_id": job.db_id}, _DETAILS) or {}
    same = queue.jobs.find({"uuid": job.uuid}, ["index", "db_id"])
    body = doc.get("job") or {}
    ended_well = job.state is JobState.COMPLETED
    return JobView(
        job=job,
        flow=queue.flows.find_one({"uuid": job.hosts[-1]}, _OF_FLOW) if job.hosts else None,
        indices=sorted((other["index"], other["db_id"]) for other in same),
        history=reader.get_job_history(db_id=job.db_id),
        attempts=list(doc.get("attempts") or ()),
        reasons=[] if ended_well else why(reader, job),
        parents=_newest(reader, {"uuid": {"$in": job.parents}}) if job.parents else [],
        children=_newest(reader, {"parents": job.uuid}),
        resources=doc.get("resources"),
        exec_config=doc.get("exec_config"),
        retry=doc.get("retry"),
        function=_function(body.get("function")),
        inputs=_inputs(body),
    )


def _newest(reader: QueueReader, query: dict[str, Any]) -> list[JobInfo]:
    found = list(reader.queue.jobs.find(query, JOB_INFO_PROJECTION, limit=2 * RELATIVES))
    newest = newest_by_uuid(found).values()
    return [JobInfo.from_query_output(doc) for doc in newest][:RELATIVES]


def _function(stored: Any) -> str:
    """Name a serialised function, or the method of a serialised object."""
    if not isinstance(stored, dict):
        return ""
    if "@callable" in stored:
        return ".".join(part for part in (stored.get("@module"), stored["@callable"]) if part)
    bound = stored.get("@bound")
    of = stored if not isinstance(bound, dict) else bound
    return ".".join(str(part) for part in (of.get("@module"), of.get("@class")) if part)


def _inputs(body: dict[str, Any]) -> dict[str, Any]:
    arguments = body.get("function_args") or ()
    inputs = {f"argument {number}": value for number, value in enumerate(arguments, 1)}
    return {**inputs, **(body.get("function_kwargs") or {})}
