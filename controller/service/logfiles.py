"""The logs of all runners of a project, merged by time.

Each process writes its own files in ``log_dir``. A message starts with a time, a level and the id
of the runner; lines without these, such as tracebacks, belong to the message before them.
"""

from __future__ import annotations

import heapq
import logging
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LOOK_EVERY = 0.3
"""Seconds between two checks for new lines."""
_FILES = re.compile(r"runner(-[\w.-]+)?\.log(\.\d+)?")
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \[(\w+)\] ID (\S+) ")


@dataclass(frozen=True)
class LogEntry:
    """A message of a log.

    Attributes
    ----------
    time, level, runner_id
        As at the start of the line, the time in the zone of the machine that wrote it; "" for
        lines before the first message.
    text
        All lines of the message.
    """

    time: str
    level: str
    runner_id: str
    text: str


@dataclass(frozen=True)
class LogChoice:
    """Selects messages.

    Attributes
    ----------
    runner
        Start of a runner's id; None for all runners.
    level
        Minimum level, as a number of `logging`.
    """

    runner: str | None = None
    level: int = logging.NOTSET

    def takes(self, entry: LogEntry) -> bool:
        """Whether a message is selected."""
        number = logging.getLevelNamesMapping().get(entry.level, logging.CRITICAL)
        return number >= self.level and (
            self.runner is None or entry.runner_id.startswith(self.runner)
        )


def log_files(folder: Path) -> list[Path]:
    """Return the log files of runners in a folder, including rotated ones."""
    try:
        return sorted(path for path in folder.iterdir() if _FILES.fullmatch(path.name))
    except FileNotFoundError:
        return []


def entries_of(lines: Iterable[str]) -> Iterator[LogEntry]:
    """Group the lines of one file into messages."""
    head = ("", "", "")
    text: list[str] = []
    for line in lines:
        match = _LINE.match(line)
        if match:
            if text:
                yield LogEntry(*head, "\n".join(text))
            head, text = (match[1], match[2], match[3]), []
        text.append(line.rstrip("\n"))
    if text:
        yield LogEntry(*head, "\n".join(text))


def merged_log(folder: Path, choice: LogChoice, last: int | None = None) -> list[LogEntry]:
    """Return the messages of all files, sorted by time.

    Parameters
    ----------
    last
        Return only the last messages, at most this many; None for all.
    """
    opened = [entries_of(_lines(path)) for path in log_files(folder)]
    ordered = heapq.merge(*opened, key=lambda entry: entry.time)
    return list(deque(filter(choice.takes, ordered), maxlen=last))


def follow_log(
    folder: Path, choice: LogChoice, is_over: Callable[[], bool] = lambda: False
) -> Iterator[LogEntry]:
    """Yield new messages as they are written, until the caller stops.

    Parameters
    ----------
    is_over
        Called when there is nothing new; True ends the iteration.
    """
    tails = {path.name: _Tail(path, from_end=True) for path in _current(folder)}
    try:
        while True:
            for path in _current(folder):
                if path.name not in tails:
                    tails[path.name] = _Tail(path, from_end=False)
            found = [entry for tail in tails.values() for entry in entries_of(tail.lines())]
            yield from filter(choice.takes, sorted(found, key=lambda entry: entry.time))
            if not found:
                if is_over():
                    return
                time.sleep(LOOK_EVERY)
    finally:
        for tail in tails.values():
            tail.close()


def _current(folder: Path) -> list[Path]:
    return [path for path in log_files(folder) if path.name.endswith(".log")]


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from file
    except OSError:  # rotated away, or not readable by this user
        return


class _Tail:
    """Reads what is appended to a file, even if the file is replaced."""

    def __init__(self, path: Path, *, from_end: bool) -> None:
        self._path, self._file = path, _opened(path)
        if self._file is not None and from_end:
            self._file.seek(0, 2)

    def lines(self) -> list[str]:
        """Return the new complete lines."""
        lines = self._read()
        if self._is_replaced():
            lines += self._read()
            self.close()
            self._file = _opened(self._path)
            lines += self._read()
        return lines

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _read(self) -> list[str]:
        lines: list[str] = []
        while self._file is not None:
            at = self._file.tell()
            line = self._file.readline()
            if not line.endswith("\n"):
                self._file.seek(at)
                break
            lines.append(line)
        return lines

    def _is_replaced(self) -> bool:
        try:
            now = self._path.stat()
        except OSError:
            return False
        if self._file is None:
            return True
        return os.fstat(self._file.fileno()).st_ino != now.st_ino


def _opened(path: Path) -> IO[str] | None:
    try:
        return path.open(encoding="utf-8", errors="replace")
    except OSError:
        return None
