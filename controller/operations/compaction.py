"""Release the disk space of deleted and archived jobs."""

from __future__ import annotations

from dataclasses import dataclass

from controller.errors import RunningRunnerError, UnsupportedOperationError
from controller.operations.event_packing import pack_oldest
from controller.operations.queue import Queue
from controller.operations.runner_record import live_runner

BYTES_PER_SECOND = 20_000_000
"""Bytes per second at which a file is rewritten on a slow disk."""
LONGEST_BESIDE_RUNNER = 10.0
"""Maximum wait for a runner's writes, in seconds: they fail after 30."""
_FEWEST_EVENTS = 20
"""Events that are packed, which a runner would leave until there are more."""
SMALL = 16_000_000
"""Bytes in use of a database that an idle runner compacts."""
_LITTLE = 1_000_000
"""Bytes of a file that is not worth the trouble."""
_MUCH = 0.3
"""Share of the file that is unused."""


@dataclass(frozen=True)
class Compaction:
    """The result of compacting a database, done or planned.

    Attributes
    ----------
    before, after
        Bytes on the disk; None if the database cannot tell.
    """

    before: int | None
    after: int | None

    @property
    def freed(self) -> int | None:
        """Number of bytes released."""
        if self.before is None or self.after is None:
            return None
        return max(0, self.before - self.after)


def compact(queue: Queue, *, dry_run: bool = False) -> Compaction:
    """Compact the database of a queue.

    Parameters
    ----------
    dry_run
        Only report how much space would be released.

    Raises
    ------
    RunningRunnerError
        A runner is active, and would have to wait too long.
    StorageError
        There is no room for a second copy.
    """
    database = queue.database
    space = database.space()
    before = None if space is None else space.size
    if dry_run:
        return Compaction(before, None if space is None else space.size - space.unused)
    runner = live_runner(queue)
    # On engines where writers wait for each other.
    if runner is not None and space is not None and database.transactions_never_conflict:
        seconds = space.size / BYTES_PER_SECOND
        if seconds > LONGEST_BESIDE_RUNNER:
            raise RunningRunnerError(
                f"compacting {space.size >> 20} MB may take {seconds:.0f} s, in which the active "
                f"runner (process {runner.get('pid')} on {runner.get('hostname')}) cannot write",
                runner=runner,
                hint="stop it first: jf runner stop",
            )
    while pack_oldest(database, queue.events.collection, fewest=_FEWEST_EVENTS):
        pass
    try:
        database.compact(_names(queue))
    except UnsupportedOperationError:
        return Compaction(before, before)
    space = database.space()
    return Compaction(before, None if space is None else space.size)


def compact_if_small(queue: Queue) -> bool:
    """Compact a small database of which a large part is unused; whether that was done.

    For an idle runner: it takes some tenths of a second. In a larger one, the next jobs use the
    space that events leave when they are packed.

    Raises
    ------
    StorageError
        There is no room for a second copy.
    """
    space = queue.database.space()
    if space is None:
        return False
    size = space.size - space.log
    if not _LITTLE <= size <= SMALL + space.unused or space.unused < _MUCH * size:
        return False
    queue.database.compact(_names(queue))
    return True


def _names(queue: Queue) -> list[str]:
    return [queue.jobs.name, queue.flows.name, queue.archive.name, queue.events.collection.name]
