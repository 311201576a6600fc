"""What every action on many jobs or flows takes, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from controller.errors import ArgumentError, TooManyError
from controller.rules.plans import FlowPlan, JobChange, Refusal

Progress = Callable[[int, int], None]
"""Called with (jobs dealt with, jobs in total)."""


@dataclass(frozen=True)
class Options:
    """How an action on many jobs behaves.

    Attributes
    ----------
    wait
        Seconds to wait at most for flows and jobs that others hold; None does not wait.
    break_lock
        Take the locks even if other processes hold them.
    raise_on_error
        Raise at the first refusal, before anything of that flow is written.
    dry_run
        Plan only.
    progress
        Told how far the work is.
    """

    wait: float | None = None
    break_lock: bool = False
    raise_on_error: bool = False
    dry_run: bool = False
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.wait is not None and not _is_number(self.wait):
            raise ArgumentError(
                f"wait cannot be {self.wait!r}",
                hint="it is a number of seconds; None does not wait",
            )


def check_limit(limit: Any) -> None:
    """Refuse a limit of what may be changed or deleted that is none."""
    if not isinstance(limit, int) or not _is_number(limit):
        raise ArgumentError(
            f"max_limit cannot be {limit!r}",
            hint="it is a number of jobs or flows; 0 means no limit",
        )


def check_number(number: int, limit: int, noun: str) -> None:
    """Refuse a selection that is larger than the limit; 0 means no limit.

    Raises
    ------
    TooManyError
        It is.
    """
    if limit and number > limit:
        raise TooManyError(
            f"{number} {noun}s are selected, more than the limit of {limit}: nothing was done",
            number=number,
            limit=limit,
            hint=f"a limit of {number} (max_limit, --max) allows it; 0 means none",
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


class BulkResult(list[str]):
    """db_ids of the jobs that changed, and what became of the others.

    Of a deletion it lists those that are gone.

    Attributes
    ----------
    matched
        How many jobs were chosen.
    unchanged
        db_ids of chosen jobs that were as wanted already.
    refused
        Chosen jobs that were left alone, and why.
    changes
        What changed, or would change, of each job.
    dependents
        Of these, the changes of jobs that were not chosen: they depend on a chosen one.
    postponed
        db_ids of jobs of which something still runs or has not been deleted, since it could not
        be reached: a runner will see to it.
    dry_run
        Whether nothing was written.
    """

    def __init__(self, matched: int = 0, *, dry_run: bool = False) -> None:
        super().__init__()
        self.matched = matched
        self.unchanged: list[str] = []
        self.refused: list[Refusal] = []
        self.changes: list[JobChange] = []
        self.dependents: list[JobChange] = []
        self.postponed: list[str] = []
        self.dry_run = dry_run

    def add(self, plan: FlowPlan, chosen: Collection[str], *, deletes: bool = False) -> None:
        """Take in what was done to a flow, of which these jobs (db_ids) were chosen."""
        self.changes += plan.changes
        self.dependents += (c for c in plan.changes if c.db_id not in chosen)
        self.extend(c.db_id for c in plan.changes if c.after is None or not deletes)
        self.unchanged += plan.unchanged
        self.refused += plan.refused
