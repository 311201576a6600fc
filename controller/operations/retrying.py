"""The end of an attempt: it is kept, and another one may be planned."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.config.retries import RetryRule, read_retries
from controller.documents import get_reset_job_base_dict, utc_now
from controller.documents.attempts import earlier_attempts
from controller.errors import ArgumentError
from controller.rules.retries import AttemptEnd, NoRetry, PlannedRetry, plan_retry_after
from controller.states import Cause, JobState

if TYPE_CHECKING:
    from controller.config import Project

logger = logging.getLogger(__name__)


def planned_retry(
    project: Project | None,
    job_doc: Mapping[str, Any],
    cause: Cause,
    error: str,
    *,
    node: str | None = None,
    of_step: bool = False,
) -> PlannedRetry | None:
    """Return the next attempt that a job's rules plan after a failure; None if they plan none.

    Parameters
    ----------
    project
        The project, whose workers and exec_configs may have rules.
    error
        Text of the error.
    node
        Node on which the job ran.
    of_step
        Whether a step of the runner failed for good: it is repeated unchanged, without growth.
    """
    now = utc_now()
    worker = project.workers.get(job_doc.get("worker") or "") if project else None
    resources = job_doc.get("resources") or (worker.resources if worker else None) or {}
    end = AttemptEnd(
        cause=cause,
        error=error,
        now=now,
        earlier=earlier_attempts(job_doc),
        resources=resources,
        scheduler=worker.scheduler_name if worker else "",
        node=node,
    )
    try:
        rules = rules_of(project, job_doc)
    except ArgumentError as problem:
        logger.warning("job %s is not retried: %s", job_doc["db_id"], problem)
        return None
    if of_step:
        rules = [rule.model_copy(update={"grow": None, "exclude": False}) for rule in rules]
    found = plan_retry_after(end, rules, chance=random.uniform(-1, 1))
    if isinstance(found, NoRetry):
        if found.reason:
            logger.info(
                "job %s is not retried after %s: %s", job_doc["db_id"], cause.value, found.reason
            )
        return None
    more = f", with {', '.join(found.changes)}" if found.changes else ""
    logger.info(
        "job %s is retried in %d s (retry %d of %d) because of %s%s",
        *(
            job_doc["db_id"],
            (found.at - now).total_seconds(),
            found.number,
            found.limit,
            cause.value,
            more,
        ),
    )
    return found


def rules_of(project: Project | None, job_doc: Mapping[str, Any]) -> list[RetryRule]:
    """Return the rules that users wrote for a job, the most specific first.

    Raises
    ------
    ArgumentError
        The rules in its document cannot be read.
    """
    rules = list(read_retries(job_doc.get("retry") or []))
    if project is None:
        return rules
    name = job_doc.get("exec_config")
    config = project.exec_config.get(name) if isinstance(name, str) else None
    worker = project.workers.get(job_doc.get("worker") or "")
    return [
        *rules,
        *((config.retry if config else None) or ()),
        *((worker.retry if worker else None) or ()),
    ]


def new_attempt_fields(retry: PlannedRetry, now: datetime) -> dict[str, Any]:
    """Return the fields that make a job READY for a planned attempt, as dotted paths."""
    fields = {
        **get_reset_job_base_dict(now),
        "state": JobState.READY.value,
        "remote.retry_time_limit": retry.at,
    }
    if retry.resources is not None:
        fields["resources"] = dict(retry.resources)
    if not retry.keeps_files:
        fields["remote.prerun_cleanup"] = True
    return fields
