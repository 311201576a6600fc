"""A pilot's decisions: how long it runs, which jobs it starts, when it ends. No files, no clock.

Times are seconds of the pilot's own monotonic clock. The clocks of two machines are compared only
where that is unavoidable: see `seconds_of_allocation`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.config.amounts import slurm_seconds

LONGEST_MARGIN, SHARE_OF_MARGIN, SHORTEST_MARGIN = 120.0, 0.05, 3.0
"""Seconds before the end of an allocation in which no job starts: a fraction of it, with bounds."""
AT_ONCE = 10.0
"""A job that ends without a result within this time (s) has failed at once."""
BRAKE_AFTER = 5
"""Number of consecutive jobs that fail at once after which a pilot pauses."""
FIRST_BRAKE, BRAKES = 10.0, 3
"""Seconds of the first pause, doubled each time, and the number of pauses before it ends."""

_END, _START = "SLURM_JOB_END_TIME", "SLURM_JOB_START_TIME"


def seconds_of_allocation(
    environment: Mapping[str, str], now: float, listed: str | None = None
) -> float | None:
    """Return the remaining time of the allocation.

    Parameters
    ----------
    environment
        Environment in which Slurm gives the start and end times, by its controller's clock.
    now
        Seconds since 1970, by the clock of this machine. If it lies outside the allocation, the
        clocks differ, and the full length is used.
    listed
        Output of ``squeue -o %L``, used if the environment does not give the times.

    Returns
    -------
    float or None
        Seconds; None if unknown or unlimited.
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
    # Below an hour, Slurm prints minutes and seconds.
    return float(slurm_seconds(text) or 0) if ":" in text or "-" in text else float(text)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def margin_of(total: float | None) -> float:
    """Return the seconds before the end of an allocation in which no job starts."""
    if total is None:
        return 0.0
    return max(SHORTEST_MARGIN, min(LONGEST_MARGIN, SHARE_OF_MARGIN * total))


@dataclass(frozen=True)
class Limits:
    """The limits of a pilot.

    Attributes
    ----------
    max_time
        Seconds after which no further job starts; None for no limit.
    max_wait
        Seconds without a job after which the pilot ends; 0 or None for no limit.
    max_jobs
        Maximum number of jobs to run in total; 0 or None for no limit.
    allocation
        Length of the allocation in seconds; None if unknown.
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
    """The progress of a pilot.

    Attributes
    ----------
    age
        Seconds since it started.
    begun
        Number of jobs that it has started.
    idle
        Seconds since it last ran a job; 0 while it is running one.
    signalled
        Whether it was asked to end.
    given_up
        Whether too many jobs failed at once on its node.
    """

    age: float = 0.0
    begun: int = 0
    idle: float = 0.0
    signalled: bool = False
    given_up: bool = False


def why_no_more(limits: Limits, standing: Standing) -> str:
    """Return why a pilot starts no further job; "" if it does."""
    left, margin = limits.seconds_left(standing.age), margin_of(limits.allocation)
    if standing.signalled:
        return "it was asked to end (SIGTERM)"
    if standing.given_up:
        return "its node fails all jobs at once"
    if limits.max_jobs and standing.begun >= limits.max_jobs:
        return f"it has started {standing.begun} jobs (max_jobs_per_batch)"
    if limits.max_time and standing.age >= limits.max_time:
        return f"it has run for {limits.max_time:g} s (max_time)"
    if left is not None and left <= margin:
        return f"its allocation ends in {left:.0f} s"
    if limits.max_wait and standing.idle >= limits.max_wait:
        return f"it had no job for {limits.max_wait:g} s (max_wait)"
    return ""


def never_fits(time_limit: float | None, limits: Limits) -> str:
    """Return why no pilot of this kind can finish a job; "" if one can."""
    total = limits.allocation
    if time_limit is None or total is None or time_limit <= total - margin_of(total):
        return ""
    return (
        f"the job asks for {time_limit:.0f} s, and a pilot of this worker lives for {total:.0f} s "
        f"(the last {margin_of(total):.0f} s are kept free)"
    )


def fits(time_limit: float | None, limits: Limits, age: float) -> bool:
    """Whether a job can end before the allocation does; a job without a limit may start."""
    left = limits.seconds_left(age)
    if time_limit is None or left is None:
        return True
    return time_limit <= left - margin_of(limits.allocation) / 2


@dataclass
class Brake:
    """Slows down a pilot on whose node jobs fail at once, so that other pilots get them.

    Attributes
    ----------
    failures
        Number of consecutive jobs that ended at once without a result.
    pauses
        Number of pauses since the last job that did not.
    until
        Time until which no job starts.
    """

    failures: int = 0
    pauses: int = 0
    until: float = field(default=0.0)

    def note(self, now: float, *, seconds: float, has_result: bool) -> None:
        """Note the end of a job, with the number of seconds that it ran."""
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
        """Whether the pilot is pausing now."""
        return now < self.until

    @property
    def has_given_up(self) -> bool:
        """Whether the pilot has paused too often."""
        return self.pauses > BRAKES
