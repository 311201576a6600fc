"""What a project keeps of the event log."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controller.config.base import StrictModel


class EventOptions(StrictModel):
    """What is kept of the event log.

    Attributes
    ----------
    enabled
        Whether events are written at all.
    max_age_days
        Events older than this number of days are removed.
    max_number
        If there are more events than this, the oldest are removed.
    """

    enabled: bool = True
    max_age_days: Annotated[float, Field(gt=0)] = 90
    max_number: Annotated[int, Field(ge=1000)] = 500_000
