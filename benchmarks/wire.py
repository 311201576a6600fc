"""What goes over MongoDB's wire: give a `Listener` to the client as one of its event_listeners."""

from __future__ import annotations

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

_OWN = ("hello", "ping", "endSessions")


class Listener(CommandListener):
    """Notes the commands of a client, and how many documents the largest answer held."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was noted."""
        self.names: list[str] = []
        self.largest = 0

    def started(self, event: CommandStartedEvent) -> None:
        """Note a command, unless it is the connection's own."""
        if event.command_name not in _OWN:
            self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Note the size of an answer."""
        cursor = event.reply.get("cursor") or {}
        batch = cursor.get("firstBatch") or cursor.get("nextBatch") or ()
        self.largest = max(self.largest, len(batch))

    def failed(self, event: CommandFailedEvent) -> None:
        """Count it like any other: it was started."""
