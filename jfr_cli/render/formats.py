"""Formats of single values, as `controller.tables.formats` writes them and as Rich draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.states import BatchState, FlowState, JobState
from controller.tables.formats import (
    ACTIVE,
    BAD,
    GOOD,
    GREEN,
    ORANGE,
    RETRYING,
    SHORT_TIME,
    SKY,
    VERMILION,
    Words,
    cell_text,
    duration,
    exact_time,
    local_time,
    state_words,
    verdict_words,
    zone,
    zone_name,
)

if TYPE_CHECKING:
    from rich.text import Text

__all__ = [
    "ACTIVE",
    "BAD",
    "GOOD",
    "GREEN",
    "ORANGE",
    "RETRYING",
    "SHORT_TIME",
    "SKY",
    "VERMILION",
    "Words",
    "cell_text",
    "drawn_text",
    "duration",
    "exact_time",
    "local_time",
    "state_text",
    "state_words",
    "verdict_words",
    "zone",
    "zone_name",
]


def drawn_text(cell: str) -> Text:
    """Return a text for Rich: literally, with its style if it is `Words`."""
    from rich.text import Text

    return Text(cell, style=cell.style if isinstance(cell, Words) else "")


def state_text(state: JobState | FlowState | BatchState, *, retrying: bool = False) -> Text:
    """Return a state as part of a picture; parameters as of `state_words`."""
    return drawn_text(state_words(state, retrying=retrying))
