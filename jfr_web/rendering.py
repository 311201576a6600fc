"""Templates, and single values as HTML. Everything is escaped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from controller.documents import utc_now
from controller.safe_text import harmless, is_harmless
from controller.states import BatchState, FlowState, JobState
from controller.tables.formats import duration, exact_time, local_time, state_words, zone
from jfr_web.listing import tone_of

HERE = Path(__file__).parent
STATIC = HERE / "static"


@cache
def environment() -> Environment:
    """Return the environment of all templates."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        local=local_time,
        exact=exact_time,
        time=time_tag,
        duration=duration,
        ago=ago,
        state=state_tag,
        count=count,
    )
    made.globals.update(zone=zone, static=static_address)
    return made


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return a page."""
    return environment().get_template(template).render(context)


def _finalize(value: Any) -> Any:
    """Write nothing for None, and replace control and bidirectional characters."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup) and not is_harmless(value):
        return harmless(value, "\ufffd")
    return value


@cache
def static_address(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    content = (STATIC / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def time_tag(time: datetime | None, form: str = "%Y-%m-%d %H:%M") -> Markup:
    """Return a stored time in the time zone of this machine; a tooltip shows it in full.

    Parameters
    ----------
    time
        Naive UTC, or None.
    """
    if time is None:
        return Markup("")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        f"{time.isoformat(timespec='seconds')}Z", exact_time(time), local_time(time, form)
    )


def ago(time: datetime | float | None) -> str:
    """Return how long ago something happened, from a stored time or a number of seconds."""
    if time is None:
        return ""
    seconds = (utc_now() - time).total_seconds() if isinstance(time, datetime) else time
    seconds = max(0.0, seconds)
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def state_tag(
    state: JobState | FlowState | BatchState | str,
    number: int | None = None,
    *,
    retry: bool = False,
) -> Markup:
    """Return a state with its symbol and tone, optionally with a number."""
    if isinstance(state, str) and not isinstance(state, (JobState, FlowState, BatchState)):
        try:
            state = JobState(state)
        except ValueError:
            return escape(state)
    words = state_words(state, retrying=retry)
    sign, _, word = words.partition(" ")
    tail = "" if number is None else Markup(" <b>{}</b>").format(count(number))
    return Markup('<span class="st t-{}"><i aria-hidden="true">{}</i> {}{}</span>').format(
        tone_of(words), sign, word, tail
    )


def count(number: int) -> str:
    """Return a number with thin spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")
