"""What a pilot decides, as tables."""

from __future__ import annotations

import pytest

from controller.execution import pilot
from controller.execution.pilot_rules import (
    BRAKES,
    FIRST_BRAKE,
    Brake,
    Limits,
    Standing,
    fits,
    margin_of,
    never_fits,
    seconds_of_allocation,
    why_no_more,
)
from controller.schedulers import start

SLURM = {"SLURM_JOB_START_TIME": "1000", "SLURM_JOB_END_TIME": "4600"}


@pytest.mark.parametrize(
    ("environment", "now", "listed", "seconds"),
    [
        (SLURM, 1000, None, 3600),
        (SLURM, 1600, None, 3000),
        (SLURM, 4600, None, 0),
        (SLURM, 1000 - 3600, None, 3600),  # a clock an hour behind
        (SLURM, 5000, None, 3600),  # one far ahead
        ({"SLURM_JOB_END_TIME": "4600"}, 4000, None, 600),
        ({"SLURM_JOB_END_TIME": "4600"}, 9000, None, 0),
        ({"SLURM_JOB_END_TIME": "soon"}, 0, "59:30", 59 * 60 + 30),
        ({}, 0, "0:07\n", 7),
        ({}, 0, "1:00:00", 3600),
        ({}, 0, "2-01:00:00", 2 * 86400 + 3600),
        ({}, 0, "UNLIMITED", None),
        ({}, 0, "INVALID", None),
        ({}, 0, "", None),
        ({}, 0, None, None),
        ({"PBS_WALLTIME": "1800"}, 0, None, 1800),
    ],
)
def test_how_long_an_allocation_lasts(
    environment: dict[str, str], now: float, listed: str | None, seconds: float | None
) -> None:
    assert seconds_of_allocation(environment, now, listed) == seconds


@pytest.mark.parametrize(
    ("limits", "standing", "why"),
    [
        (Limits(), Standing(), ""),
        (Limits(), Standing(idle=59), ""),
        (Limits(), Standing(idle=60), "it had no job for 60 s"),
        (Limits(max_wait=0), Standing(idle=1e9), ""),
        (Limits(max_wait=None), Standing(idle=1e9), ""),
        (Limits(max_jobs=3), Standing(begun=2), ""),
        (Limits(max_jobs=3), Standing(begun=3), "it has started 3 jobs"),
        (Limits(max_jobs=0), Standing(begun=3), ""),
        (Limits(max_time=100), Standing(age=99), ""),
        (Limits(max_time=100), Standing(age=100), "it has run for 100 s"),
        (Limits(allocation=3600), Standing(age=3400), ""),
        (Limits(allocation=3600), Standing(age=3500), "its allocation ends in 100 s"),
        (Limits(allocation=60), Standing(age=50), ""),
        (Limits(allocation=60), Standing(age=58), "its allocation ends in 2 s"),
        (Limits(max_jobs=1), Standing(begun=1, signalled=True), "it was asked to end"),
        (Limits(), Standing(given_up=True), "its node fails all jobs"),
    ],
)
def test_why_a_pilot_begins_no_more_jobs(limits: Limits, standing: Standing, why: str) -> None:
    found = why_no_more(limits, standing)
    assert found.startswith(why)
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    ("time_limit", "allocation", "age", "fresh", "ever"),
    [
        (None, 60, 59, True, True),
        (3600, None, 0, True, True),
        (1800, 3600, 0, True, True),
        (1800, 3600, 2000, False, True),
        (3480, 3600, 0, True, True),  # all but the margin
        (3481, 3600, 0, True, False),
        (7200, 3600, 0, False, False),
    ],
)
def test_which_jobs_fit(
    time_limit: float | None, allocation: float | None, age: float, fresh: bool, ever: bool
) -> None:
    limits = Limits(allocation=allocation)
    assert fits(time_limit, limits, age) == fresh
    assert (never_fits(time_limit, limits) == "") == ever
    if ever and allocation is not None:
        assert fits(time_limit, limits, 0), "a new pilot can run it"


def test_the_margin_is_a_share_within_bounds() -> None:
    assert [margin_of(t) for t in (None, 10, 600, 3600, 86400)] == [0, 3, 30, 120, 120]


def test_a_node_that_fails_everything_at_once_is_given_up() -> None:
    brake, now = Brake(), 0.0
    for _ in range(4):
        brake.note(now, seconds=0.1, has_result=False)
    assert not brake.holds(now)
    brake.note(now, seconds=0.1, has_result=False)
    assert brake.holds(now)
    assert brake.holds(now + FIRST_BRAKE - 0.1)
    assert not brake.holds(now + FIRST_BRAKE)
    for number in range(1, BRAKES + 1):
        now = brake.until
        assert not brake.has_given_up
        brake.note(now, seconds=0.1, has_result=False)
        assert brake.until == now + FIRST_BRAKE * 2**number
    assert brake.has_given_up


@pytest.mark.parametrize(("seconds", "has_result"), [(0.1, True), (60.0, False)])
def test_a_job_that_runs_ends_the_brake(seconds: float, has_result: bool) -> None:
    brake = Brake(failures=4, pauses=2)
    brake.note(0.0, seconds=seconds, has_result=has_result)
    assert (brake.failures, brake.pauses) == (0, 0)


def test_names_are_those_of_the_script() -> None:
    assert (pilot.STARTED, pilot.WITHDRAWN) == (start.STARTED, start.WITHDRAWN)
