"""Events, and the history of a job."""

from controller.tables.events import EVENTS, HISTORY, event_line

__all__ = ["EVENTS", "HISTORY", "event_line"]
