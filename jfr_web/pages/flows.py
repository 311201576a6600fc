"""Lists of flows."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from controller.browsing.lists import list_flows
from controller.documents import FlowInfo
from controller.filter_texts import FLOW_KEYS
from controller.states import FlowState
from controller.tables.flows import FLOWS, needs_jobs
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


def flow_address(flow: FlowInfo) -> str:
    """Return the address of a flow."""
    return f"/flow/{flow.flow_id}"


LINKS: dict[str, Link] = dict.fromkeys(("db_id", "name", "flow_id"), flow_address)
"""{column: what its cells link to}."""
_SORTS = {"last_updated": "updated_on", "db_id": "created_on"}


def flows(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """List flows, most recently changed first."""
    order = order_of(ask)
    listed = list_flows(site.reader, ask.flow_filter(), order)
    asked = columns_of(ask)
    items = listed.items
    if items and needs_jobs(asked, 0):
        uuids = [flow.flow_id for flow in items]
        way = 1 if order.ascending else -1
        items = site.reader.get_flows_info(
            flow_ids=uuids, with_jobs_info=True, sort=[(order.field, way)]
        )
    return "jobs.html", {
        "title": "Flows",
        "noun": "flow",
        "rows": table(
            FLOWS, items, columns=asked, links=LINKS, sorts=sort_links(ask, order, _SORTS)
        ),
        "order": order,
        "after": listed.after,
        "choices": choices(FLOWS, asked),
        "sizes": PAGE_SIZES,
        "saved": saved(site, "flow"),
        "states": list(FlowState),
        "causes": [],
        "workers": [],
        "filtered": bool(ask.filter_texts(FLOW_KEYS)),
        "command": ask.command("flow", "list", keys=FLOW_KEYS, more=list_words(ask, order)),
    }


def export(site: Site, ask: Ask) -> Response:
    """Export all flows that match a filter as CSV or JSON."""
    order = order_of(ask)
    query = site.reader.queue.query(ask.flow_filter())
    found = site.reader.get_flows_info(
        custom_query=query,
        sort=[(order.field, 1 if order.ascending else -1)],
        with_jobs_info=needs_jobs(columns_of(ask), 0),
    )
    return download(ask, FLOWS, found, f"{site.project.name}-flows")
