"""The options and the result of every action on many jobs or flows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sized
from dataclasses import dataclass
from typing import Any, Protocol

from controller.errors import ArgumentError, TooManyError
from controller.rules.plans import FlowPlan, JobChange, Refusal

Progress = Callable[[int, int], None]
"""Called with (jobs processed, jobs in total)."""


@dataclass(frozen=True)
class Options:
    """Options of an action on many jobs.

    Attributes
    ----------
    wait
        Maximum time in seconds to wait for flows and jobs locked by other processes; None does not
        wait.
    break_lock
        Break the locks of other processes.
    raise_on_error
        Raise at the first refusal, before anything of its flow is written.
    dry_run
        Only plan; write nothing.
    progress
        Called to report the progress.
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
                hint="give a number of seconds, or None to not wait",
            )


def check_limit(limit: Any) -> None:
    """Raise if a limit for the number of jobs or flows is invalid."""
    if not isinstance(limit, int) or not _is_number(limit):
        raise ArgumentError(
            f"max_limit cannot be {limit!r}",
            hint="give a number of jobs or flows; 0 means no limit",
        )


def check_number(number: int, limit: int, noun: str) -> None:
    """Raise if a selection is larger than the limit; 0 means no limit.

    Raises
    ------
    TooManyError
        The selection is larger.
    """
    if limit and number > limit:
        raise TooManyError(
            f"{number} {noun}s are selected, more than the limit of {limit}: nothing was done",
            number=number,
            limit=limit,
            hint=f"raise the limit (max_limit, --max) to {number}; 0 means no limit",
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


class BulkResult(list[str]):
    """db_ids of the jobs that changed, and what happened to the others.

    For a deletion, the jobs that were deleted.

    Attributes
    ----------
    matched
        Number of selected jobs.
    unchanged
        db_ids of chosen jobs that needed no change.
    refused
        Chosen jobs that were not changed, and why.
    changes
        The change of each job, made or planned.
    dependents
        The changes among these of jobs that were not chosen: they depend on a chosen one.
    postponed
        db_ids of jobs whose process still runs or whose files or outputs still exist, because they
        could not be reached: a runner will clean up.
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
        """Add what was done to a flow, of which these jobs (db_ids) were chosen."""
        self.changes += plan.changes
        self.dependents += (c for c in plan.changes if c.db_id not in chosen)
        self.extend(c.db_id for c in plan.changes if c.after is None or not deletes)
        self.unchanged += plan.unchanged
        self.refused += plan.refused


class Result(Protocol):
    """The part of a result that tells the progress; of jobs and of flows."""

    @property
    def matched(self) -> int:
        """How many jobs or flows were chosen."""

    @property
    def unchanged(self) -> Sized:
        """Those that needed no change."""

    @property
    def refused(self) -> Sized:
        """Those that were refused."""

    def __len__(self) -> int:
        """Return the number of those that were changed."""


def report_progress(options: Options, result: Result) -> None:
    """Report how many of the chosen jobs or flows have been processed."""
    if options.progress is not None:
        # Jobs that were not chosen may have changed with them.
        done = len(result) + len(result.unchanged) + len(result.refused)
        options.progress(min(done, result.matched), result.matched)
