"""Jobs, edges and sub-flows of a flow, derived from the documents of its jobs.

The origin of a job is not stored, but it can be derived. jobflow wraps the jobs of a response in a
new Flow, whose uuid comes first among the ``hosts`` of the new jobs, before those of the job that
created them:

* **replace**: the sub-flow contains the next index of a uuid whose previous index is outside.
* **detour, addition**: all first jobs of the sub-flow have the same parent, and were created
  when it had ended. A detour's last jobs became parents of the other jobs that wait for
  it; an addition's did not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any

from controller.documents import FlowInfo, JobInfo
from controller.errors import ArgumentError
from controller.states import FlowState, JobState

MAX_DEPTH = 12
"""Maximum nesting; deeper sub-flows are merged into their parent."""

_SUBMISSION = timedelta(seconds=1)
"""A job created later than this after its flow was not submitted with it, even if the clock of a
worker gives a later end of another job."""


class EdgeKind(StrEnum):
    """Kind of an edge."""

    PARENT = "parent"  # the target waits for the source
    REPLACE = "replace"  # the target replaced the source


class Origin(StrEnum):
    """How jobs or a sub-flow were added to a flow."""

    SUBMITTED = "submitted"
    REPLACE = "replace"
    DETOUR = "detour"
    ADDITION = "addition"


@dataclass(frozen=True)
class JobNode:
    """A job document.

    Attributes
    ----------
    subflow
        Uuid of the innermost sub-flow of `FlowGraph.subflows` around it, None for the flow.
    origin, made_by
        How it was added to the flow, and the db_id of the job that created it, None if submitted.
        Jobs of a created sub-flow have both as well.
    is_newest
        Whether it has the largest index.
    """

    db_id: str
    uuid: str
    index: int
    name: str
    state: JobState
    worker: str
    subflow: str | None
    origin: Origin
    made_by: str | None
    is_newest: bool


@dataclass(frozen=True)
class Edge:
    """An edge between two jobs, by their db_ids."""

    source: str
    target: str
    kind: EdgeKind


@dataclass(frozen=True)
class SubFlow:
    """A flow within the submitted one. Its name is not stored.

    Attributes
    ----------
    within
        Uuid of the enclosing sub-flow, None for the flow itself.
    origin, made_by
        As for `JobNode`.
    """

    uuid: str
    within: str | None
    origin: Origin
    made_by: str | None


@dataclass(frozen=True)
class FlowGraph:
    """A flow as a graph.

    Attributes
    ----------
    flow_id, name, state
        The flow_id, name and state of the flow.
    jobs
        {db_id: job}, in order of creation.
    edges
        Without edges to deleted jobs.
    subflows
        {uuid: sub-flow}, outer ones before inner ones. A sub-flow of a single job is omitted.
    """

    flow_id: str
    name: str
    state: FlowState
    jobs: dict[str, JobNode]
    edges: tuple[Edge, ...]
    subflows: dict[str, SubFlow]

    @cached_property
    def contents(self) -> dict[str | None, list[JobNode | SubFlow]]:
        """{uuid of a sub-flow, None for the flow: its direct members: jobs, then sub-flows}."""
        found: dict[str | None, list[JobNode | SubFlow]] = defaultdict(list)
        for job in self.jobs.values():
            found[job.subflow].append(job)
        for subflow in self.subflows.values():
            found[subflow.within].append(subflow)
        return dict(found)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "flow_id": self.flow_id,
            "name": self.name,
            "state": self.state.value,
            "jobs": [_plain(job) for job in self.jobs.values()],
            "edges": [_plain(edge) for edge in self.edges],
            "subflows": [_plain(subflow) for subflow in self.subflows.values()],
        }


def flow_graph(flow: FlowInfo | FlowGraph) -> FlowGraph:
    """Find the graph of a flow.

    Parameters
    ----------
    flow
        A flow with ``jobs_info``; a graph is returned unchanged.

    Raises
    ------
    ArgumentError
        The flow was read without its jobs.
    """
    if isinstance(flow, FlowGraph):
        return flow
    if flow.jobs_info is None:
        raise ArgumentError(
            f"flow {flow.flow_id} was read without its jobs",
            hint="use get_flows_info(..., with_jobs_info=True)",
        )
    place = {db_id: n for n, db_id in enumerate(flow.db_ids)}
    jobs = sorted(flow.jobs_info, key=lambda job: place.get(job.db_id, len(place)))
    found = _Finder(flow, jobs)
    return FlowGraph(
        flow.flow_id, flow.name, flow.state, found.nodes(), tuple(found.edges()), found.subflows()
    )


@dataclass
class _Box:
    """A sub-flow under analysis."""

    uuid: str
    outer: tuple[str, ...]
    members: list[JobInfo] = field(default_factory=list)
    direct: list[JobInfo] = field(default_factory=list)
    origin: Origin = Origin.SUBMITTED
    maker: JobInfo | None = None
    shown: bool = True


class _Finder:
    """Derives the parts of a graph, each from the previous ones."""

    def __init__(self, flow: FlowInfo, jobs: list[JobInfo]) -> None:
        self.flow, self.jobs = flow, jobs
        self.hosts = {
            job.db_id: tuple(host for host in job.hosts if host != flow.flow_id) for job in jobs
        }
        self.indices: dict[str, list[JobInfo]] = defaultdict(list)
        for job in sorted(jobs, key=lambda job: job.index):
            self.indices[job.uuid].append(job)
        self.former = {
            later.db_id: earlier
            for same in self.indices.values()
            for earlier, later in pairwise(same)
        }
        self.children: dict[str, list[JobInfo]] = defaultdict(list)
        for job in jobs:
            for parent in dict.fromkeys(job.parents or ()):
                self.children[parent].append(job)
        self.boxes = self._boxes()
        for box in self.boxes.values():
            box.origin, box.maker = self._origin(box)
        self._choose()

    def _boxes(self) -> dict[str, _Box]:
        """{uuid: sub-flow}, outer ones first."""
        boxes: dict[str, _Box] = {}
        for job in self.jobs:
            around = self.hosts[job.db_id]
            for depth, uuid in enumerate(around):
                if uuid not in boxes:
                    boxes[uuid] = _Box(uuid, around[depth + 1 :])
                boxes[uuid].members.append(job)
            if around:
                boxes[around[0]].direct.append(job)
        return dict(sorted(boxes.items(), key=lambda item: len(item[1].outer)))

    def _origin(self, box: _Box) -> tuple[Origin, JobInfo | None]:
        for job in box.direct:
            former = self.former.get(job.db_id)
            if former is not None and box.uuid not in former.hosts:
                return Origin.REPLACE, former
        own = {job.uuid for job in box.members}
        roots = [set(job.parents or ()) for job in box.members if own.isdisjoint(job.parents or ())]
        for parent in sorted(roots[0].intersection(*roots[1:])) if roots else ():
            maker = self._maker(parent, box, set().union(*roots))
            if maker is not None:
                return self._kind(parent, box, own), maker
        return Origin.SUBMITTED, None

    def _maker(self, uuid: str, box: _Box, awaited: set[str]) -> JobInfo | None:
        """The job that created a sub-flow when it ended, if any."""
        came = min(job.created_on for job in box.members)
        if came <= self.flow.created_on:
            return None
        # An addition also waits for a detour of the same response.
        before = (job for other in awaited - {uuid} for job in self.indices.get(other, []))
        if any(job.created_on < came for job in before):
            return None
        late = came > self.flow.created_on + _SUBMISSION
        for job in reversed(self.indices.get(uuid, [])):
            if job.end_time is None or self.hosts[job.db_id] != box.outer:
                continue
            if job.created_on < came and (late or job.end_time <= came):
                return job
        return None

    def _kind(self, maker: str, box: _Box, own: set[str]) -> Origin:
        """Return DETOUR if other children of the maker wait for the sub-flow too, else ADDITION."""
        leaves = own.difference(*(job.parents or () for job in box.members))
        others = [job for job in self.children[maker] if job.uuid not in own]
        waited_for = any(not leaves.isdisjoint(job.parents or ()) for job in others)
        return Origin.DETOUR if waited_for else Origin.ADDITION

    def _choose(self) -> None:
        """Omit sub-flows of a single job, and very deep ones."""
        inner = Counter(
            box.outer[0]
            for box in self.boxes.values()
            if box.outer and box.maker is None  # created sub-flows are always shown
        )
        depth: dict[str, int] = {}
        for box in self.boxes.values():
            around = depth.get(box.outer[0], 0) if box.outer else 0
            alone = len(box.direct) <= 1 and not inner[box.uuid]
            box.shown = not alone and around < MAX_DEPTH
            depth[box.uuid] = around + box.shown

    def _shown(self, hosts: Iterable[str]) -> str | None:
        return next((uuid for uuid in hosts if self.boxes[uuid].shown), None)

    def subflows(self) -> dict[str, SubFlow]:
        return {
            box.uuid: SubFlow(box.uuid, self._shown(box.outer), box.origin, _db_id(box.maker))
            for box in self.boxes.values()
            if box.shown
        }

    def nodes(self) -> dict[str, JobNode]:
        return {job.db_id: self._node(job) for job in self.jobs}

    def _node(self, job: JobInfo) -> JobNode:
        hosts = self.hosts[job.db_id]
        around = (self.boxes[host] for host in hosts)
        box = next((b for b in around if b.maker is not None), None) if hosts else None
        former = self.former.get(job.db_id)
        origin = box.origin if box else Origin.SUBMITTED
        maker = box.maker if box else None
        if former is not None and origin is not Origin.REPLACE:
            origin, maker = Origin.REPLACE, former
        return JobNode(
            db_id=job.db_id,
            uuid=job.uuid,
            index=job.index,
            name=job.name,
            state=job.state,
            worker=job.worker,
            subflow=self._shown(hosts) if hosts else None,
            origin=origin,
            made_by=_db_id(maker),
            is_newest=self.indices[job.uuid][-1] is job,
        )

    def edges(self) -> Iterable[Edge]:
        for job in self.jobs:
            for parent in dict.fromkeys(job.parents or ()):
                if parent != job.uuid and self.indices.get(parent):
                    yield Edge(self.indices[parent][-1].db_id, job.db_id, EdgeKind.PARENT)
            former = self.former.get(job.db_id)
            if former is not None:
                yield Edge(former.db_id, job.db_id, EdgeKind.REPLACE)


def _db_id(job: JobInfo | None) -> str | None:
    return None if job is None else job.db_id


def _plain(part: Any) -> dict[str, Any]:
    values = {name: getattr(part, name) for name in part.__dataclass_fields__}
    return {name: v.value if isinstance(v, StrEnum) else v for name, v in values.items()}
