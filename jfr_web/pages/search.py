"""Search for jobs and flows by id, the start of an id, or name."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse

from controller.browsing.search import MOST
from controller.browsing.search import search as look_for
from controller.tables.flows import FLOWS
from controller.tables.jobs import JOBS
from jfr_web.address_filters import Ask
from jfr_web.listing import table
from jfr_web.pages import flows, jobs
from jfr_web.site import Site


def search(site: Site, ask: Ask) -> Any:
    """Show what was found; a single match is opened."""
    text = ask.one("q") or ""
    found = look_for(site.reader, text)
    if len(found.jobs) + len(found.flows) == 1:
        only = [*map(jobs.job_address, found.jobs), *map(flows.flow_address, found.flows)]
        return RedirectResponse(only[0], 303)
    return "search.html", {
        "title": "Search",
        "text": text,
        "found": found,
        "most": MOST,
        "jobs": table(JOBS, found.jobs, links=jobs.LINKS),
        "flows": table(FLOWS, found.flows, links=flows.LINKS),
    }
