"""Batch processes, each of which runs many jobs in one submission."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from controller.states import BatchState, parse_states
from controller.tables.batches import BATCHES, Placed
from jfr_web.address_filters import Ask
from jfr_web.listing import Link, table
from jfr_web.site import Site
from jfr_web.tree import tree


def _address(placed: Placed) -> str:
    return f"/batch/{quote(placed[0].batch_uid)}"


_LINKS: dict[str, Link] = {"process_id": _address, "batch_uid": _address}
_MOST = 200


def batches(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """List batch processes, most recently changed first."""
    states, workers = ask.all("state"), ask.all("worker")
    found = site.controller.get_batches(
        batch_state=list(parse_states(BatchState, states) or ()) or None,
        worker=workers or None,
        limit=_MOST,
    )
    placed = [(batch, site.controller.batch_folder(batch)) for batch in found]
    keys = {"state": True, "worker": True}
    return "batches.html", {
        "title": "Batches",
        "rows": table(BATCHES, placed, level=1, links=_LINKS),
        "states": list(BatchState),
        "most": _MOST if len(found) == _MOST else None,
        "command": ask.command("batch", "list", keys=keys, more=["-v"]),
    }


def batch(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show a batch process and its jobs."""
    found = site.controller.get_batch(ask.params["batch"])
    row = BATCHES.data((found, site.controller.batch_folder(found)))
    jobs = row.pop("jobs")
    return "batch.html", {
        "title": f"Batch process {found.process_id}",
        "state": found.batch_state,
        "facts": tree(row, "batch process").children,
        "jobs": jobs,
        "command": f"jf batch info {found.batch_uid}",
    }
