"""Progress of long operations: a bar on standard error, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from controller.errors import ControllerError
from controller.safe_text import one_line
from jfr_cli.console import status

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


T = TypeVar("T")


class Report(Protocol):
    """Receives the progress of the work."""

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Report the progress; ``what`` names the next activity if it changes."""


WORTH_A_BAR = 50
"""Smaller numbers are done before a bar could be read."""

GOES_ON = "the same command continues with the rest"


@contextmanager
def progress_bar(
    what: str, *, at_least: int = WORTH_A_BAR, afterwards: str = GOES_ON
) -> Iterator[Report]:
    """Show a bar while the block runs, on a terminal; yields the function to call.

    Parameters
    ----------
    what
        The activity, such as "pausing jobs".
    at_least
        There is no bar below this total.
    afterwards
        The consequence of an early end.

    Raises
    ------
    KeyboardInterrupt, ControllerError
        The work was interrupted; the message gives the progress.
    """
    dealt_with, doing = (0, 0), what
    show = _bar(at_least) if sys.stderr.isatty() else None

    def report(done: int, total: int, what: str = "") -> None:
        nonlocal dealt_with, doing
        dealt_with, doing = (done, total), what or doing
        if show is not None:
            show.update(done, total, doing)

    try:
        yield report
    except KeyboardInterrupt:
        if not dealt_with[1]:
            raise
        said = _how_far(f"interrupted ({doing})", *dealt_with, afterwards)
        raise KeyboardInterrupt(said) from None
    except ControllerError as error:
        if dealt_with[0]:
            error.message = _how_far(error.message, *dealt_with, afterwards)
        raise
    finally:
        if show is not None:
            show.stop()


def _how_far(text: str, done: int, total: int, afterwards: str) -> str:
    return f"{text}: {done} of {total} were processed; {afterwards}"


@contextmanager
def waiting_line(words: Callable[[T], str]) -> Iterator[Callable[[T], None]]:
    """Show the state of a wait in one line, on a terminal; yields the function to call.

    Parameters
    ----------
    words
        Returns the current state as text.

    Raises
    ------
    KeyboardInterrupt
        The user interrupted; its text gives the current states.
    """
    now = ""

    def tell(standing: T) -> None:
        nonlocal now
        now = words(standing)
        status(now)

    try:
        yield tell
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted while waiting: {now}" if now else "") from None
    finally:
        status("")


class _Bar:
    """A bar that is shown if there is enough to do."""

    def __init__(self, at_least: int, progress: Progress) -> None:
        self._at_least, self._progress = at_least, progress
        self._task: TaskID | None = None

    def update(self, done: int, total: int, what: str) -> None:
        """Show the progress."""
        if self._task is None:
            if total < self._at_least:
                return
            self._task = self._progress.add_task(what, total=total)
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total, description=what)

    def stop(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._progress.stop()


def with_names(report: Report, what: str = "{}") -> Callable[[str, int, int], None]:
    """Return a function of (name, done, total); the name is shown in the text of the bar."""
    return lambda name, done, total: report(done, total, what.format(one_line(name)))


def _bar(at_least: int) -> _Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from jfr_cli.console import console_for
    from jfr_cli.session import CURRENT

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    console = console_for(sys.stderr, CURRENT.color)
    return _Bar(at_least, Progress(*columns, TimeElapsedColumn(), console=console, transient=True))
