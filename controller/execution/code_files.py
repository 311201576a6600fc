"""Which files of imported modules have changed since they were imported."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

_CLOCK_DOUBT = 2.0
"""Seconds by which the time of a file may differ from the clock of this machine."""


class CodeFiles:
    """Files of imported modules, and whether they have changed since they were imported.

    Parameters
    ----------
    besides
        Names of modules that are not checked.
    since
        Time of day before the first of them was imported, in seconds: a file that was changed after
        that may differ from the imported one.
    """

    def __init__(self, besides: Mapping[str, Any] | None = None, since: float = 0.0) -> None:
        self._since = since
        self._known: dict[str, tuple[int, int]] = {}
        self._seen = set(besides or ())

    def note_new(self) -> str | None:
        """Note the files of modules imported since the last call.

        Returns
        -------
        str
            A file that has been changed since then; None if there is none.
        """
        changed = None
        for name in [*sys.modules.keys() - self._seen]:
            self._seen.add(name)
            file = getattr(sys.modules.get(name), "__file__", None)
            if not isinstance(file, str):
                continue
            try:
                found = os.stat(file)  # noqa: PTH116 (a thousand times: a Path each would cost)
            except OSError:
                continue
            self._known[file] = (found.st_mtime_ns, found.st_size)
            if found.st_mtime > self._since - _CLOCK_DOUBT:
                changed = changed or file
        self._since = time.time()
        return changed

    def changed(self) -> str | None:
        """Return a file that has changed since it was noted; None if there is none."""
        for file, known in self._known.items():
            try:
                found = os.stat(file)  # noqa: PTH116 (a thousand times: a Path each would cost)
            except OSError:
                return file
            if (found.st_mtime_ns, found.st_size) != known:
                return file
        return None
