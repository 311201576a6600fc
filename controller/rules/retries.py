"""Whether, when and with which resources a job runs again after a failure; pure.

Rules come in the order job, exec_config, worker, default; the first that fits decides. A rule that
cannot be followed (no resource grows, all are at their limit) does not retry blindly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from controller.config.retries import DEFAULT_RETRIES, LONGEST_DELAY, RetryRule
from controller.rules.growth import Grown, exclude_node, grow
from controller.states import Cause

_SEARCHED = 20_000
"""Number of characters of an error in which expressions are searched."""


@dataclass(frozen=True)
class AttemptEnd:
    """The facts about an attempt that ended.

    Attributes
    ----------
    cause, error
        The cause, and the text of the error.
    now
        Time of the end, naive UTC.
    earlier
        The previous attempts, as stored in documents, the oldest first.
    resources
        Resources that were requested; see `controller.rules.growth`.
    scheduler
        Name of the worker's scheduler.
    node
        Node on which it ran; None if unknown.
    """

    cause: Cause
    error: str
    now: datetime
    earlier: Sequence[Mapping[str, Any]] = ()
    resources: Mapping[str, Any] = field(default_factory=dict)
    scheduler: str = ""
    node: str | None = None


@dataclass(frozen=True)
class PlannedRetry:
    """A further attempt.

    Attributes
    ----------
    number, limit
        It is retry ``number`` of ``limit`` by this rule.
    at
        Earliest start, naive UTC.
    rule
        Label of the rule.
    resources
        Resources to request then; None for the same as before.
    changes
        The changed settings, as text.
    keeps_files
        Whether the files in the run directory are kept.
    """

    number: int
    limit: int
    at: datetime
    rule: str
    resources: Mapping[str, Any] | None = None
    changes: tuple[str, ...] = ()
    keeps_files: bool = False

    def as_stored(self) -> dict[str, Any]:
        """Return it as recorded in the attempt that ended."""
        return {
            "number": self.number,
            "limit": self.limit,
            "at": self.at,
            "rule": self.rule,
            "changes": list(self.changes),
        }


@dataclass(frozen=True)
class NoRetry:
    """No retry. ``reason`` says why if a rule applies; empty if none does."""

    reason: str = ""


def plan_retry_after(
    end: AttemptEnd, rules: Iterable[RetryRule], *, chance: float = 0.0
) -> PlannedRetry | NoRetry:
    """Decide whether the job is retried.

    Parameters
    ----------
    rules
        Rules of users, the most specific first; `DEFAULT_RETRIES` follow them.
    chance
        Random number between -1 and 1: the fraction of the jitter that is added to the delay.
    """
    rule = next((r for r in (*rules, *DEFAULT_RETRIES) if _fits(r, end)), None)
    if rule is None or rule.times == 0:
        return NoRetry()
    number = retries_in_a_row(end.earlier, rule.label) + 1
    if number > rule.times:
        return NoRetry(f"it was retried {rule.times} {'time' if rule.times == 1 else 'times'}")
    resources, changes, problem = _next_resources(rule, end)
    if problem:
        return NoRetry(problem)
    return PlannedRetry(
        number=number,
        limit=rule.times,
        at=end.now + timedelta(seconds=delay_before(rule, number, chance)),
        rule=rule.label,
        resources=resources if changes else None,
        changes=changes,
        keeps_files=rule.keep_files,
    )


def delay_before(rule: RetryRule, number: int, chance: float = 0.0) -> float:
    """Seconds before retry ``number``, which is at least 1; see `plan_retry_after`."""
    # Beyond the maximum delay, a power would only overflow.
    power = min(number - 1, 700)
    try:
        grown = rule.delay * rule.delay_growth**power
    except OverflowError:
        grown = LONGEST_DELAY
    longest = max(rule.delay, rule.delay_max)
    return min(min(grown, longest) * (1 + rule.jitter * chance), LONGEST_DELAY)


def retries_in_a_row(attempts: Sequence[Mapping[str, Any]], label: str) -> int:
    """Count the retries by a rule since a user last reran the job."""
    for attempt in reversed(attempts):
        retry = attempt.get("retry")
        if not retry:
            return 0
        if retry.get("rule") == label:
            return int(retry.get("number") or 0)
    return 0


def _fits(rule: RetryRule, end: AttemptEnd) -> bool:
    if rule.causes and end.cause not in rule.causes:
        return False
    if rule.match is None:
        return True
    half = _SEARCHED // 2
    text = end.error if len(end.error) <= _SEARCHED else f"{end.error[:half]}\n{end.error[-half:]}"
    return re.search(rule.match, text, re.MULTILINE) is not None


def _next_resources(
    rule: RetryRule, end: AttemptEnd
) -> tuple[Mapping[str, Any], tuple[str, ...], str]:
    """Return (resources, changes, why they cannot be used, or "")."""
    grown, grew, at_limit = Grown(end.resources), False, False
    factors = {"time": rule.grow.time, "mem": rule.grow.mem} if rule.grow else {}
    for what, factor in factors.items():
        if factor is None:
            continue
        limit = getattr(rule.grow_max, what) if rule.grow_max else None
        further = grow(grown.resources, what, factor, limit)
        grew, at_limit = grew or bool(further.changes), at_limit or further.at_limit
        grown = Grown(further.resources, (*grown.changes, *further.changes))
    if rule.grow and any(factors.values()) and not grew:
        names = " and ".join(what for what, factor in factors.items() if factor)
        if at_limit:
            return grown.resources, (), f"its {names} cannot grow beyond grow_max"
        return grown.resources, (), f"its resources set no {names} that could grow"
    if rule.exclude:
        off = exclude_node(grown.resources, end.node, end.scheduler)
        grown = Grown(off.resources, (*grown.changes, *off.changes))
    return grown.resources, grown.changes, ""
