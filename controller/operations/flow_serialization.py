"""Flows as they come in: serialised once, their jobs in order, each with its parents. Pure.

A submitted flow is made of jobflow's objects, the flow of a job's response is plain data. Both
are read alike. The data is never decoded: a job's function and arguments may need packages that
only the worker has, and decoding a large flow costs more than everything else that is done to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from controller.errors import SubmissionError
from controller.execution.values import misleading, unstorable, with_exact_times

if TYPE_CHECKING:
    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

_LINEAR = "linear"


@dataclass(frozen=True)
class NewJob:
    """A job on its way into the database.

    Attributes
    ----------
    data
        The serialised Job.
    parents
        Uuids of the jobs of its flow that it waits for.
    """

    data: dict[str, Any]
    parents: list[str]

    @property
    def uuid(self) -> str:
        """Uuid of the job."""
        return str(self.data["uuid"])

    @cached_property
    def key(self) -> tuple[str, int]:
        """(uuid, index)."""
        return self.data["uuid"], self.data["index"]


@dataclass(frozen=True)
class SerializedFlow:
    """A flow that was read.

    Attributes
    ----------
    jobs
        Its jobs, those of flows within it included, parents before children.
    external
        {uuid of a job elsewhere: names of the jobs that refer to it}.
    """

    jobs: list[NewJob]
    external: dict[str, list[str]]

    @property
    def leaves(self) -> list[str]:
        """Uuids of the jobs that no other job of the flow waits for."""
        waited_for = {parent for job in self.jobs for parent in job.parents}
        return [job.uuid for job in self.jobs if job.uuid not in waited_for]


def read_flow(flow: Flow | Job | Mapping[str, Any]) -> SerializedFlow:
    """Read a flow, serialising each of its jobs once.

    Parameters
    ----------
    flow
        jobflow's object, or the serialised form of one.

    Raises
    ------
    SubmissionError
        A job is there twice, cannot be serialised or stored, or waits for itself through others.
    """
    jobs: dict[str, dict[str, Any]] = {}
    linear: list[list[list[str]]] = []
    _gather(flow, jobs, linear)
    parents: dict[str, dict[str, None]] = {}
    external: dict[str, list[str]] = {}
    for uuid, data in jobs.items():
        known = parents.setdefault(uuid, {})
        for other in references(data):
            if other in jobs:
                known[other] = None
            elif data["name"] not in external.setdefault(other, []):
                external[other].append(data["name"])
    for members in linear:
        _chain(members, parents)
    return SerializedFlow(
        [NewJob(jobs[uuid], list(parents[uuid])) for uuid in _in_order(jobs, parents)], external
    )


def references(job: Mapping[str, Any]) -> Iterator[str]:
    """Yield the uuids that a serialised job's arguments refer to, in their order."""
    stack = [job.get("function_kwargs"), job.get("function_args")]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            if value.get("@class") == "OutputReference":
                yield value["uuid"]
            elif value.get("@module") != "numpy":  # an array holds numbers, maybe very many
                stack.extend(reversed(list(value.values())))
        elif isinstance(value, (list, tuple)):
            stack.extend(reversed(value))


def _gather(
    member: Any, jobs: dict[str, dict[str, Any]], linear: list[list[list[str]]]
) -> list[str]:
    """Collect the jobs of a flow's member and, inner flows first, what has to run in a line.

    Returns the uuids of the member's jobs.
    """
    inner = _members(member)
    if inner is None:
        data = _serialised(member)
        if data["uuid"] in jobs:
            raise SubmissionError(f"the flow holds the job {data['uuid']} ({data['name']}) twice")
        jobs[data["uuid"]] = data
        return [data["uuid"]]
    uuids = [_gather(each, jobs, linear) for each in inner]
    if _order(member) == _LINEAR:
        linear.append(uuids)
    return [uuid for group in uuids for uuid in group]


def _members(member: Any) -> Iterable[Any] | None:
    """Return what a flow consists of, None for a job."""
    if isinstance(member, Mapping):
        if member.get("@class") == "Job":
            return None
        if "jobs" not in member:  # a subclass of Flow that describes itself in its own way
            from monty.json import MontyDecoder

            member = MontyDecoder().process_decoded(dict(member))
            return _members(member)
        inner: Iterable[Any] = member["jobs"]
        return inner
    return getattr(member, "jobs", None)


def _order(flow: Any) -> str:
    order = flow.get("order") if isinstance(flow, Mapping) else flow.order
    if isinstance(order, Mapping):
        order = order.get("value")
    return str(getattr(order, "value", order))


def _serialised(job: Any) -> dict[str, Any]:
    is_data = isinstance(job, Mapping)
    data = dict(job) if is_data else _described(job)
    # The worker of a job that made this one may have packages that are not here.
    if problem := unstorable(data) or (None if is_data else misleading(data)):
        raise SubmissionError(
            f"the job {data.get('name')!r} cannot be stored: {problem}",
            hint="a database holds text, numbers, times, lists and dictionaries of them",
        )
    for part in ("function_args", "function_kwargs", "function"):
        if part in data:
            data[part] = with_exact_times(data[part])
    return data


def _described(job: Any) -> dict[str, Any]:
    from controller.execution.serialising import serialised_job

    try:
        return serialised_job(job)
    except (AttributeError, TypeError, ValueError) as error:
        raise SubmissionError(
            f"the job {getattr(job, 'name', job)!r} cannot be serialised: {error}",
            hint="its arguments have to be data, or objects with as_dict and from_dict",
        ) from error


def _chain(members: list[list[str]], parents: dict[str, dict[str, None]]) -> None:
    """Let the first jobs of each member wait for the last ones of the member before it."""
    for before, after in pairwise(members):
        waited_for = {parent for uuid in before for parent in parents[uuid]}
        last = [uuid for uuid in before if uuid not in waited_for]
        own = set(after)
        for uuid in after:
            if own.isdisjoint(parents[uuid]):
                parents[uuid].update(dict.fromkeys(last))


def _in_order(
    jobs: Mapping[str, Mapping[str, Any]], parents: Mapping[str, Iterable[str]]
) -> list[str]:
    """Sort uuids such that parents come before children, else as they were given."""
    children: dict[str, list[str]] = {uuid: [] for uuid in jobs}
    missing = dict.fromkeys(jobs, 0)
    for uuid in jobs:
        for parent in parents[uuid]:
            children[parent].append(uuid)
            missing[uuid] += 1
    ready = deque(uuid for uuid in jobs if not missing[uuid])
    done: list[str] = []
    while ready:
        uuid = ready.popleft()
        done.append(uuid)
        for child in children[uuid]:
            missing[child] -= 1
            if not missing[child]:
                ready.append(child)
    if len(done) < len(jobs):
        names = " -> ".join(f"{jobs[uuid]['name']} ({uuid})" for uuid in _circle(missing, parents))
        raise SubmissionError(
            f"the jobs wait for each other in a circle: {names}",
            hint="a job can only use outputs of jobs that run before it",
        )
    return done


def _circle(missing: Mapping[str, int], parents: Mapping[str, Iterable[str]]) -> list[str]:
    """Return a circle among the jobs that never became ready, its first job again at the end."""
    stuck = {uuid for uuid, count in missing.items() if count}
    node, way = next(iter(stuck)), []
    while node not in way:
        way.append(node)
        node = next(parent for parent in parents[node] if parent in stuck)
    return [*way[way.index(node) :], node][::-1]
