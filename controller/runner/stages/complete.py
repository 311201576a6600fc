"""DOWNLOADED -> COMPLETED or FAILED: the output is stored and the flow goes on."""

from __future__ import annotations

import logging
from typing import Any

from controller.documents import flow_of
from controller.runner.context import RunnerContext

logger = logging.getLogger(__name__)


def complete(context: RunnerContext, job: dict[str, Any]) -> dict[str, Any]:
    """Complete a job; returns what else to set, which is nothing."""
    store = context.jobstore(flow_of(job))
    good = context.controller.complete_job(job, job["run_dir"], store)
    logger.info("job %s %s", job["db_id"], "completed" if good else "failed")
    return {}
