"""Hours, days, weeks, months and years of a time zone, as spans of UTC. Pure.

A database counts what lies between two instants; where a day begins, and that one of them has 23
hours, is decided here, so that every engine gives the same result.
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
"""Maximum number of intervals per request."""

_INSTANT = timedelta(milliseconds=1)
"""The resolution of databases."""


@dataclass(frozen=True)
class Interval:
    """One hour, day, week, month or year.

    Attributes
    ----------
    key
        ``YYYY-MM-DD HH``, ``YYYY-MM-DD``, ``YYYY-WW`` (ISO year and week), ``YYYY-MM`` or
        ``YYYY``. If the clock repeats an hour, the second one has its UTC offset added.
    start, end
        First instant, and first instant after it; naive, in UTC. The current interval has no end.
    """

    key: str
    start: datetime
    end: datetime | None


def last_intervals(
    now: datetime, interval: str = "days", number: int | None = None, zone: str = "UTC"
) -> list[Interval]:
    """Return the interval that contains an instant, and those before it, oldest first.

    Parameters
    ----------
    now
        Naive UTC.
    interval
        hours, days, weeks, months or years.
    number
        Number of intervals; None for the default in `INTERVALS`.
    zone
        See `parse_zone`.

    Raises
    ------
    ArgumentError
        Unknown interval or time zone, or a number outside 1 to `MAX_INTERVALS`.
    """
    if interval not in INTERVALS:
        hint = no_such(str(interval), INTERVALS)
        raise ArgumentError(f"{interval!r} is not an interval", hint=hint)
    count = INTERVALS[interval] if number is None else number
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_INTERVALS:
        raise ArgumentError(
            f"the number of intervals cannot be {number!r}", hint=f"choose 1 to {MAX_INTERVALS}"
        )
    tz = parse_zone(zone)
    start = _begin(now, interval, tz)
    found = [Interval(_key(start, interval, tz), start, None)]
    while len(found) < count:
        # The interval that ends here began where the interval of its last instant begins; this also
        # holds where the clock was changed, or where a day was skipped.
        start, end = _begin(start - _INSTANT, interval, tz), start
        found.append(Interval(_key(start, interval, tz), start, end))
    return found[::-1]


def parse_zone(zone: str) -> tzinfo | None:
    """Return the time zone of a name.

    Parameters
    ----------
    zone
        A name in the time zone database (``Europe/Rome``), an offset from UTC (``+02:00``), or
        ``local`` for the zone of this machine, for which None is returned.

    Raises
    ------
    ArgumentError
        Unknown time zone.
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
    """Return the local time, naive, with ``fold`` if a repeated hour passes the second time."""
    aware = utc.replace(tzinfo=UTC)
    if tz is None:
        return datetime.fromtimestamp(aware.timestamp())  # unlike astimezone, it respects the fold
    return aware.astimezone(tz).replace(tzinfo=None)


def _utc(wall: datetime, tz: tzinfo | None) -> datetime:
    """Return the instant of a local time; for a skipped one, that of the clock change."""
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
    """First instant (naive UTC) of the interval that contains an instant."""
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
