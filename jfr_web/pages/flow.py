"""One flow: its graph, its progress, and how long its jobs took."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse

from controller.browsing.flow import FlowView, find_flow, flow_view
from controller.graphs import GROUP_ABOVE, flow_graph
from controller.tables.formats import duration, exact_time, state_words
from controller.tables.jobs import JOBS
from jfr_web.address_filters import Ask
from jfr_web.charts import bars, state_bar
from jfr_web.graph import flow_svg
from jfr_web.listing import table, tone_of
from jfr_web.pages.jobs import LINKS, job_address
from jfr_web.site import Site
from jfr_web.tree import tree

_SHOWN = 100
_COLUMNS = "db_id,name,state,worker,last_updated,run_time"


def flow(site: Site, ask: Ask) -> Any:
    """Show a flow."""
    name = ask.params["flow"]
    found = site.unchanged(("flow", name), lambda: find_flow(site.reader, name))
    if found.flow_id != name:
        return RedirectResponse(f"/flow/{quote(found.flow_id)}", 303)
    view = flow_view(found)
    jobs = found.jobs_info or []
    longest = [
        (job_address(job), f"{job.db_id} {job.name}", seconds, duration(seconds), _tone(job))
        for job, seconds in view.longest
    ]
    return "flow.html", {
        "title": found.name or found.flow_id,
        "flow": found,
        "view": view,
        "facts": _facts(view),
        "bar": state_bar(view.states),
        "graph": site.unchanged(("graph", name), lambda: flow_svg(flow_graph(found))),
        "grouped": len(jobs) > GROUP_ABOVE,
        "longest": bars(longest, title="Run times"),
        "rows": table(JOBS, jobs[:_SHOWN], columns=_COLUMNS, links=LINKS),
        "more": len(jobs) - _SHOWN,
        "metadata": [tree(found.flow_metadata, "metadata")] if found.flow_metadata else [],
        "command": f"jf flow info {found.db_ids[0] if found.db_ids else found.flow_id}",
    }


def _tone(job: Any) -> str:
    return tone_of(state_words(job.state))


def _facts(view: FlowView) -> list[tuple[str, Any]]:
    flow = view.flow
    return [
        ("Uuid", flow.flow_id),
        ("Submitted", exact_time(flow.created_on)),
        ("Changed", exact_time(flow.updated_on)),
        ("First job started", exact_time(view.started)),
        ("Last job ended", exact_time(view.ended)),
        ("Run time of all jobs", duration(view.run_time)),
        ("Workers", ", ".join(sorted(set(flow.workers)))),
        ("JobStore", flow.jobstore),
    ]
