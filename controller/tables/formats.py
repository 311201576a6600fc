"""Formats of single values: states, times, durations."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from controller.states import BatchState, FlowState, JobState

if TYPE_CHECKING:
    from typing import Self

# Every colour has a glyph, so that states can be distinguished without colours. The colours are
# those of Okabe and Ito for colour-blind readers, as far as 256 colours allow; all are readable on
# black and on white.
_GREY, SKY, _BLUE, _PURPLE = "bright_black", "color(74)", "color(33)", "color(175)"
GREEN, VERMILION, ORANGE, ACTIVE = "color(36)", "bold color(202)", "color(214)", f"bold {_BLUE}"
"""Styles of success, failure, attention and progress."""

_STYLES: dict[str, tuple[str, str]] = {
    "WAITING": (_GREY, "·"),
    "READY": (SKY, "○"),
    "CHECKED_OUT": (_BLUE, "◔"),
    "UPLOADED": (_BLUE, "◔"),
    "SUBMITTED": (_BLUE, "◑"),
    "RUNNING": (ACTIVE, "▶"),
    "RUN_FINISHED": (_BLUE, "◕"),
    "DOWNLOADED": (_BLUE, "◕"),
    "BATCH_SUBMITTED": (_BLUE, "◑"),
    "BATCH_RUNNING": (ACTIVE, "▶"),
    "COMPLETED": (GREEN, "✔"),
    "FAILED": (VERMILION, "✘"),
    "REMOTE_ERROR": (VERMILION, "!"),
    "PAUSED": (_PURPLE, "‖"),
    "STOPPED": (_PURPLE, "■"),
    "USER_STOPPED": (_PURPLE, "■"),
    "FINISHED": (GREEN, "✔"),
}
TONES: dict[str, str] = {
    _GREY: "idle",
    SKY: "ready",
    _BLUE: "busy",
    ACTIVE: "active",
    _PURPLE: "held",
    GREEN: "good",
    VERMILION: "bad",
    ORANGE: "warn",
    f"bold {ORANGE}": "warn",
}
"""{style: what it means}, for faces with colours of their own."""
RETRYING = (f"bold {ORANGE}", "↻")
"""Style and glyph of a job whose step waits to be retried."""
GOOD, BAD = (GREEN, "✔"), (VERMILION, "✘")
"""Style and glyph of something that is right, and of something that is wrong."""

_UTC = ("Etc/UTC", "UTC", "Etc/UCT", "UCT", "Etc/Universal", "Universal", "Etc/Zulu", "Zulu")
SHORT_TIME = "%m-%d %H:%M"


class Words(str):
    """A text with a style: a cell of a table, which needs Rich only on a terminal.

    Attributes
    ----------
    style
        A Rich style, or "".
    """

    __slots__ = ("style",)
    style: str

    def __new__(cls, text: str, style: str = "") -> Self:
        """Make a text with a style."""
        made = super().__new__(cls, text)
        made.style = style
        return made


def state_words(
    state: JobState | FlowState | BatchState, *, retrying: bool = False, short: bool = False
) -> Words:
    """Return a state with its glyph and colour.

    Parameters
    ----------
    retrying
        A step failed and waits to be retried.
    short
        Use the state's short code, for the narrowest terminals.
    """
    style, glyph = RETRYING if retrying else _STYLES[state.value]
    word = state.value
    if short:
        word = state.short_value if isinstance(state, JobState) else word[:4]
    return Words(f"{glyph} {word}", style)


def verdict_words(ok: bool, good: str = "ok", bad: str = "FAIL") -> Words:
    """Return a word with the glyph and colour of right or wrong."""
    style, glyph = GOOD if ok else BAD
    return Words(f"{glyph} {good if ok else bad}", style)


def local_time(time: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a stored time in the time zone of this machine.

    If a clock change repeats the hour, the text says which of the two is meant.
    """
    if time is None:
        return ""
    local = time.replace(tzinfo=UTC).astimezone()
    repeated = _is_repeated(local.replace(tzinfo=None, minute=local.minute // 15 * 15, second=0))
    return local.strftime(f"{form} %Z" if repeated else form)


def exact_time(time: datetime | None) -> str:
    """Return a stored time with seconds, in this machine's time zone with its name at that time."""
    if time is None:
        return ""
    return time.replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


@lru_cache(maxsize=4096)
def _is_repeated(quarter: datetime) -> bool:
    """Whether a clock change repeats a local time, as at the end of summer time."""
    first, second = (quarter.replace(microsecond=0, fold=fold).astimezone() for fold in (0, 1))
    return first.utcoffset() != second.utcoffset()


def zone() -> str:
    """Name of the time zone of this machine, for headings: valid in summer and in winter."""
    return zone_name() or "local"


def zone_name() -> str | None:
    """Name of this machine's time zone in the time zone database; None where unknown."""
    from zoneinfo import ZoneInfo

    found = os.environ.get("TZ", "").lstrip(":") or os.path.realpath("/etc/localtime")
    name = found.partition("zoneinfo/")[2] or found
    try:
        key = ZoneInfo(name).key
    except (KeyError, ValueError, OSError):  # no such zone, an invalid name, or a folder
        return None
    return "UTC" if key in _UTC else key


def duration(seconds: float | None) -> str:
    """Return a duration as h:mm:ss."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def cell_text(value: Any) -> str:
    """Return a value as a cell of a table shows it."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, (JobState, FlowState, BatchState)):
        return state_words(value)
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, (list, tuple)) and all(isinstance(v, (str, int)) for v in value):
        return ", ".join(f"{v}" for v in value)
    return f"{value}"
