"""How single values look: states, times, durations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.states import BatchState, FlowState, JobState

if TYPE_CHECKING:
    from rich.text import Text

# A glyph beside every colour: the states can be told apart without seeing colours. The colours
# are those that red-green and blue-yellow blindness leave distinct: blue, orange, and grey levels.
_STYLES: dict[str, tuple[str, str]] = {
    "WAITING": ("dim", "·"),
    "READY": ("cyan", "○"),
    "CHECKED_OUT": ("blue", "◔"),
    "UPLOADED": ("blue", "◔"),
    "SUBMITTED": ("blue", "◑"),
    "RUNNING": ("bold blue", "▶"),
    "RUN_FINISHED": ("blue", "◕"),
    "DOWNLOADED": ("blue", "◕"),
    "BATCH_SUBMITTED": ("blue", "◑"),
    "BATCH_RUNNING": ("bold blue", "▶"),
    "COMPLETED": ("green", "✔"),
    "FAILED": ("bold red", "✘"),
    "REMOTE_ERROR": ("bold red", "!"),
    "PAUSED": ("yellow", "‖"),
    "STOPPED": ("magenta", "■"),
    "USER_STOPPED": ("magenta", "■"),
    "FINISHED": ("green", "✔"),
}
RETRYING = ("bold dark_orange", "↻")
"""Style and glyph of a job whose step waits to be tried again."""

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
    word = state.short_value if short and isinstance(state, JobState) else state.value
    return Text(f"{glyph} {word}", style=style)


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
