"""Completion values for Typer; jf's scripts call `jfr_cli.completion_values` without Typer."""

from __future__ import annotations

from collections.abc import Callable

import typer

from jfr_cli.completion_values import OFFERS, Offer

Completion = Callable[[typer.Context, str], Offer]


def _of_kind(kind: str) -> Completion:
    def complete(context: typer.Context, incomplete: str) -> Offer:
        return OFFERS[kind](context.find_root().params.get("project"), incomplete)

    complete.kind = kind  # type: ignore[attr-defined]  # for the completion scripts
    return complete


project_names = _of_kind("projects")
worker_names = _of_kind("workers")
exec_config_names = _of_kind("exec_configs")
job_ids = _of_kind("jobs")
"""db_ids of jobs, or their uuids if only those match."""
flow_ids = _of_kind("flows")
"""db_ids of the first jobs of flows, or the flows' uuids if only those match."""
job_uuids = _of_kind("job_uuids")
job_filters = _of_kind("job_filters")
"""Saved filters, as in @NAME."""
flow_filters = _of_kind("flow_filters")
job_uuids_with_index = _of_kind("job_uuids_with_index")
