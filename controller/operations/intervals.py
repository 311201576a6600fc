"""Hours, days, weeks, months and years of a time zone, as spans of UTC. Pure.

A database counts what lies between two instants; where a day begins, and that one of them has 23
hours, is decided here, so that every engine gives the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from controller.config.suggestions import nearest, no_such
from controller.errors import ArgumentError

INTERVALS: dict[str, int] = {"hours": 12, "days": 7, "weeks": 4, "months": 12, "years": 3}
"""{kind of interval: how many are shown by default}."""
MAX_INTERVALS = 1000
"""Most intervals that can be asked for at once."""

_INSTANT = timedelta(milliseconds=1)
"""What databases tell apart."""


@dataclass(frozen=True)
class Interval:
    """One hour, day, week, month or year.

    Attributes
    ----------
    key
        ``YYYY-MM-DD HH``, ``YYYY-MM-DD``, ``YYYY-WW`` (ISO year and week), ``YYYY-MM`` or
        ``YYYY``. The second pass of an hour that the clock repeats has its UTC offset added.
    start, end
        First instant, and first instant after it; naive, in UTC. The last one, which is still
        going on, has no end.
    """

    key: str
    start: datetime
    end: datetime | None


def last_intervals(
    now: datetime, interval: str = "days", number: int | None = None, zone: str = "UTC"
) -> list[Interval]:
    """Return the interval that holds an instant, and those before it, oldest first.

    Parameters
    ----------
    now
        Naive UTC.
    interval
        hours, days, weeks, months or years.
    number
        How many; None takes the default of `INTERVALS`.
    zone
        See `parse_zone`.

    Raises
    ------
    ArgumentError
        No such interval or time zone, or a number outside 1 to `MAX_INTERVALS`.
    """
    if interval not in INTERVALS:
        hint = no_such(str(interval), INTERVALS)
        raise ArgumentError(f"{interval!r} is not an interval", hint=hint)
    count = INTERVALS[interval] if number is None else number
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_INTERVALS:
        raise ArgumentError(
            f"the number of intervals cannot be {number!r}", hint=f"1 to {MAX_INTERVALS}"
        )
    tz = parse_zone(zone)
    start = _begin(now, interval, tz)
    found = [Interval(_key(start, interval, tz), start, None)]
    while len(found) < count:
        # What ends here began where its last instant's interval begins: right also where the
        # clock was changed, or where a day was left out.
        start, end = _begin(start - _INSTANT, interval, tz), start
        found.append(Interval(_key(start, interval, tz), start, end))
    return found[::-1]


def parse_zone(zone: str) -> tzinfo | None:
    """Turn the name of a time zone into the zone.

    Parameters
    ----------
    zone
        A name of the time zone database (``Europe/Rome``), an offset from UTC (``+02:00``), or
        ``local`` for the zone of this machine, which becomes None.

    Raises
    ------
    ArgumentError
        There is no such zone.
    """
    if zone == "local":
        return None
    if zone.upper() in ("UTC", "Z"):
        return UTC
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", zone)
    if offset:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if span < timedelta(days=1):
            return timezone(-span if offset[1] == "-" else span)
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(zone, available_timezones())
    raise ArgumentError(
        f"there is no time zone {zone!r}",
        hint=f"did you mean {near}?" if near else "for example Europe/Rome, +02:00 or local",
    )


def _wall(utc: datetime, tz: tzinfo | None) -> datetime:
    """What clocks show; naive, with ``fold`` in the second pass of an hour."""
    aware = utc.replace(tzinfo=UTC)
    if tz is None:
        return datetime.fromtimestamp(aware.timestamp())  # unlike astimezone, it knows the fold
    return aware.astimezone(tz).replace(tzinfo=None)


def _utc(wall: datetime, tz: tzinfo | None) -> datetime:
    """The instant at which clocks show a time; one that they skip is that of the change."""
    aware = wall if tz is None else wall.replace(tzinfo=tz)
    return aware.astimezone(UTC).replace(tzinfo=None)


_FLOORS: dict[str, Callable[[datetime], datetime]] = {
    "hours": lambda t: t,
    "days": lambda t: t.replace(hour=0, fold=0),
    "weeks": lambda t: t.replace(hour=0, fold=0) - timedelta(days=t.weekday()),
    "months": lambda t: t.replace(day=1, hour=0, fold=0),
    "years": lambda t: t.replace(month=1, day=1, hour=0, fold=0),
}


def _begin(utc: datetime, interval: str, tz: tzinfo | None) -> datetime:
    """First instant (naive UTC) of the interval that holds one."""
    wall = _wall(utc, tz).replace(minute=0, second=0, microsecond=0)
    return _utc(_FLOORS[interval](wall), tz)


def _key(start: datetime, interval: str, tz: tzinfo | None) -> str:
    wall = _wall(start, tz)
    if interval == "weeks":
        year, week, _ = wall.isocalendar()
        return f"{year:04}-{week:02}"
    shape = {"hours": "%Y-%m-%d %H", "days": "%Y-%m-%d", "months": "%Y-%m", "years": "%Y"}
    key = wall.strftime(shape[interval])
    if interval != "hours" or not wall.fold:
        return key
    aware = wall.astimezone() if tz is None else wall.replace(tzinfo=tz)
    return f"{key} {aware.isoformat()[-6:]}"
