"""Intervals of time zones, clock changes included."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.errors import ArgumentError
from controller.operations.intervals import INTERVALS, MAX_INTERVALS, last_intervals

NOON = datetime(2024, 5, 15, 12, 30)
ZONES = (
    "UTC",
    "Europe/Rome",
    "America/New_York",
    "America/Havana",  # clocks change at midnight
    "America/St_Johns",  # at one minute past midnight, in former years
    "America/Sao_Paulo",  # midnight was skipped, in former years
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",  # UTC+5:45
    "Pacific/Apia",  # left a day out
    "+05:30",
    "-0330",
)


@pytest.mark.parametrize(
    ("interval", "keys"),
    [
        ("hours", ["2024-05-15 11", "2024-05-15 12"]),
        ("days", ["2024-05-14", "2024-05-15"]),
        ("weeks", ["2024-19", "2024-20"]),
        ("months", ["2024-04", "2024-05"]),
        ("years", ["2023", "2024"]),
    ],
)
def test_keys(interval: str, keys: list[str]) -> None:
    spans = last_intervals(NOON, interval, 2)
    assert [span.key for span in spans] == keys
    assert spans[0].end == spans[1].start <= NOON
    assert spans[1].end is None


@pytest.mark.parametrize(("interval", "number"), INTERVALS.items())
def test_default_numbers(interval: str, number: int) -> None:
    assert len(last_intervals(NOON, interval)) == number


@pytest.mark.parametrize(
    ("now", "keys"),
    [
        (datetime(2021, 1, 3, 12), ["2020-52", "2020-53"]),  # a Sunday of the ISO year before
        (datetime(2021, 1, 4, 12), ["2020-53", "2021-01"]),
        (datetime(2024, 12, 30, 12), ["2024-52", "2025-01"]),  # a Monday of the ISO year after
    ],
)
def test_iso_weeks_around_new_year(now: datetime, keys: list[str]) -> None:
    assert [span.key for span in last_intervals(now, "weeks", 2)] == keys


def hours(now: datetime, number: int, zone: str) -> list[tuple[str, float | None]]:
    return [
        (s.key, None if s.end is None else (s.end - s.start).total_seconds() / 3600)
        for s in last_intervals(now, "hours", number, zone)
    ]


def test_days_of_23_and_25_hours() -> None:
    spring = last_intervals(datetime(2024, 4, 1, 12), "days", 2, "Europe/Rome")
    assert spring[0].key == "2024-03-31"
    assert spring[0].start == datetime(2024, 3, 30, 23)
    assert spring[1].start == datetime(2024, 3, 31, 22)
    autumn = last_intervals(datetime(2024, 10, 28, 12), "days", 2, "Europe/Rome")
    assert autumn[1].start - autumn[0].start == timedelta(hours=25)


def test_an_hour_that_clocks_repeat_is_two() -> None:
    assert hours(datetime(2024, 10, 27, 2, 10), 4, "Europe/Rome") == [
        ("2024-10-27 01", 1.0),
        ("2024-10-27 02", 1.0),
        ("2024-10-27 02 +01:00", 1.0),
        ("2024-10-27 03", None),
    ]


def test_an_hour_that_clocks_skip_is_none() -> None:
    keys = [key for key, _ in hours(datetime(2024, 3, 31, 1, 10), 2, "Europe/Rome")]
    assert keys == ["2024-03-31 01", "2024-03-31 03"]


def test_half_an_hour_more() -> None:
    assert hours(datetime(2024, 4, 6, 15, 45), 3, "Australia/Lord_Howe") == [
        ("2024-04-07 00", 1.0),
        ("2024-04-07 01", 1.5),
        ("2024-04-07 02", None),
    ]


def test_a_day_that_was_left_out() -> None:
    keys = [s.key for s in last_intervals(datetime(2011, 12, 31, 12), "days", 4, "Pacific/Apia")]
    assert keys == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"]


def test_a_day_without_midnight() -> None:
    span = last_intervals(datetime(2018, 11, 4, 12), "days", 1, "America/Sao_Paulo")[0]
    assert (span.key, span.start) == ("2018-11-04", datetime(2018, 11, 4, 3))


@given(
    now=st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2035, 1, 1)),
    interval=st.sampled_from(sorted(INTERVALS)),
    zone=st.sampled_from(ZONES),
)
def test_intervals_follow_one_another(now: datetime, interval: str, zone: str) -> None:
    spans = last_intervals(now, interval, 30, zone)
    assert len({span.key for span in spans}) == 30
    assert spans[-1].start <= now
    for before, after in pairwise(spans):
        assert before.start < after.start
        assert before.end == after.start


def test_the_zone_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Rome")
    time.tzset()
    try:
        for now in (datetime(2024, 4, 1, 12), datetime(2024, 10, 27, 2, 10)):
            for interval in INTERVALS:
                local = last_intervals(now, interval, 5, "local")
                assert local == last_intervals(now, interval, 5, "Europe/Rome")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("interval", sorted(INTERVALS))
@pytest.mark.parametrize("zone", ["UTC", "Europe/Rome", "local"])
def test_the_largest_number(interval: str, zone: str) -> None:
    assert len(last_intervals(NOON, interval, MAX_INTERVALS, zone)) == MAX_INTERVALS


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"interval": "day"}, "did you mean days"),
        ({"interval": "fortnights"}, "days, hours"),
        ({"number": 0}, "1 to 1000"),
        ({"number": 1001}, "1 to 1000"),
        ({"number": True}, "1 to 1000"),
        ({"number": 2.5}, "1 to 1000"),
        ({"zone": "Europe/Roma"}, "did you mean Europe/Rome"),
        ({"zone": "Europe"}, "time zone"),
        ({"zone": "../etc/passwd"}, "time zone"),
        ({"zone": ""}, "local"),
        ({"zone": "+25:00"}, "time zone"),
    ],
)
def test_refused(wrong: dict[str, object], hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        last_intervals(NOON, **wrong)  # type: ignore[arg-type]
