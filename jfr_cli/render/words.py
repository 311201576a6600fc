"""How single values look: states, times, durations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.states import BatchState, FlowState, JobState

if TYPE_CHECKING:
    from rich.text import Text

# A glyph beside every colour: the states can be told apart without seeing colours. The colours
# are those of Okabe and Ito, which colour-blind people tell apart, as far as 256 colours go; all
# can be read on black and on white.
_GREY, SKY, _BLUE, _PURPLE = "bright_black", "color(74)", "color(33)", "color(175)"
GREEN, VERMILION, ORANGE, ACTIVE = "color(36)", "bold color(202)", "color(214)", f"bold {_BLUE}"
"""Styles of what is well, what is not, what needs a look, and what is under way."""

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
RETRYING = (f"bold {ORANGE}", "↻")
"""Style and glyph of a job whose step waits to be tried again."""
GOOD, BAD = (GREEN, "✔"), (VERMILION, "✘")
"""Style and glyph of what is as it should be, and of what is not."""

SHORT_TIME = "%m-%d %H:%M"


def state_text(
    state: JobState | FlowState | BatchState, *, retrying: bool = False, short: bool = False
) -> Text:
    """Return a state with its glyph and colour.

    Parameters
    ----------
    retrying
        A step failed and waits to be tried again.
    short
        The state's short code, for the narrowest terminals.
    """
    from rich.text import Text

    style, glyph = RETRYING if retrying else _STYLES[state.value]
    word = state.value
    if short:
        word = state.short_value if isinstance(state, JobState) else word[:4]
    return Text(f"{glyph} {word}", style=style)


def verdict_text(ok: bool, good: str = "ok", bad: str = "FAIL") -> Text:
    """Return a word with the glyph and colour of what is, or is not, as it should be."""
    from rich.text import Text

    style, glyph = GOOD if ok else BAD
    return Text(f"{glyph} {good if ok else bad}", style=style)


def local_time(time: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a stored time in the time zone of this machine."""
    return "" if time is None else time.replace(tzinfo=UTC).astimezone().strftime(form)


def zone() -> str:
    """Name of the time zone of this machine."""
    return datetime.now().astimezone().tzname() or "local"


def duration(seconds: float | None) -> str:
    """Return a duration as h:mm:ss."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def cell_text(value: Any) -> Any:
    """Return a value as a cell of a table shows it."""
    from rich.text import Text

    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, (JobState, FlowState, BatchState)):
        return state_text(value)
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, (list, tuple)) and all(isinstance(v, (str, int)) for v in value):
        return Text(", ".join(str(v) for v in value))
    return Text(str(value))
