"""Find, read and count flows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.api.base import ControllerGroup
from controller.documents import JOB_INFO_PROJECTION, db_id_order, flow_of
from controller.errors import ArgumentError, FlowNotFoundError
from controller.filters import FlowFilter, Query, is_id
from controller.operations.queue import Queue
from controller.states import FlowState, parse_states
from controller.storage.base import Document, Projection, Sort

if TYPE_CHECKING:
    from controller.documents import FlowInfo
    from controller.graphs import FlowGraph

_LIGHT = {"parents": 0, "jobs": 0}
"""Leaves out what a list does not show and what grows with the number of jobs."""


class FlowQueries(ControllerGroup):
    """Methods that read flows. None of them locks or waits.

    The parameters that select flows are described in `controller.filters.FlowFilter`.
    """

    def get_flows_info(
        self,
        job_ids: str | list[str] | None = None,
        db_ids: str | list[str] | None = None,
        flow_ids: str | list[str] | None = None,
        states: FlowState | list[FlowState] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        name: str | None = None,
        locked: bool = False,
        sort: list[tuple[str, int]] | None = None,
        limit: int = 0,
        full: bool = False,
        *,
        metadata: dict[str, Any] | None = None,
        custom_query: dict[str, Any] | None = None,
        jobs_sort: list[tuple[str, int]] | None = None,
        skip: int = 0,
        with_jobs_info: bool | list[str] = False,
    ) -> list[FlowInfo]:
        """Return the views of the selected flows.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, locked, metadata
            See `FlowFilter`.
        sort
            (field, direction) pairs on the flows. ``db_id`` means the order of submission.
        limit, skip
            Maximum number of flows (0 means no limit), and the number to skip first.
        full
            Same as ``with_jobs_info=True``.
        custom_query
            See `FlowFilter`.
        jobs_sort
            Order of the jobs within each flow; None keeps the order in which they were added.
        with_jobs_info
            True fills the job details of `FlowInfo`; a list names further fields of the job
            documents to read.
        """
        selection = FlowFilter(
            job_ids=job_ids,
            db_ids=db_ids,
            flow_ids=flow_ids,
            states=states,
            start_date=start_date,
            end_date=end_date,
            name=name,
            metadata=metadata,
            locked=locked,
            custom_query=custom_query,
        )
        query = self.queue.query(selection)
        if not full and not with_jobs_info:
            flows = self.queue.flows.find(
                query, _LIGHT, sort=_by_submission(sort), skip=skip, limit=limit
            )
            return _views(flows)
        extra = with_jobs_info if isinstance(with_jobs_info, list) else []
        joined = self.get_flow_job_aggreg(
            query,
            projection_flow=_LIGHT,
            projection_job=dict.fromkeys([*JOB_INFO_PROJECTION, *extra], 1),
            sort=sort,
            limit=limit,
            jobs_sort=jobs_sort,
            skip=skip,
        )
        return _views(joined)

    def get_flow_job_aggreg(
        self,
        query: Query | None = None,
        projection_flow: dict[str, Any] | None = None,
        projection_job: dict[str, Any] | None = None,
        sort: list[tuple[str, int]] | None = None,
        limit: int = 0,
        *,
        jobs_sort: list[tuple[str, int]] | None = None,
        skip: int = 0,
    ) -> list[Document]:
        """Return flow documents, each with the documents of its jobs as ``jobs_list``.

        Parameters
        ----------
        query
            Selects the flows.
        projection_flow, projection_job
            Fields to read of a flow and of a job. ``uuid`` and ``ids`` of a flow and ``job.hosts``
            and ``db_id`` of a job are always included: they link the two.
        sort, limit, skip
            On the flows; 0 means no limit.
        jobs_sort
            Order of the jobs within each flow; None keeps the order in which they were added.

        Notes
        -----
        Two queries, whatever the number of flows: the page of flows is chosen before any job is
        read, so the cost follows what is shown and not what is stored.
        """
        flows = list(
            self.queue.flows.find(
                query or {},
                _with(projection_flow, "uuid", "ids"),
                sort=_by_submission(sort),
                skip=skip,
                limit=limit,
            )
        )
        jobs = self._jobs_of([flow["uuid"] for flow in flows], projection_job, jobs_sort)
        for flow in flows:
            mine = jobs.get(flow["uuid"], [])
            if jobs_sort is None:
                place = {triple[0]: n for n, triple in enumerate(flow["ids"])}
                mine.sort(key=lambda job: place.get(job["db_id"], len(place)))
            elif jobs_sort and jobs_sort[0][0] == "db_id":
                mine.sort(key=lambda job: db_id_order(job["db_id"]), reverse=jobs_sort[0][1] < 0)
            flow["jobs_list"] = mine
        return flows

    def get_flow_jobs_data(
        self,
        query: Query | None = None,
        projection: dict[str, Any] | None = None,
        sort: dict[str, int] | None = None,
        limit: int = 0,
    ) -> list[Document]:
        """Return flow documents in which ``jobs`` holds the documents of the jobs.

        Parameters
        ----------
        query
            Selects the flows. Paths that start with ``jobs.`` refer to the joined jobs.
        projection
            Applied to the joined documents.
        sort
            {field: direction}, or (field, direction) pairs, on the flows.
        limit
            Maximum number of flows; 0 means no limit.
        """
        on_flow, on_jobs = _split_query(query or {})
        order = dict(sort or {})
        pipeline: list[dict[str, Any]] = [{"$match": on_flow}]
        if order:
            pipeline.append({"$sort": order})
        if limit and not on_jobs:
            pipeline.append({"$limit": limit})
        pipeline.append(
            {
                "$lookup": {
                    "from": self.queue.jobs.name,
                    "localField": "jobs",
                    "foreignField": "uuid",
                    "as": "jobs",
                }
            }
        )
        if on_jobs:
            pipeline.append({"$match": on_jobs})
            if limit:
                pipeline.append({"$limit": limit})
        if projection:
            pipeline.append({"$project": dict(projection)})
        return list(self.queue.flows.aggregate(pipeline))

    def get_flow_info_by_flow_uuid(
        self, flow_uuid: str, projection: list[str] | dict[str, Any] | None = None
    ) -> Document | None:
        """Return the stored document of a flow, as a dictionary, or None."""
        return self.queue.flows.find_one({"uuid": flow_uuid}, projection)

    def get_flow_info_by_job_uuid(
        self, job_uuid: str, projection: list[str] | dict[str, Any] | None = None
    ) -> Document | None:
        """Return the stored document of the flow that holds a job, as a dictionary, or None."""
        return self.queue.flows.find_one({"jobs": job_uuid}, projection)

    def get_flow_graph(
        self, db_id: str | None = None, job_id: str | None = None, flow_id: str | None = None
    ) -> FlowGraph:
        """Return a flow as a graph, which `controller.graphs` draws.

        Parameters
        ----------
        db_id, job_id, flow_id
            db_id or uuid of any job of the flow, or its own uuid; exactly one of the three.

        Raises
        ------
        ArgumentError
            None or more than one of them was given.
        FlowNotFoundError
            There is no such flow.
        """
        from controller.graphs import flow_graph

        self.generate_flow_id_query(db_id, job_id, flow_id)  # refuses anything but exactly one flow
        found = self.get_flows_info(
            job_ids=job_id, db_ids=db_id, flow_ids=flow_id, with_jobs_info=True, limit=1
        )
        if not found:
            raise FlowNotFoundError(
                f"there is no flow {flow_id or f'with job {db_id or job_id}'}",
                hint="`jf flow list` lists the existing ones",
            )
        return flow_graph(found[0])

    def count_flows(
        self,
        query: Query | None = None,
        job_ids: str | list[str] | None = None,
        db_ids: str | list[str] | None = None,
        flow_ids: str | list[str] | None = None,
        states: FlowState | list[FlowState] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        name: str | None = None,
        *,
        metadata: dict[str, Any] | None = None,
        locked: bool = False,
    ) -> int:
        """Count the selected flows.

        Parameters
        ----------
        query
            A query in MongoDB syntax; replaces all other parameters.
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, locked
            See `FlowFilter`.
        """
        if query is None:
            query = self.queue.query(
                FlowFilter(
                    job_ids=job_ids,
                    db_ids=db_ids,
                    flow_ids=flow_ids,
                    states=states,
                    start_date=start_date,
                    end_date=end_date,
                    name=name,
                    metadata=metadata,
                    locked=locked,
                )
            )
        return self.queue.flows.count_documents(query)

    def count_flows_states(self, states: Sequence[FlowState]) -> dict[FlowState, int]:
        """Count flows by state: one entry for each of ``states``, even if the count is 0."""
        wanted = parse_states(FlowState, states) or ()
        groups = self.queue.flows.aggregate(
            [
                {"$match": {"state": {"$in": [s.value for s in wanted]}}},
                {"$group": {"_id": "$state", "count": {"$sum": 1}}},
            ]
        )
        counts = {group["_id"]: group["count"] for group in groups}
        return {state: counts.get(state.value, 0) for state in wanted}

    @staticmethod
    def generate_flow_id_query(
        db_id: str | None = None, job_id: str | None = None, flow_id: str | None = None
    ) -> Query:
        """Compose the query on flow documents that finds one flow.

        Parameters
        ----------
        db_id
            db_id of any of its jobs.
        job_id
            Uuid of any of its jobs.
        flow_id
            Its own uuid. Exactly one of the three is required.

        Raises
        ------
        ArgumentError
            None or more than one of them was given.

        Notes
        -----
        The query for a ``db_id`` cannot use an index; methods of this class look the job up
        first instead.
        """
        if [db_id, job_id, flow_id].count(None) != 2:
            raise ArgumentError(
                "a flow is identified by db_id, job_id or flow_id",
                hint="give exactly one of them",
            )
        for name, value in (("db_id", db_id), ("job_id", job_id), ("flow_id", flow_id)):
            if value is not None and not is_id(value, number=name == "db_id"):
                raise ArgumentError(
                    f"{name} cannot be {value!r}",
                    hint="it must be the text shown by `jf flow list`",
                )
        if db_id is not None:
            return {"ids": {"$elemMatch": {"0": str(db_id)}}}
        return {"jobs": job_id} if job_id is not None else {"uuid": flow_id}

    def _jobs_of(
        self, flow_uuids: list[str], projection: dict[str, Any] | None, sort: Sort
    ) -> dict[str, list[Document]]:
        if not flow_uuids:
            return {}
        jobs: dict[str, list[Document]] = defaultdict(list)
        found = self.queue.jobs.find(
            {"job.hosts": {"$in": flow_uuids}}, _with(projection, "job.hosts", "db_id"), sort=sort
        )
        for job in found:
            jobs[flow_of(job)].append(job)
        return jobs


def find_flow(
    queue: Queue,
    *,
    db_id: str | None = None,
    job_id: str | None = None,
    flow_id: str | None = None,
    projection: Projection = None,
) -> Document:
    """Return the document of one flow, named as in `generate_flow_id_query`.

    Raises
    ------
    ArgumentError
        None or more than one id was given.
    FlowNotFoundError
        There is no such flow.
    """
    query = FlowQueries.generate_flow_id_query(db_id, job_id, flow_id)
    if db_id is not None:  # the index is on the jobs
        query = {"uuid": queue.flow_uuids([str(db_id)]).get(str(db_id))}
    found = queue.flows.find_one(query, projection or ["uuid", "state", "name", "jobstore"])
    if found is None:
        raise FlowNotFoundError(
            f"there is no flow {flow_id or job_id or db_id}",
            hint="`jf flow list` lists the existing ones",
        )
    return found


def _by_submission(sort: Sort) -> Sort:
    """A flow has no db_id of its own; its first job's grows with the time of submission."""
    order = [(sort, 1)] if isinstance(sort, str) else list(sort or ())
    return [("created_on" if key == "db_id" else key, way) for key, way in order] or None


def _with(projection: Mapping[str, Any] | None, *fields: str) -> Projection:
    """Add fields to a projection that includes; one that excludes them loses the exclusion."""
    if not projection:
        return None
    if any(value for key, value in projection.items() if key != "_id"):
        return {**projection, **dict.fromkeys(fields, 1)}
    return {key: value for key, value in projection.items() if key not in fields} or None


def _split_query(query: Mapping[str, Any]) -> tuple[Query, Query]:
    """Separate conditions that can be applied before jobs are joined from the others."""
    on_flow: Query = {}
    on_jobs: Query = {}
    for key, value in query.items():
        (on_jobs if _speaks_of_jobs(key, value) else on_flow)[key] = value
    return on_flow, on_jobs


def _speaks_of_jobs(key: str, value: Any) -> bool:
    if key.startswith("jobs."):
        return True
    if key in ("$and", "$or", "$nor"):
        return any(_speaks_of_jobs(k, v) for part in value for k, v in part.items())
    return False


def _views(flows: Iterable[Mapping[str, Any]]) -> list[FlowInfo]:
    from controller.documents import FlowInfo  # not at the top: job lists do not need it

    return [FlowInfo.from_query_dict(flow) for flow in flows]
