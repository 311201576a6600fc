"""Force writes to the disk while something else goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from controller.storage.base import unsynced


@contextmanager
def synced_behind(collection: Any) -> Iterator[Callable[[], None]]:
    """Begin to force the writes of this thread in the block to the disk when the block ends.

    Gives a function that waits until they are there: nothing that must not survive a power cut
    without them may be committed before. What an engine does not distinguish is there at once.

    Parameters
    ----------
    collection
        One of the database.

    Raises
    ------
    StorageUnavailableError
        By that function: the disk fails.
    """
    force = getattr(type(collection), "force", None)
    if force is None:
        yield lambda: None
        return
    task = _Task(partial(force, collection))
    with unsynced(collection):
        yield task.wait
    task.begin()


class _Task:
    """Something that is done in a thread of its own.

    Parameters
    ----------
    action
        What is done.
    """

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def begin(self) -> None:
        self._thread = threading.Thread(target=self._do, name="jfr-sync", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _do(self) -> None:
        try:
            self._action()
        except BaseException as error:  # noqa: BLE001 (it is for the one who waits)
            self._error = error
