"""Lists of jobs."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from controller.browsing.lists import list_jobs
from controller.documents import JobInfo
from controller.filter_texts import JOB_KEYS
from controller.states import Cause, JobState
from controller.tables.jobs import JOBS
from jfr_web.address_filters import PAGE_SIZES, Ask
from jfr_web.listing import Link, table
from jfr_web.pages.lists import (
    choices,
    columns_of,
    download,
    list_words,
    order_of,
    saved,
    sort_links,
)
from jfr_web.site import Site

_USUAL = "db_id,name,state,worker,last_updated,run_time"


def job_address(job: JobInfo) -> str:
    """Return the address of a job."""
    return f"/job/{job.db_id}"


LINKS: dict[str, Link] = {
    "db_id": job_address,
    "name": job_address,
    "job_id": job_address,
    "flow_uuid": lambda job: f"/flow/{job.hosts[-1]}" if job.hosts else None,
}
"""{column: what its cells link to}."""


def jobs(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """List jobs, most recently changed first."""
    order = order_of(ask)
    listed = list_jobs(site.reader, ask.job_filter(), order)
    asked = columns_of(ask)
    sorts = sort_links(ask, order, {"last_updated": "updated_on", "db_id": "created_on"})
    return "jobs.html", {
        "title": "Jobs",
        "noun": "job",
        "rows": table(JOBS, listed.items, columns=asked or _USUAL, links=LINKS, sorts=sorts),
        "order": order,
        "after": listed.after,
        "choices": choices(JOBS, asked or _USUAL),
        "sizes": PAGE_SIZES,
        "saved": saved(site, "job"),
        "states": list(JobState),
        "causes": list(Cause),
        "workers": sorted(site.project.workers),
        "filtered": bool(ask.filter_texts(JOB_KEYS)),
        "command": ask.command("job", "list", keys=JOB_KEYS, more=list_words(ask, order)),
    }


def export(site: Site, ask: Ask) -> Response:
    """Export all jobs that match a filter as CSV or JSON."""
    order = order_of(ask)
    query = site.reader.queue.query(ask.job_filter())
    way = 1 if order.ascending else -1
    found = site.reader.get_jobs_info_query(query, sort=[(order.field, way)])
    return download(ask, JOBS, found, f"{site.project.name}-jobs")
