"""The project and its workers, without secrets."""

from __future__ import annotations

from typing import Any

from controller.browsing.overview import worker_loads
from controller.config.masking import masked
from controller.operations.worker_outages import outages
from jfr_web.address_filters import Ask
from jfr_web.site import Site
from jfr_web.tree import tree


def project(site: Site, ask: Ask) -> tuple[str, dict[str, Any]]:
    """Show the settings in the project file."""
    del ask
    described = masked(site.project)
    workers = described.pop("workers", {})
    loads = {
        load.name: load
        for load in worker_loads(site.project, site.counts(), outages(site.reader.queue))
    }
    return "project.html", {
        "title": "Project",
        "file": site.project_file,
        "database": site.reader.queue.database.location,
        "settings": [tree(value, key) for key, value in _set(described).items()],
        "workers": [
            (name, loads[name], tree(_set(value), "settings")) for name, value in workers.items()
        ],
        "command": f"jf project show {site.project.name}",
    }


def _set(value: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if part not in (None, {}, [])}
