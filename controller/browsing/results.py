"""Numbers in the outputs of many jobs, for plots."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.documents import JOB_INFO_PROJECTION, JobInfo
from controller.errors import ArgumentError
from controller.filters import JobFilter, merge_queries
from controller.reader import QueueReader
from controller.states import JobState
from controller.storage.outputs import read_outputs

MOST = 2000
"""Maximum number of jobs whose outputs are read: the newest ones."""
TIME, RUN_TIME = "time", "run_time"
"""Names used in place of a path for the end of a job, and for its run time in seconds."""
_ENDS_WITH_NUMBERS = "give the path of a number in the output, such as energy or relax.energy"


@dataclass(frozen=True)
class Point:
    """A job with two numbers.

    Attributes
    ----------
    x, y
        The numbers; a time is in seconds since 1970, UTC.
    """

    job: JobInfo
    x: float
    y: float


@dataclass(frozen=True)
class Points:
    """The numbers of many jobs.

    Attributes
    ----------
    points
        The points, sorted by x.
    without
        Number of jobs that have no such numbers.
    is_cut
        Whether there are more jobs than were read.
    keys
        Paths of numbers in the output of the newest job, to choose from.
    """

    points: list[Point]
    without: int
    is_cut: bool
    keys: list[str]


def read_points(reader: QueueReader, selection: JobFilter, x: str, y: str) -> Points:
    """Read two numbers of the output of each completed job of a filter.

    Parameters
    ----------
    x, y
        Paths in the output, with dots; or `TIME` or `RUN_TIME`. An empty ``y`` reads none.

    Raises
    ------
    ArgumentError
        A path is invalid.
    StorageUnavailableError
        The outputs cannot be read.
    """
    for path in (x, y):
        if any(part.startswith("$") or not part for part in path.split(".")) and path:
            raise ArgumentError(f"{path!r} is not a path", hint=_ENDS_WITH_NUMBERS)
    query = merge_queries(reader.queue.query(selection), None)
    wanted: dict[str, Any] = {"state": JobState.COMPLETED.value}
    docs = reader.queue.jobs.find(
        {"$and": [query, wanted]} if query else wanted,
        JOB_INFO_PROJECTION,
        sort=[("updated_on", -1)],
        limit=MOST + 1 if y else 1,
    )
    jobs = [JobInfo.from_query_output(doc) for doc in docs]
    is_cut, jobs = len(jobs) > MOST, jobs[:MOST]
    keys = _keys(reader, jobs[:1])
    if not y:
        return Points([], 0, is_cut, keys)
    paths = [path for path in (x, y) if path not in (TIME, RUN_TIME)]
    outputs = _outputs(reader, jobs, paths)
    found = []
    for job in jobs:
        output = outputs.get((job.uuid, job.index))
        numbers = [_number(job, output, path) for path in (x, y)]
        if numbers[0] is not None and numbers[1] is not None:
            found.append(Point(job, numbers[0], numbers[1]))
    found.sort(key=lambda point: point.x)
    return Points(found, len(jobs) - len(found), is_cut, keys)


def _outputs(
    reader: QueueReader, jobs: Iterable[JobInfo], paths: list[str]
) -> Mapping[tuple[str, int], Any]:
    """Read the outputs, or parts of them, from the JobStores of the jobs' flows."""
    if not paths or reader.project is None:
        return {}
    by_flow: dict[str, list[JobInfo]] = defaultdict(list)
    for job in jobs:
        by_flow[job.hosts[-1] if job.hosts else ""].append(job)
    flows = reader.queue.flows.find({"uuid": {"$in": list(by_flow)}}, ["uuid", "jobstore"])
    stores = {flow["uuid"]: flow.get("jobstore") for flow in flows}
    by_store: dict[str | None, list[tuple[str, int]]] = defaultdict(list)
    for flow, members in by_flow.items():
        by_store[stores.get(flow)] += [(job.uuid, job.index) for job in members]
    found: dict[tuple[str, int], Any] = {}
    for store, pairs in by_store.items():
        found |= read_outputs(reader.project.jobstore_spec(store), pairs, paths)
    return found


def _keys(reader: QueueReader, jobs: list[JobInfo]) -> list[str]:
    """Return the paths of numbers in the output of a job, at most two levels deep."""
    output = next(iter(_outputs(reader, jobs, [""]).values()), None)
    found = []
    for key, value in output.items() if isinstance(output, Mapping) else ():
        if _is_number(value):
            found.append(str(key))
        elif isinstance(value, Mapping):
            found += [f"{key}.{k}" for k, v in value.items() if _is_number(v)]
    return [key for key in found if "@" not in key][:30]


def _number(job: JobInfo, output: Any, path: str) -> float | None:
    if path == TIME:
        ended = job.end_time or job.updated_on
        return ended.replace(tzinfo=UTC).timestamp()
    if path == RUN_TIME:
        return job.run_time
    value = output
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return float(value) if _is_number(value) and math.isfinite(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_time(seconds: float) -> datetime:
    """Return a number of `TIME` as naive UTC."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
