"""Serialise submitted flows once: their jobs in order, each with its parents. Pure.

A submitted flow consists of jobflow's objects; the flow of a job's response is plain data. Both are
handled alike. The data is never decoded: a job's function and arguments may need packages that only
the worker has, and decoding a large flow costs more than everything else done to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from controller.errors import SubmissionError
from controller.execution.files import uuid_problem
from controller.execution.values import misleading, unstorable, with_exact_times
from controller.operations.plain_jobs import PlainJobs
from controller.rules.run_settings import run_settings_problem

if TYPE_CHECKING:
    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

_LINEAR = "linear"


@dataclass(frozen=True)
class NewJob:
    """A job to be inserted into the database.

    Attributes
    ----------
    data
        The serialised Job.
    parents
        Uuids of the jobs of its flow that it depends on.
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
    """A serialised flow.

    Attributes
    ----------
    jobs
        Its jobs, including those of nested flows, parents before children.
    external
        {uuid of a job outside the flow: names of the jobs that refer to it}.
    """

    jobs: list[NewJob]
    external: dict[str, list[str]]

    @property
    def leaves(self) -> list[str]:
        """Uuids of the jobs on which no other job of the flow depends."""
        waited_for = {parent for job in self.jobs for parent in job.parents}
        return [job.uuid for job in self.jobs if job.uuid not in waited_for]


def read_flow(flow: Flow | Job | Mapping[str, Any]) -> SerializedFlow:
    """Serialise each job of a flow once.

    Parameters
    ----------
    flow
        A jobflow object, or its serialised form.

    Raises
    ------
    SubmissionError
        It contains a job twice, a job that cannot be serialised or stored, or a cycle.
    """
    jobs: dict[str, dict[str, Any]] = {}
    linear: list[list[list[str]]] = []
    plain = PlainJobs()
    _gather(flow, jobs, linear, plain)
    parents: dict[str, dict[str, None]] = {}
    external: dict[str, list[str]] = {}
    for uuid, data in jobs.items():
        known = parents.setdefault(uuid, {})
        named = plain.references(uuid)
        for other in references(data) if named is None else named:
            if other in jobs:
                known[other] = None
            elif data["name"] not in external.setdefault(other, []):
                external[other].append(data["name"])
    for members in linear:
        _chain(members, parents)
    return SerializedFlow(
        [NewJob(jobs[uuid], list(parents[uuid])) for uuid in _in_order(jobs, parents)], external
    )


def serialised_flow(data: Any) -> dict[str, Any]:
    """Return a serialised Flow from what a file holds: a Flow, a Job, or a list of these.

    Raises
    ------
    SubmissionError
        It is something else, or lacks what every job has.
    """
    if isinstance(data, list) or _class(data) == "Job":
        uuid = str(uuid4())
        members = [_joined(one, uuid) for one in (data if isinstance(data, list) else [data])]
        data = {"@class": "Flow", "uuid": uuid, "name": "Flow", "jobs": members}
    if problem := _flaw(data):
        raise SubmissionError(
            f"this is not a serialised flow: {problem}",
            hint="write one in Python with json.dump(flow, file, cls=monty.json.MontyEncoder)",
        )
    return dict(data)


