"""Jobs and flows by any id, the beginning of one, or a name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from controller.documents import JOB_INFO_PROJECTION, FlowInfo, JobInfo
from controller.filters import FlowFilter, JobFilter, is_start_of_uuid, is_uuid
from controller.reader import QueueReader
from controller.storage.base import Filter

MOST = 25
"""Number of jobs, and of flows, that are found."""
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes
    ----------
    jobs, flows
        Matches, at most `MOST` of each, the newest first.
    pattern
        The pattern of names that was looked for; None where an id was found.
    """

    jobs: list[JobInfo] = field(default_factory=list)
    flows: list[FlowInfo] = field(default_factory=list)
    pattern: str | None = None


def search(reader: QueueReader, text: str) -> Found:
    """Look for a db_id, a uuid or its beginning, an id in a queue, else for names.

    A name is searched by its beginning, or by a pattern with the wildcards of `fnmatch`.
    """
    wanted = text.strip()
    if not wanted:
        return Found()
    by_id = _by_id(reader, wanted)
    if by_id.jobs or by_id.flows:
        return by_id
    pattern = wanted if _WILD.search(wanted) else f"{wanted}*"
    jobs = reader.queue.query(JobFilter(name=pattern))
    flows = reader.queue.query(FlowFilter(name=pattern))
    return Found(_jobs(reader, jobs), _flows(reader, flows), pattern)


def _by_id(reader: QueueReader, text: str) -> Found:
    jobs = _jobs(reader, {"db_id": text})
    if jobs:
        return Found(jobs)
    low = text.lower()
    if is_uuid(low) or is_start_of_uuid(low):
        # "g" sorts after all digits of a uuid, so this is a range that an index can answer.
        begins: Filter = {"uuid": {"$gte": low, "$lt": f"{low}g"}}
        return Found(_jobs(reader, begins), _flows(reader, begins))
    return Found(_jobs(reader, {"remote.process_id": text}))


def _jobs(reader: QueueReader, query: Filter) -> list[JobInfo]:
    found = reader.queue.jobs.find(
        query, JOB_INFO_PROJECTION, sort=[("updated_on", -1)], limit=MOST
    )
    return [JobInfo.from_query_output(doc) for doc in found]


def _flows(reader: QueueReader, query: Filter) -> list[FlowInfo]:
    found = reader.queue.flows.find(
        query, {"parents": 0, "jobs": 0}, sort=[("updated_on", -1)], limit=MOST
    )
    return [FlowInfo.from_query_dict(doc) for doc in found]
