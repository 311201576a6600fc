"""The logs of all runners of a project as one, in the order of time.

Each process writes files of its own into ``log_dir``, and lines begin with a time, a level and the
id of the runner. Lines that do not are part of the message before them: tracebacks.
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
"""Seconds between two looks for new lines."""
_FILES = re.compile(r"runner(-[\w.-]+)?\.log(\.\d+)?")
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \[(\w+)\] ID (\S+) ")


@dataclass(frozen=True)
class LogEntry:
    """A message of a log.

    Attributes
    ----------
    time, level, runner_id
        As the line begins, the time in the zone of the machine that wrote it; "" for lines before
        the first message.
    text
        All its lines.
    """

    time: str
    level: str
    runner_id: str
    text: str


@dataclass(frozen=True)
class LogChoice:
    """Which messages are meant.

    Attributes
    ----------
    runner
        Beginning of a runner's id; None for all.
    level
        The least level, as `logging` numbers them.
    """

    runner: str | None = None
    level: int = logging.NOTSET

    def takes(self, entry: LogEntry) -> bool:
        """Whether a message is meant."""
        number = logging.getLevelNamesMapping().get(entry.level, logging.CRITICAL)
        return number >= self.level and (
            self.runner is None or entry.runner_id.startswith(self.runner)
        )


def log_files(folder: Path) -> list[Path]:
    """Return the log files of runners in a folder, rotated ones too."""
    try:
        return sorted(path for path in folder.iterdir() if _FILES.fullmatch(path.name))
    except FileNotFoundError:
        return []


def entries_of(lines: Iterable[str]) -> Iterator[LogEntry]:
    """Put the lines of one file together to messages."""
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
    """Return the messages of all files in the order of time.

    Parameters
    ----------
    last
        So many messages at most, the last ones; None for all.
    """
    opened = [entries_of(_lines(path)) for path in log_files(folder)]
    ordered = heapq.merge(*opened, key=lambda entry: entry.time)
    return list(deque(filter(choice.takes, ordered), maxlen=last))


def follow_log(
    folder: Path, choice: LogChoice, is_over: Callable[[], bool] = lambda: False
) -> Iterator[LogEntry]:
    """Yield messages as they are written, from now on, until the caller stops.

    Parameters
    ----------
    is_over
        Asked when there is nothing new.
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
    except OSError:  # rotated away, or not ours to read
        return


class _Tail:
    """Reads what is added to a file, also when the file is replaced."""

    def __init__(self, path: Path, *, from_end: bool) -> None:
        self._path, self._file = path, _opened(path)
        if self._file is not None and from_end:
            self._file.seek(0, 2)

    def lines(self) -> list[str]:
        """Return the whole lines that are new."""
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
