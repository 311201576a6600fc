"""The pool of a batch worker as its pilots see it: files in folders, and atomic renames.

A claim is one rename from ``submitted`` to ``running``: only one pilot can do it, and it needs no
lock, whatever else runs there. The end of a job is one more rename, after its results were written.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from controller.rules.pool_files import (
    LOCKS,
    RUN_FINISHED,
    RUNNING,
    SUBMITTED,
    Entry,
    claimed_file,
    read_claimed_file,
    read_job_file,
)


class LocalPool:
    """The pool of a pilot.

    Parameters
    ----------
    folder
        ``jobs_handle_dir`` of the worker.
    batch_uid
        The batch uid of the pilot.
    """

    def __init__(self, folder: Path, batch_uid: str) -> None:
        self._folder, self._uid = folder, batch_uid

    def make_folders(self) -> None:
        """Make those that do not exist.

        Raises
        ------
        OSError
            They cannot be made.
        """
        for name in (SUBMITTED, RUNNING, RUN_FINISHED, LOCKS):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def waiting(self) -> list[str]:
        """Return the names of the waiting jobs, the oldest first; none if there is no folder."""
        found: list[tuple[float, str]] = []
        try:
            with os.scandir(self._folder / SUBMITTED) as entries:
                for entry in entries:
                    if read_job_file(entry.name) is not None:
                        with suppress(FileNotFoundError):  # another pilot has just taken it
                            found.append((entry.stat().st_mtime, entry.name))
        except FileNotFoundError:
            return []
        return [name for _, name in sorted(found)]

    def peek(self, name: str) -> Entry | None:
        """Return the content of a waiting job's file; None if it no longer waits."""
        return _read(self._folder / SUBMITTED / name)

    def claim(self, name: str) -> Entry | None:
        """Claim a job; return the content of its file, or None if another pilot was first."""
        target = self._running(name)
        try:
            (self._folder / SUBMITTED / name).rename(target)
        except FileNotFoundError:
            # A file server may repeat a rename whose answer was lost.
            return _read(target)
        return _read(target)

    def finish(self, name: str, entry: Entry) -> None:
        """Record that a claimed job has ended; its results must have been written by now.

        Raises
        ------
        OSError
            The folder cannot be written, even after some time.
        """
        source, target = self._running(name), self._finished(name)
        if entry.lost or entry.refused:
            self._write(target, entry)
            source.unlink(missing_ok=True)
            return
        try:
            source.rename(target)
        except FileNotFoundError:
            if not target.exists():  # the pool has been emptied in the meantime
                self.make_folders()
                self._write(target, entry)

    def forget(self, name: str) -> None:
        """Remove the claim on a job that another pilot is running."""
        self._running(name).unlink(missing_ok=True)

    def give_back(self, name: str) -> None:
        """Give back a claimed job that has not started, for another pilot."""
        with suppress(FileNotFoundError):
            self._running(name).rename(self._folder / SUBMITTED / name)

    def own(self) -> list[tuple[str, Entry]]:
        """Return (name, entry) of this pilot's claimed jobs, also those of an earlier start."""
        found = []
        with suppress(FileNotFoundError):
            for path in sorted((self._folder / RUNNING).iterdir()):
                known = read_claimed_file(path.name)
                entry = _read(path) if known is not None and known[2] == self._uid else None
                if known is not None and entry is not None:
                    found.append((f"{known[0]}_{known[1]}", entry))
        return found

    def _running(self, name: str) -> Path:
        return self._folder / RUNNING / claimed_file(name, self._uid)

    def _finished(self, name: str) -> Path:
        return self._folder / RUN_FINISHED / claimed_file(name, self._uid)

    def _write(self, path: Path, entry: Entry) -> None:
        staged = self._folder / LOCKS / f".{path.name}.{time.monotonic_ns()}"
        write_whole(path, entry.encode(), staged)


def write_whole(path: Path, text: str, staged: Path | None = None) -> None:
    """Write a file so that a reader sees it completely or not at all.

    Raises
    ------
    OSError
        It cannot be written; nothing has changed.
    """
    staged = staged or path.with_name(f".{path.name}.part")
    try:
        staged.write_text(text, encoding="utf-8")
        staged.replace(path)
    except OSError:
        staged.unlink(missing_ok=True)
        raise


def _read(path: Path) -> Entry | None:
    try:
        return Entry.decode(path.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return None
