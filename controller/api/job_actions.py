"""How a method that changes jobs goes from its arguments to `controller.operations.bulk`.

The method for one job is the method for many with one job: there is one implementation.
"""

from __future__ import annotations

from typing import Any

from controller.api.base import ControllerGroup
from controller.api.job_queries import job_id_query
from controller.errors import JobNotFoundError
from controller.filters import JobFilter
from controller.operations.bulk import (
    Action,
    BulkResult,
    Options,
    check_limit,
    check_number,
    choose,
    perform,
)
from controller.operations.connections import Connections
from controller.operations.reading import CHOSEN_FIELDS


def act_on_jobs(
    group: ControllerGroup,
    action: Action,
    selection: JobFilter,
    *,
    max_limit: int = 0,
    **options: Any,
) -> BulkResult:
    """Do something to the selected jobs; keywords as the attributes of `Options`.

    Parameters
    ----------
    max_limit
        How many may be selected; 0 means any number.

    Raises
    ------
    TooManyError
        More are; nothing was done.
    """
    check_limit(max_limit)
    how = Options(**options)
    query = group.queue.query(selection)
    chosen = choose(group.queue, query)
    check_number(len(chosen), max_limit, "job")
    return perform(
        group.queue,
        action,
        chosen,
        how,
        selection=None if selection.is_lasting else query,
        connections=_connections(group),
    )


def act_on_job(
    group: ControllerGroup,
    action: Action,
    *,
    job_id: str | None,
    db_id: str | None,
    job_index: int | None,
    **options: Any,
) -> tuple[str, BulkResult]:
    """Do something to one job; returns its db_id and all that changed.

    Raises
    ------
    ArgumentError
        Neither or both of ``db_id`` and ``job_id``.
    JobNotFoundError
        There is no such job.
    """
    query, sort = job_id_query(db_id=db_id, job_id=job_id, job_index=job_index)
    found = group.jobs.find_one(query, CHOSEN_FIELDS, sort=sort)
    if found is None:
        raise no_such_job(db_id, job_id, job_index)
    how = Options(raise_on_error=True, **options)
    result = perform(group.queue, action, [found], how, connections=_connections(group))
    return str(found["db_id"]), result


def no_such_job(db_id: str | None, job_id: str | None, job_index: int | None) -> JobNotFoundError:
    """Return the error that says which job was asked for."""
    index = "" if job_index is None or db_id is not None else f" with index {job_index}"
    return JobNotFoundError(
        f"there is no job {db_id or job_id}{index}", hint="`jf job list` shows those there are"
    )


def _connections(group: ControllerGroup) -> Connections | None:
    return None if group.project is None else Connections(group.project)