def with_metadata(member: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Add metadata to a serialised flow and its jobs, also those that they create."""
    changed = dict(member)
    changed["metadata"] = {**(member.get("metadata") or {}), **metadata}
    update = {"update": dict(metadata), "dict_mod": False}
    unfiltered = {"name_filter": None, "function_filter": None, "callback_filter": None}
    changed["metadata_updates"] = [
        *(member.get("metadata_updates") or ()),
        {**update, **unfiltered},
    ]
    if "jobs" in member:
        changed["jobs"] = [with_metadata(one, metadata) for one in member["jobs"]]
    return changed


def _class(data: Any) -> Any:
    return data.get("@class") if isinstance(data, Mapping) else None


def _joined(member: Any, flow: str) -> Any:
    """Return a member with one more flow that it is in."""
    if not isinstance(member, Mapping):
        return member
    changed = {**member, "hosts": [*(member.get("hosts") or ()), flow]}
    if isinstance(member.get("jobs"), list):
        changed["jobs"] = [_joined(one, flow) for one in member["jobs"]]
    return changed


def _flaw(member: Any) -> str | None:
    """Return what is missing in a serialised flow or one of its members."""
    if not isinstance(member, Mapping):
        return f"it contains {type(member).__name__} where a job is expected"
    needed = {"uuid": str, "index": int, "name": str, "function": Mapping, "config": Mapping}
    if member.get("@class") != "Job":
        if not isinstance(member.get("jobs"), list):
            return f"it has no jobs, and its class is {member.get('@class')!r}"
        needed = {"uuid": str, "name": str}
    for key, kind in needed.items():
        if not isinstance(member.get(key), kind):
            return f"{member.get('name') or 'a member'!r} has no usable {key!r}"
    flaws = map(_flaw, member.get("jobs") or ())
    return next((flaw for flaw in flaws if flaw), None)


def references(job: Mapping[str, Any]) -> Iterator[str]:
    """Yield the uuids that a serialised job's arguments refer to, in order."""
    stack = [job.get("function_kwargs"), job.get("function_args")]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            if value.get("@class") == "OutputReference":
                yield value["uuid"]
            elif value.get("@module") != "numpy":  # arrays contain numbers only, possibly very many
                stack.extend(reversed(list(value.values())))
        elif isinstance(value, (list, tuple)):
            stack.extend(reversed(value))


def _gather(
    member: Any, jobs: dict[str, dict[str, Any]], linear: list[list[list[str]]], plain: PlainJobs
) -> list[str]:
    """Collect the jobs of a flow's member and, inner flows first, the linear orders.

    Returns the uuids of the member's jobs.
    """
    inner = _members(member)
    if inner is None:
        data = _serialised(member, plain)
        if data["uuid"] in jobs:
            raise SubmissionError(
                f"the flow contains the job {data['uuid']} ({data['name']}) twice"
            )
        jobs[data["uuid"]] = data
        return [data["uuid"]]
    uuids = [_gather(each, jobs, linear, plain) for each in inner]
    if _order(member) == _LINEAR:
        linear.append(uuids)
    return [uuid for group in uuids for uuid in group]


def _members(member: Any) -> Iterable[Any] | None:
    """Return the members of a flow, None for a job."""
    if isinstance(member, Mapping):
        if member.get("@class") == "Job":
            return None
        if "jobs" not in member:  # a subclass of Flow with its own serialisation
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


def _serialised(job: Any, plain: PlainJobs) -> dict[str, Any]:
    is_data = isinstance(job, Mapping)
    if not is_data and (known := plain.described(job)) is not None:
        if problem := uuid_problem(known["uuid"]):
            raise SubmissionError(f"the job {known['name']!r} could not run: {problem}")
        return known
    data = dict(job) if is_data else _described(job)
    # The worker whose job created this one may have packages that are missing here.
    if problem := unstorable(data) or (None if is_data else misleading(data)):
        raise SubmissionError(
            f"the job {data.get('name')!r} cannot be stored: {problem}",
            hint="a database can store text, numbers, times, and lists and dictionaries of these",
        )
    if problem := uuid_problem(str(data["uuid"])):
        raise SubmissionError(f"the job {data.get('name')!r} could not run: {problem}")
    own = (data.get("config") or {}).get("manager_config") or {}
    if problem := run_settings_problem(own):
        raise SubmissionError(f"the job {data.get('name')!r} cannot be run as it says: {problem}")
    for part in ("function_args", "function_kwargs", "function"):
        if part in data:
            data[part] = with_exact_times(data[part])
    if not is_data:
        plain.learn(job, data)
    return data


def not_importable(function: Any) -> str | None:
    """Say why no process but the present one can import a serialised function; None if it can.

    Whether a worker has its module is not known here.
    """
    if not isinstance(function, Mapping):
        return None
    name, bound = str(function.get("@callable", "")), function.get("@bound")
    modules = [function.get("@module"), bound.get("@module") if isinstance(bound, Mapping) else ""]
    if "__main__" in modules:
        return f"{name} is defined in the script or notebook itself, which a worker cannot import"
    if "<lambda>" in name or "<locals>" in name:
        return f"{name} is defined inside a function, where a worker cannot import it"
    return None


def _described(job: Any) -> dict[str, Any]:
    from controller.execution.serialising import serialised_job

    try:
        return serialised_job(job)
    except (AttributeError, TypeError, ValueError) as error:
        raise SubmissionError(
            f"the job {getattr(job, 'name', job)!r} cannot be serialised: {error}",
            hint="its arguments must be data, or objects with as_dict and from_dict",
        ) from error


def _chain(members: list[list[str]], parents: dict[str, dict[str, None]]) -> None:
    """Make the first jobs of each member depend on the last ones of the previous member."""
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
    """Sort uuids so that parents come before children, otherwise in the given order."""
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
            f"the jobs depend on each other in a cycle: {names}",
            hint="a job can only use outputs of jobs that run before it",
        )
    return done


def _circle(missing: Mapping[str, int], parents: Mapping[str, Iterable[str]]) -> list[str]:
    """Return a cycle among the jobs that never became ready; its first job is repeated last."""
    stuck = {uuid for uuid, count in missing.items() if count}
    node, way = next(iter(stuck)), []
    while node not in way:
        way.append(node)
        node = next(parent for parent in parents[node] if parent in stuck)
    return [*way[way.index(node) :], node][::-1]
