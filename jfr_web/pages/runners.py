"""The runners of the project, on every machine."""

from __future__ import annotations

from typing import Any

from controller.operations.runner_processes import runners_overview
from controller.operations.runner_record import get_pings, runner_status
from controller.tables.runners import RUNNER_PROCESS
from jfr_web.address_filters import Ask
from jfr_web.listing import table
from jfr_web.site import Site


def runners(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show the runners, whether they claim jobs, and which machines cannot be reached."""
    del ask
    queue = site.reader.queue
    found = runners_overview(queue)
    return "runners.html", {
        "title": "Runners",
        "status": runner_status(queue.auxiliary),
        "found": found,
        "rows": table(RUNNER_PROCESS, found.runners, level=1),
        "pings": get_pings(queue.auxiliary)[-1:-21:-1],
        "command": "jf runner list -v",
    }
