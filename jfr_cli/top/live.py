"""`jf top` in a terminal: one thread reads, the other one answers keys and paints."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.activity import Activity, ActivityReader, Look
from controller.errors import ControllerError
from controller.states import RUNNING_STATES
from jfr_cli.top.history import History
from jfr_cli.top.screen import GROUPS, Frame, list_room, screen
from jfr_cli.top.spans import Line
from jfr_cli.top.view import Act, View, press

if TYPE_CHECKING:
    from controller.reader import QueueReader
    from jfr_cli.top.terminal import Terminal

SHARE = 0.025
"""Share of a core that reading may take: it pauses as long as that needs."""
_LOG_EVERY = 5.0
_NOTICE_FOR = 4.0

Read = Callable[[str], Sequence[Line]]
"""db_id of a job -> the lines of a pane."""


class Source:
    """Reads the activity in a thread of its own.

    Parameters
    ----------
    reader
        The queue.
    seconds
        Between two readings.
    wake
        Called after each.
    """

    def __init__(self, reader: QueueReader, seconds: float, wake: Callable[[], None]) -> None:
        self._activity = ActivityReader(reader)
        self._seconds, self._wake = seconds, wake
        self._look = Look()
        self._asked = threading.Event()
        self._ended = False
        self._lock = threading.Lock()
        self._found: Activity | None = None
        self._problem = ""
        self._thread = threading.Thread(target=self._run, name="jf top", daemon=True)

    @property
    def found(self) -> tuple[Activity | None, str]:
        """The last reading, and why there is no newer one."""
        with self._lock:
            return self._found, self._problem

    def look(self, look: Look) -> None:
        """Read something else, at once."""
        self._look = look
        self._asked.set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Read until the end of the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended = True
            self._asked.set()
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._ended:
            self._asked.clear()
            began = time.thread_time()
            problem, found = "", None
            try:
                found = self._activity.read(self._look)
            except ControllerError as error:
                problem = error.message
            with self._lock:
                self._found = found or self._found
                self._problem = problem
            self._wake()
            self._asked.wait(max(self._seconds, (time.thread_time() - began) / SHARE))


class Pane:
    """The lines of an opened pane, read by a thread: a machine that hangs does not stop the keys.

    Parameters
    ----------
    title
        Title of the pane.
    read
        Reads the lines.
    every
        Seconds until they are read again; None for never.
    wake
        Called after each reading.
    """

    def __init__(
        self,
        title: str,
        read: Callable[[], Sequence[Line]],
        every: float | None,
        wake: Callable[[], None],
    ) -> None:
        self.title = title
        self.lines: Sequence[Line] = ((("  reading ...", "bright_black"),),)
        self._read, self._every, self._wake = read, every, wake
        self._closed = threading.Event()
        threading.Thread(target=self._run, name=f"jf top: {title}", daemon=True).start()

    def close(self) -> None:
        """Read no more."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self.lines = self._read()
            except ControllerError as error:
                hint = f" ({error.hint})" if error.hint else ""
                self.lines = ((("  ", ""), (error.message, "bold"), (hint, "")),)
            self._wake()
            if self._every is None or self._closed.wait(self._every):
                return


class Live:
    """The loop of keys and frames.

    Parameters
    ----------
    terminal
        The terminal that shows it.
    source
        The source of the activity.
    info, log
        Read the panes of a job.
    claim
        Lets runners claim jobs (True) or not; returns what to say.
    """

    def __init__(
        self,
        terminal: Terminal,
        source: Source,
        *,
        info: Read,
        log: Read,
        claim: Callable[[bool], str],
    ) -> None:
        self._terminal, self._source = terminal, source
        self._panes = {Act.INFO: (info, "Job", None), Act.LOG: (log, "Log of job", _LOG_EVERY)}
        self._claim = claim
        self._view = View()
        self._history = History()
        self._noted: Activity | None = None
        self._pane: Pane | None = None
        self._notice, self._notice_until = "", 0.0

    def run(self) -> None:
        """Show and obey until the user quits.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C.
        """
        while True:
            self._paint()
            until = self._notice_until - time.monotonic() if self._notice else None
            for key in self._terminal.keys(None if until is None else max(0.05, until)):
                if not self._pressed(key):
                    return

    def _paint(self) -> None:
        activity, problem = self._source.found
        if activity is not None and activity is not self._noted:
            self._noted = activity
            self._history.add(numbers(activity))
        if self._notice and time.monotonic() >= self._notice_until:
            self._notice = ""
        width, height = self._terminal.size
        pane = self._pane
        frame = Frame(
            width,
            height,
            problem,
            self._notice,
            ("", ()) if pane is None else (pane.title, pane.lines),
        )
        self._terminal.show(screen(self._view, activity, self._history, frame))

    def _pressed(self, key: str) -> bool:
        """Do what a key asks for; False for the end."""
        activity, _ = self._source.found
        room = list_room(self._view, activity, *self._terminal.size)
        if self._pane is not None:
            last = max(0, len(self._pane.lines) - room)
            self._view = replace(self._view, scroll=min(self._view.scroll, last))
        self._view, act = press(self._view, key, activity, room)
        if act is Act.QUIT:
            return False
        if act in (Act.READ, Act.REFRESH):
            self._source.look(self._view.look)
        elif act in (Act.PAUSE, Act.RESUME):
            self._tell(act is Act.RESUME)
        elif act in (Act.INFO, Act.LOG):
            self._open(act)
        if not self._view.pane and self._pane is not None:
            self._pane.close()
            self._pane = None
        return True

    def _open(self, act: Act) -> None:
        if self._pane is not None:
            self._pane.close()
        db_id = self._view.selected or ""
        read, what, every = self._panes[act]
        self._pane = Pane(f"{what} {db_id}", lambda: read(db_id), every, self._terminal.wake)

    def _tell(self, resume: bool) -> None:
        try:
            self._notice = self._claim(resume)
        except ControllerError as error:
            self._notice = error.message
        self._notice_until = time.monotonic() + _NOTICE_FOR
        self._source.look(self._view.look)


def numbers(activity: Activity) -> Iterator[tuple[str, int]]:
    """Yield the numbers whose past is drawn."""
    for name, states in GROUPS:
        yield name, activity.number(states)
    for worker in activity.workers:
        yield f"worker {worker}", activity.number(RUNNING_STATES, worker)
