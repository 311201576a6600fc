"""The pages: each is a function of the site and of the request, and is listed in `PAGES`.

A function returns a template with its context, or a complete answer, and runs in a thread. Its
module is imported on the first request for the page, so that the first page appears quickly.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jfr_web.address_filters import Ask
    from jfr_web.site import Site

PageFunction = Callable[["Site", "Ask"], Any]


@dataclass(frozen=True)
class Page:
    """An address and the function that answers it.

    Attributes
    ----------
    path
        The address.
    name
        ``module.function`` within this package.
    slow
        Whether it may take long; it then runs in separate threads.
    live
        "queue" to refresh it after each change of a job, "pulse" to refresh it for heartbeats as
        well, "" for never.
    acts
        Whether it accepts a form and may change something.
    """

    path: str
    name: str
    slow: bool = False
    live: str = ""
    acts: bool = False

    @property
    def function(self) -> PageFunction:
        """The function."""
        module, _, name = self.name.partition(".")
        found: PageFunction = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return found


_NAMES = (
    ("/", "Overview"),
    ("/jobs", "Jobs"),
    ("/flows", "Flows"),
    ("/batches", "Batches"),
    ("/reports", "Reports"),
    ("/plots", "Plots"),
    ("/events", "Events"),
    ("/runners", "Runners"),
    ("/project", "Project"),
    ("/doctor", "Doctor"),
)
PAGES = (
    Page("/", "overview.overview", live="pulse"),
    Page("/jobs", "jobs.jobs", live="queue"),
    Page("/jobs.{form}", "jobs.export", slow=True),
    Page("/flows", "flows.flows", live="queue"),
    Page("/flows.{form}", "flows.export", slow=True),
    Page("/search", "search.search"),
    Page("/job/{job}", "job.job", live="queue"),
    Page("/job/{job}/data", "job.data", slow=True),
    Page("/job/{job}/files", "job.files", slow=True),
    Page("/job/{job}/file", "job.file", slow=True),
    Page("/job/{job}/raw", "job.raw", slow=True),
    Page("/job/{job}/log", "job.log", slow=True, live="pulse"),
    Page("/flow/{flow}", "flow.flow", live="queue"),
    Page("/batches", "batches.batches", live="queue"),
    Page("/batch/{batch}", "batches.batch", live="queue"),
    Page("/reports", "reports.reports", live="queue"),
    Page("/plots", "plots.plots", slow=True),
    Page("/plots.csv", "plots.export", slow=True),
    Page("/events", "events.events", live="queue"),
    Page("/runners", "runners.runners", live="pulse"),
    Page("/project", "project.project"),
    Page("/actions/plan", "actions.plan", slow=True, acts=True),
    Page("/actions/do", "actions.do", slow=True, acts=True),
    Page("/doctor", "doctor.doctor", slow=True),
)
MENU = tuple((path, name) for path, name in _NAMES if path in {page.path for page in PAGES})
"""(address, name) of the pages in the menu."""
