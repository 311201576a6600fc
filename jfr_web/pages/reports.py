"""Statistics of jobs and flows, and how many ended in each of the last intervals."""

from __future__ import annotations

from typing import Any

from controller.operations.intervals import INTERVALS
from controller.report import FlowsReport, FlowTrends, JobsReport, JobTrends
from controller.tables.formats import duration, zone_name
from jfr_web.address_filters import Ask
from jfr_web.charts import Series, bars, stacked, state_bar
from jfr_web.site import Site


def reports(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show the reports of the command line."""
    interval = ask.one("interval") or "days"
    number = ask.number("number", INTERVALS.get(interval, 7), least=1, most=60)
    when = (interval, number, zone_name() or "UTC")
    controller = site.controller
    jobs = site.kept(("jobs", *when), lambda: JobsReport.generate_report(controller, *when))
    flows = site.kept(("flows", *when), lambda: FlowsReport.generate_report(controller, *when))
    causes = [
        (f"/jobs?error=1&cause={cause}", cause or "not recorded", number, str(number), "bad")
        for cause, number in jobs.causes.items()
    ]
    workers = [
        (f"/jobs?worker={name}", name, load.jobs, f"{load.jobs} ({load.active} active)", "busy")
        for name, load in jobs.workers.items()
    ]
    return "reports.html", {
        "title": "Reports",
        "intervals": list(INTERVALS),
        "interval": interval,
        "number": number,
        "jobs": jobs,
        "flows": flows,
        "jobs_bar": state_bar(jobs.state_counts),
        "flows_bar": state_bar(flows.state_counts),
        "jobs_trends": _trends(jobs.trends, "Jobs that ended"),
        "flows_trends": _trends(flows.trends, "Flows that ended"),
        "causes": bars(causes, title="Jobs in error by cause"),
        "workers": bars(workers, title="Jobs by worker"),
        "running": [(job, duration(job.estimated_run_time)) for job in jobs.longest_running],
        "command": f"jf job report {interval} {number}",
    }


def _trends(trends: FlowTrends, title: str) -> Any:
    series = [Series("completed", "good", trends.completed), Series("failed", "bad", trends.failed)]
    if isinstance(trends, JobTrends):
        series.append(Series("remote error", "warn", trends.remote_error))
    cut = {"hours": slice(-2, None), "days": slice(5, None)}.get(trends.interval, slice(None))
    return stacked([date[cut] for date in trends.dates], series, title=title)
