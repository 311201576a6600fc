"""Find, read and count jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from controller.api.base import ControllerGroup
from controller.documents import JOB_INFO_PROJECTION, JobDoc, JobInfo
from controller.errors import ArgumentError
from controller.filters import JobFilter, Query, job_id_query
from controller.operations.db_id_order import first_db_ids
from controller.states import JobState, parse_states
from controller.storage.base import Document, Projection, Sort


class JobQueries(ControllerGroup):
    """Methods that read jobs. None of them locks or waits.

    The parameters that select jobs are described in `controller.filters.JobFilter`.
    """

    def get_jobs_info(
        self,
        job_ids: tuple[str, int] | list[tuple[str, int]] | None = None,
        db_ids: str | list[str] | None = None,
        flow_ids: str | list[str] | None = None,
        states: JobState | list[JobState] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        name: str | None = None,
        metadata: dict[str, Any] | None = None,
        workers: str | list[str] | None = None,
        locked: bool = False,
        sort: list[tuple[str, int]] | None = None,
        limit: int = 0,
        *,
        custom_query: dict[str, Any] | None = None,
        skip: int = 0,
    ) -> list[JobInfo]:
        """Return the light views of the selected jobs.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers, locked
            See `JobFilter`.
        sort
            (field, direction) pairs, direction 1 or -1. ``db_id`` sorts by its number.
        limit
            Maximum number of jobs; 0 means no limit.
        custom_query
            See `JobFilter`.
        skip
            Number of jobs to skip first.
        """
        query = self._job_query(
            job_ids=job_ids,
            db_ids=db_ids,
            flow_ids=flow_ids,
            states=states,
            start_date=start_date,
            end_date=end_date,
            name=name,
            metadata=metadata,
            workers=workers,
            locked=locked,
            custom_query=custom_query,
        )
        return self.get_jobs_info_query(query, sort=sort, limit=limit, skip=skip)

    def get_jobs_info_query(self, query: Query | None = None, **kwargs: Any) -> list[JobInfo]:
        """Return the light views of the jobs that match a query.

        Parameters
        ----------
        query
            A query in MongoDB syntax; None selects all jobs.
        kwargs
            ``sort``, ``skip`` and ``limit`` as for pymongo's ``Collection.find``.
        """
        kwargs.setdefault("projection", JOB_INFO_PROJECTION)
        return [JobInfo.from_query_output(doc) for doc in self._find_jobs(query, **kwargs)]

    def get_jobs_doc(
        self,
        job_ids: tuple[str, int] | list[tuple[str, int]] | None = None,
        db_ids: str | list[str] | None = None,
        flow_ids: str | list[str] | None = None,
        states: JobState | list[JobState] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        name: str | None = None,
        metadata: dict[str, Any] | None = None,
        workers: str | list[str] | None = None,
        locked: bool = False,
        sort: list[tuple[str, int]] | None = None,
        limit: int = 0,
        *,
        custom_query: dict[str, Any] | None = None,
        skip: int = 0,
    ) -> list[JobDoc]:
        """Return the whole documents of the selected jobs; parameters as in `get_jobs_info`."""
        query = self._job_query(
            job_ids=job_ids,
            db_ids=db_ids,
            flow_ids=flow_ids,
            states=states,
            start_date=start_date,
            end_date=end_date,
            name=name,
            metadata=metadata,
            workers=workers,
            locked=locked,
            custom_query=custom_query,
        )
        return self.get_jobs_doc_query(query, sort=sort, limit=limit, skip=skip)

    def get_jobs_doc_query(self, query: Query | None = None, **kwargs: Any) -> list[JobDoc]:
        """Return the whole documents of the jobs that match a query.

        Parameters as in `get_jobs_info_query`.
        """
        return [JobDoc.model_validate(doc) for doc in self._find_jobs(query, **kwargs)]

    def get_jobs(
        self, query: Query, projection: list[str] | dict[str, Any] | None = None
    ) -> list[Document]:
        """Return the stored documents of the jobs that match a query, as dictionaries."""
        return list(self.queue.jobs.find(query, projection))

    def get_job_info(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        *,
        archived: bool = True,
    ) -> JobInfo | None:
        """Return the light view of one job, or None when there is no such job.

        Parameters
        ----------
        job_id
            Uuid of the job.
        db_id
            db_id of the job; exactly one of the two is required.
        job_index
            Index of the job with that ``job_id``; None for the largest one.
        archived
            Look in the archive, too, if the queue has no such job.
        """
        doc = self._find_job(job_id, db_id, job_index, JOB_INFO_PROJECTION, archived=archived)
        return None if doc is None else JobInfo.from_query_output(doc)

    def get_job_doc(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
    ) -> JobDoc | None:
        """Return the whole document of one job, which may be archived, or None.

        Parameters as in `get_job_info`.
        """
        doc = self._find_job(job_id, db_id, job_index, None, archived=True)
        return None if doc is None else JobDoc.model_validate(doc)

    def get_job_info_by_job_uuid(
        self,
        job_uuid: str,
        job_index: int | str = "last",
        projection: list[str] | dict[str, Any] | None = None,
    ) -> Document | None:
        """Return the stored document of one job, as a dictionary, or None.

        Parameters
        ----------
        job_index
            The index, or "last" for the largest one.

        Raises
        ------
        ArgumentError
            ``job_index`` is a text other than "last".
        """
        if isinstance(job_index, str) and job_index != "last":
            raise ArgumentError(f"job_index must be a number or 'last', not {job_index!r}")
        index = None if isinstance(job_index, str) else job_index
        return self._find_job(job_uuid, None, index, projection)

    def get_job_info_by_pid(self, pid: int | str) -> JobInfo | None:
        """Return the light view of the job with this queue id, or None.

        Queues of different workers may assign the same id: the most recently changed job is used.
        """
        doc = self.queue.jobs.find_one(
            {"remote.process_id": str(pid)}, JOB_INFO_PROJECTION, sort=[("updated_on", -1)]
        )
        return None if doc is None else JobInfo.from_query_output(doc)

    def get_jobs_info_by_flow_uuid(
        self, flow_uuid: str, projection: list[str] | dict[str, Any] | None = None
    ) -> list[Document]:
        """Return the stored documents of a flow's jobs, as dictionaries.

        ``flow_uuid`` may be that of a flow within the submitted one.
        """
        return list(self.queue.jobs.find({"job.hosts": flow_uuid}, projection))

    def get_job_uuids(self, flow_uuids: list[str]) -> list[str]:
        """Return the uuids of the jobs that belong to the flows with these uuids."""
        flows = self.queue.flows.find({"uuid": {"$in": list(flow_uuids)}}, ["jobs"])
        return [uuid for flow in flows for uuid in flow["jobs"]]

    def count_jobs(
        self,
        query: Query | None = None,
        job_ids: tuple[str, int] | list[tuple[str, int]] | None = None,
        db_ids: str | list[str] | None = None,
        flow_ids: str | list[str] | None = None,
        states: JobState | list[JobState] | None = None,
        locked: bool = False,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        name: str | None = None,
        metadata: dict[str, Any] | None = None,
        workers: str | list[str] | None = None,
    ) -> int:
        """Count the selected jobs.

        Parameters
        ----------
        query
            A query in MongoDB's language, combined with the other parameters (see `JobFilter`).
        job_ids, db_ids, flow_ids, states, locked, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        """
        selection = self._job_query(
            job_ids=job_ids,
            db_ids=db_ids,
            flow_ids=flow_ids,
            states=states,
            start_date=start_date,
            end_date=end_date,
            name=name,
            metadata=metadata,
            workers=workers,
            locked=locked,
            custom_query=query,
        )
        return self.queue.jobs.count_documents(selection)

    def count_jobs_states(
        self, states: Sequence[JobState], worker: str | None = None
    ) -> dict[JobState, int]:
        """Count jobs by state.

        Parameters
        ----------
        states
            The requested states.
        worker
            Only jobs of this worker; None means all.

        Returns
        -------
        dict
            One entry for each of ``states``, even without jobs.
        """
        wanted = parse_states(JobState, states) or ()
        match: Query = {"state": {"$in": [s.value for s in wanted]}}
        if worker is not None:
            match["worker"] = worker
        groups = self.queue.jobs.aggregate(
            [{"$match": match}, {"$group": {"_id": "$state", "count": {"$sum": 1}}}]
        )
        counts = {group["_id"]: group["count"] for group in groups}
        return {state: counts.get(state.value, 0) for state in wanted}

    @staticmethod
    def generate_job_id_query(
        db_id: str | None = None, job_id: str | None = None, job_index: int | None = None
    ) -> tuple[Query, list[tuple[str, int]] | None]:
        """Compose the query, and the sort, that find one job.

        Parameters
        ----------
        db_id
            db_id of the job.
        job_id
            Uuid of the job; exactly one of the two is required.
        job_index
            With ``job_id``: the index. None sorts by it, so that the largest one comes first.

        Raises
        ------
        ArgumentError
            Neither or both of ``db_id`` and ``job_id``, or one of a wrong type.
        """
        return job_id_query(db_id=db_id, job_id=job_id, job_index=job_index)

    def _job_query(self, **given: Any) -> Query:
        return self.queue.query(JobFilter(**given))

    def _find_job(
        self,
        job_id: str | None,
        db_id: str | None,
        job_index: int | None,
        projection: Projection,
        *,
        archived: bool = False,
    ) -> Document | None:
        query, sort = job_id_query(db_id=db_id, job_id=job_id, job_index=job_index)
        found = self.queue.jobs.find_one(query, projection, sort=sort)
        if found is None and archived:
            from controller.operations.archive_reading import archived_job

            return archived_job(self.queue, db_id=db_id, job_id=job_id, job_index=job_index)
        return found

    def _find_jobs(
        self,
        query: Query | None,
        projection: Projection = None,
        sort: Sort = None,
        skip: int = 0,
        limit: int = 0,
        **kwargs: Any,
    ) -> list[Document]:
        order = [(sort, 1)] if isinstance(sort, str) else list(sort or ())
        if not order or order[0][0] != "db_id":
            found = self.queue.jobs.find(
                query or {}, projection, sort=order or None, skip=skip, limit=limit, **kwargs
            )
            return list(found)
        end = skip + limit if limit else None
        page = first_db_ids(self.queue, query or {}, end, descending=order[0][1] < 0)[skip:]
        docs = self.queue.jobs.find({"db_id": {"$in": page}}, _with_db_id(projection))
        by_id = {doc["db_id"]: doc for doc in docs}
        return [by_id[db_id] for db_id in page if db_id in by_id]


def _with_db_id(projection: Projection) -> Projection:
    if projection is None or not isinstance(projection, Mapping):
        return None if projection is None else [*dict.fromkeys([*projection, "db_id"])]
    excludes = any(key != "_id" and not value for key, value in projection.items())
    return projection if excludes else {**projection, "db_id": 1}
