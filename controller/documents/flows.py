"""Flows: the whole document, and the view of it that lists and tables need."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import Field

from controller.documents.jobs import JobInfo
from controller.documents.stored import Stored, db_id_order, utc_now
from controller.states import FlowState, JobState, stored_state


class FlowDoc(Stored):
    """A whole flow document.

    Attributes
    ----------
    jobs
        Uuids of the jobs, each once, in the order in which they were added.
    parents
        {uuid: {index as text: uuids of the parents}}.
    ids
        (db_id, uuid, index) of every job document.
    jobstore
        Name in ``optional_jobstores`` of the project, None for its default JobStore.
    """

    uuid: str
    jobs: list[str]
    state: FlowState = FlowState.READY
    name: str = ""
    lock_id: str | None = None
    lock_time: datetime | None = None
    lock_lease: dict[str, Any] | None = None
    created_on: datetime = Field(default_factory=utc_now)
    updated_on: datetime = Field(default_factory=utc_now)
    metadata: dict[str, Any] = Field(default_factory=dict)
    parents: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    ids: list[tuple[str, str, int]] = Field(default_factory=list)
    jobstore: str | None = None

    def as_db_dict(self) -> dict[str, Any]:
        """Return the document as the database stores it, without ``_id``."""
        data = self.model_dump(exclude=None if self.lock_lease else {"lock_lease"})
        data["state"] = self.state.value
        data["ids"] = [list(triple) for triple in self.ids]
        return data

    @cached_property
    def ids_mapping(self) -> dict[str, dict[int, str]]:
        """{uuid: {index: db_id}}."""
        return _mapped(self.ids)

    @cached_property
    def int_index_parents(self) -> dict[str, dict[int, list[str]]]:
        """``parents`` with indices as numbers."""
        return {
            uuid: {int(index): parents for index, parents in by_index.items()}
            for uuid, by_index in self.parents.items()
        }

    @cached_property
    def children(self) -> dict[str, list[tuple[str, int]]]:
        """{uuid: (uuid, index) of the jobs that have it as a parent}."""
        children: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for uuid, by_index in self.int_index_parents.items():
            for index, parents in by_index.items():
                for parent in parents:
                    children[parent].append((uuid, index))
        return dict(children)

    def descendants(self, uuid: str) -> list[tuple[str, int]]:
        """(uuid, index) of the children, their children and so on, each once, nearest first."""
        found: dict[tuple[str, int], None] = {}
        queue = deque(self.children.get(uuid, []))
        while queue:
            child = queue.popleft()
            if child not in found:
                found[child] = None
                queue.extend(self.children.get(child[0], []))
        return list(found)


def _mapped(ids: Iterable[tuple[str, str, int]]) -> dict[str, dict[int, str]]:
    mapping: dict[str, dict[int, str]] = defaultdict(dict)
    for db_id, uuid, index in ids:
        mapping[uuid][index] = db_id
    return dict(mapping)


def new_flow_document(
    *,
    uuid: str,
    name: str,
    metadata: dict[str, Any] | None,
    ids: Iterable[tuple[str, str, int]],
    parents: Mapping[str, Mapping[str, list[str]]],
    jobstore: str | None = None,
    state: FlowState = FlowState.READY,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Compose the document of a submitted flow; arguments as the attributes of `FlowDoc`."""
    created = now or utc_now()
    triples = [list(triple) for triple in ids]
    return {
        "uuid": uuid,
        "jobs": list(dict.fromkeys(triple[1] for triple in triples)),
        "state": state.value,
        "name": name,
        "lock_id": None,
        "lock_time": None,
        "created_on": created,
        "updated_on": created,
        "metadata": metadata or {},
        "parents": {uuid: dict(by_index) for uuid, by_index in parents.items()},
        "ids": triples,
        "jobstore": jobstore,
    }


class FlowInfo(Stored):
    """A flow as lists and tables show it.

    Attributes
    ----------
    db_ids, job_ids, job_indexes, job_names, job_states, workers, parents, hosts
        One entry per job document, in one order. Without the jobs' own documents only the first
        three are filled.
    jobs_info
        Views of the jobs, if requested, else None.
    """

    db_ids: list[str]
    job_ids: list[str]
    job_indexes: list[int]
    flow_id: str
    state: FlowState
    name: str
    created_on: datetime
    updated_on: datetime
    workers: list[str] = Field(default_factory=list)
    job_states: list[JobState] = Field(default_factory=list)
    job_names: list[str] = Field(default_factory=list)
    parents: list[list[str]] = Field(default_factory=list)
    hosts: list[list[str]] = Field(default_factory=list)
    flow_metadata: dict[str, Any] = Field(default_factory=dict)
    jobs_info: list[JobInfo] | None = None
    lock_id: str | None = None
    lock_time: datetime | None = None
    jobstore: str | None = None

    @property
    def db_id(self) -> str | None:
        """db_id of the flow, which is that of its first job; None for a flow without jobs."""
        return min(self.db_ids, key=db_id_order, default=None)

    @property
    def is_locked(self) -> bool:
        """Whether the flow is locked."""
        return self.lock_id is not None

    @cached_property
    def ids_mapping(self) -> dict[str, dict[int, str]]:
        """{uuid: {index: db_id}}."""
        return _mapped(zip(self.db_ids, self.job_ids, self.job_indexes, strict=True))

    def iter_job_prop(self) -> Iterator[dict[str, Any]]:
        """Yield the known fields of each job: ``db_id``, ``uuid``, ``index``.

        If the jobs' documents were read, also ``name``, ``state``, ``parents`` and ``hosts``.
        """
        for n, (db_id, uuid, index) in enumerate(zip(self.db_ids, self.job_ids, self.job_indexes)):
            known: dict[str, Any] = {"db_id": db_id, "uuid": uuid, "index": index}
            if self.job_names:
                known.update(name=self.job_names[n], state=self.job_states[n])
                known.update(parents=self.parents[n], hosts=self.hosts[n])
            yield known

    @classmethod
    def from_query_dict(cls, document: Mapping[str, Any]) -> FlowInfo:
        """Make a view of a flow document, whose jobs may have been joined as ``jobs_list``."""
        triples = document.get("ids") or []
        base = {
            "flow_id": document["uuid"],
            "flow_metadata": document.get("metadata") or {},
            "db_ids": [triple[0] for triple in triples],
            "job_ids": [triple[1] for triple in triples],
            "job_indexes": [triple[2] for triple in triples],
            "state": stored_state(FlowState, document.get("state"), f"flow {document['uuid']}"),
            **{k: document.get(k) for k in ("name", "created_on", "updated_on")},
            **{k: document.get(k) for k in ("lock_id", "lock_time", "jobstore")},
        }
        if document.get("jobs_list") is None:
            return cls.model_validate(base)
        # What comes of the jobs was checked with each of them.
        return cls.model_validate(base).model_copy(update=_joined(document["jobs_list"]))


def _joined(job_docs: list[Mapping[str, Any]]) -> dict[str, Any]:
    jobs = [JobInfo.from_query_output(doc) for doc in job_docs]
    return {
        "jobs_info": jobs,
        "db_ids": [job.db_id for job in jobs],
        "job_ids": [job.uuid for job in jobs],
        "job_indexes": [job.index for job in jobs],
        "job_names": [job.name for job in jobs],
        "job_states": [job.state for job in jobs],
        "workers": [job.worker for job in jobs],
        "parents": [job.parents or [] for job in jobs],
        "hosts": [job.hosts for job in jobs],
    }
