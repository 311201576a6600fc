"""What a pilot decides: how long it lives, which jobs it begins, when it ends. No files, no clock.

Times are seconds of the pilot's own monotonic clock. The clocks of two machines are never compared
where it can be helped: see `seconds_of_allocation`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.config.amounts import slurm_seconds

LONGEST_MARGIN, SHARE_OF_MARGIN, SHORTEST_MARGIN = 120.0, 0.05, 3.0
"""Seconds before the end of an allocation in which no job begins: a share of it, within bounds."""
AT_ONCE = 10.0
"""Seconds within which a job that ends without a result has failed at once."""
BRAKE_AFTER = 5
"""Jobs that fail at once, one after the other, after which a pilot pauses."""
FIRST_BRAKE, BRAKES = 10.0, 3
"""Seconds of the first pause, doubled each time, and the number of pauses before it ends."""

_END, _START = "SLURM_JOB_END_TIME", "SLURM_JOB_START_TIME"


def seconds_of_allocation(
    environment: Mapping[str, str], now: float, listed: str | None = None
) -> float | None:
    """Return for how long the allocation lasts from now on.

    Parameters
    ----------
    environment
        Slurm writes the times of start and end into it, by the clock of its controller.
    now
        Seconds since 1970, by the clock of this machine. Where it lies outside the allocation, the
        clocks differ, and the whole length counts.
    listed
        What ``squeue -o %L`` says, where the environment says nothing.

    Returns
    -------
    float or None
        Seconds; None if unknown, or without a limit.
    """
    start, end = (_number(environment.get(name)) for name in (_START, _END))
    if end is not None:
        if start is None:
            return max(0.0, end - now)
        return max(0.0, end - now) if start <= now <= end else end - start
    seconds = _number(environment.get("PBS_WALLTIME"))
    if seconds is not None:
        return seconds
    found = re.fullmatch(r"(\d+-)?\d+(:\d+)*", (listed or "").strip())
    if found is None:
        return None
    text = found[0]
    # Below an hour Slurm lists minutes and seconds.
    return float(slurm_seconds(text) or 0) if ":" in text or "-" in text else float(text)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def margin_of(total: float | None) -> float:
    """Return the seconds before the end of an allocation in which no job begins."""
    if total is None:
        return 0.0
    return max(SHORTEST_MARGIN, min(LONGEST_MARGIN, SHARE_OF_MARGIN * total))


@dataclass(frozen=True)
class Limits:
    """What ends a pilot.

    Attributes
    ----------
    max_time
        Seconds after which no further job begins; None for no limit.
    max_wait
        Seconds without a job after which it ends; 0 or None for no limit.
    max_jobs
        Jobs to run in all; 0 or None for any number.
    allocation
        Seconds that the queue gives it; None if unknown.
    """

    max_time: float | None = None
    max_wait: float | None = 60.0
    max_jobs: int | None = None
    allocation: float | None = None

    def seconds_left(self, age: float) -> float | None:
        """Return the seconds until the allocation ends."""
        return None if self.allocation is None else max(0.0, self.allocation - age)


@dataclass(frozen=True)
class Standing:
    """How far a pilot is.

    Attributes
    ----------
    age
        Seconds since it began.
    begun
        Jobs that it has begun.
    idle
        Seconds since it last ran a job; 0 while it runs one.
    signalled
        Whether it was asked to end.
    given_up
        Whether its node failed too many jobs at once.
    """

    age: float = 0.0
    begun: int = 0
    idle: float = 0.0
    signalled: bool = False
    given_up: bool = False


def why_no_more(limits: Limits, standing: Standing) -> str:
    """Return why a pilot begins no further job; "" if it does."""
    left, margin = limits.seconds_left(standing.age), margin_of(limits.allocation)
    if standing.signalled:
        return "it was asked to end (SIGTERM)"
    if standing.given_up:
        return "its node fails all jobs at once"
    if limits.max_jobs and standing.begun >= limits.max_jobs:
        return f"it has begun {standing.begun} jobs (max_jobs_per_batch)"
    if limits.max_time and standing.age >= limits.max_time:
        return f"{limits.max_time:g} s are over (max_time)"
    if left is not None and left <= margin:
        return f"its allocation ends in {left:.0f} s"
    if limits.max_wait and standing.idle >= limits.max_wait:
        return f"no job came for {limits.max_wait:g} s (max_wait)"
    return ""


def never_fits(time_limit: float | None, limits: Limits) -> str:
    """Return why no pilot of this kind can run a job to its end; "" if one can."""
    total = limits.allocation
    if time_limit is None or total is None or time_limit <= total - margin_of(total):
        return ""
    return (
        f"the job asks for {time_limit:.0f} s, and a pilot of this worker lives for {total:.0f} s "
        f"(the last {margin_of(total):.0f} s are kept free)"
    )


def fits(time_limit: float | None, limits: Limits, age: float) -> bool:
    """Whether a job can end before the allocation does; one without a limit may."""
    left = limits.seconds_left(age)
    if time_limit is None or left is None:
        return True
    return time_limit <= left - margin_of(limits.allocation) / 2


@dataclass
class Brake:
    """Slows a pilot down whose node fails all jobs at once, so that others get them.

    Attributes
    ----------
    failures
        Jobs in a row that ended at once and without a result.
    pauses
        Pauses made since the last job that did not.
    until
        Time until which no job begins.
    """

    failures: int = 0
    pauses: int = 0
    until: float = field(default=0.0)

    def note(self, now: float, *, seconds: float, has_result: bool) -> None:
        """Note the end of a job, which ran for so many seconds."""
        if has_result or seconds > AT_ONCE:
            self.failures = self.pauses = 0
            return
        self.failures += 1
        # After a pause, one more is enough.
        if self.failures >= BRAKE_AFTER or (self.pauses and self.failures):
            self.until = now + FIRST_BRAKE * 2**self.pauses
            self.pauses += 1
            self.failures = 0

    def holds(self, now: float) -> bool:
        """Whether no job is to begin now."""
        return now < self.until

    @property
    def has_given_up(self) -> bool:
        """Whether there were too many pauses."""
        return self.pauses > BRAKES
