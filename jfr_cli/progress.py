"""How far long work is: a bar on standard error, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[int, int], None]
"""Called with (dealt with, in total)."""

WORTH_A_BAR = 50
"""Less than this is done before a bar could be read."""


@contextmanager
def progress_bar(what: str) -> Iterator[Report | None]:
    """Show a bar while the block runs; gives what to call, None where nobody looks.

    Parameters
    ----------
    what
        What is done, as in "pausing jobs".
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from jfr_cli.console import console_for
    from jfr_cli.session import CURRENT

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(
        *columns,
        TimeElapsedColumn(),
        console=console_for(sys.stderr, CURRENT.color),
        transient=True,
    )
    task = None

    def report(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            if total < WORTH_A_BAR:
                return
            task = bar.add_task(what, total=total)
            bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield report
    finally:
        if task is not None:
            bar.stop()
