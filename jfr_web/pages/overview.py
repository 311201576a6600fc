"""The first page: current activity in the project."""

from __future__ import annotations

from typing import Any

from controller.browsing.overview import overview as read_overview
from controller.states import JobState
from controller.tables.formats import zone_name
from jfr_web import charts
from jfr_web.address_filters import Ask
from jfr_web.site import Site

_SERIES = (
    ("completed", JobState.COMPLETED, "good"),
    ("failed", JobState.FAILED, "bad"),
    ("remote error", JobState.REMOTE_ERROR, "warn"),
)


def overview(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show states, throughput, runners, workers, and what needs attention."""
    found = read_overview(site.reader, zone_name() or "UTC", site.counts)
    series = [
        charts.Series(name, tone, [row.get(state, 0) for row in found.hours.values()])
        for name, state, tone in _SERIES
    ]
    ended = sum(sum(one.values) for one in series)
    return "overview.html", {
        "title": "Overview",
        "found": found,
        "total": sum(found.jobs.values()),
        "flows_total": sum(found.flows.values()),
        "bar": charts.state_bar(found.jobs),
        "hours": charts.stacked(
            [key[-2:] for key in found.hours], series, title="Jobs that ended in the last 24 hours"
        ),
        "ended": ended,
        "command": "jf job report hours 24",
    }
