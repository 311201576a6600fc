"""How far long work is: a bar on standard error, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from controller.errors import ControllerError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Report = Callable[[int, int], None]
"""Called with (dealt with, in total)."""

WORTH_A_BAR = 50
"""Less than this is done before a bar could be read."""


@contextmanager
def progress_bar(what: str) -> Iterator[Report]:
    """Show a bar while the block runs, on a terminal; gives what to call.

    Parameters
    ----------
    what
        What is done, as in "pausing jobs".

    Raises
    ------
    KeyboardInterrupt, ControllerError
        What ended the work early; its text says how far it had come.
    """
    dealt_with = (0, 0)
    show = _bar(what) if sys.stderr.isatty() else None

    def report(done: int, total: int) -> None:
        nonlocal dealt_with
        dealt_with = (done, total)
        if show is not None:
            show.update(done, total)

    try:
        yield report
    except KeyboardInterrupt:
        if not dealt_with[1]:
            raise
        raise KeyboardInterrupt(_how_far(f"interrupted ({what})", *dealt_with)) from None
    except ControllerError as error:
        if dealt_with[0]:
            error.message = _how_far(error.message, *dealt_with)
        raise
    finally:
        if show is not None:
            show.stop()


def _how_far(text: str, done: int, total: int) -> str:
    return f"{text}: {done} of {total} had been dealt with; the same command goes on with the rest"


class _Bar:
    """A bar that comes up when there is enough to do."""

    def __init__(self, what: str, progress: Progress) -> None:
        self._what, self._progress = what, progress
        self._task: TaskID | None = None

    def update(self, done: int, total: int) -> None:
        """Show how far the work is."""
        if self._task is None:
            if total < WORTH_A_BAR:
                return
            self._task = self._progress.add_task(self._what, total=total)
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total)

    def stop(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._progress.stop()


def _bar(what: str) -> _Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from jfr_cli.console import console_for
    from jfr_cli.session import CURRENT

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = console_for(sys.stderr, CURRENT.color)
    return _Bar(what, Progress(*columns, TimeElapsedColumn(), console=console, transient=True))
