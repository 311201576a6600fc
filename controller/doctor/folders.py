"""Remains of interrupted removals in the work folders of local workers on this machine.

Only folders where run directories lie are examined. Those on other machines are not: a removal
there continues when the job is removed or run again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import RemoteError
from controller.hosts import LocalHost
from controller.hosts.ownership import REMOVED_FILE
from controller.hosts.removal import remove_folder
from controller.paths import RENAMED, is_run_dir

if TYPE_CHECKING:
    from controller.config import Project

_LEVELS = 3


def leftovers(project: Project) -> list[Path]:
    """Return the folders whose removal was started but not finished, in order."""
    works = {Path(w.work_dir) for w in project.workers.values() if w.is_local}
    found = ((path, work) for work in works for path in _below(work, _LEVELS))
    return sorted(path for path, work in found if is_run_dir(path, work))


def remove_leftover(path: Path) -> str | None:
    """Finish the removal of such a folder; return the reason if that is impossible."""
    if not _is_leftover(path):
        return "it has changed in the meantime"
    if RENAMED.fullmatch(path.name):
        with suppress(FileNotFoundError):  # another process is removing it as well
            shutil.rmtree(path)
        return None
    try:
        remove_folder(LocalHost(), path, None, known_by=(REMOVED_FILE,))
    except RemoteError as error:
        return str(error)
    return None


def _below(folder: Path, levels: int) -> Iterator[Path]:
    """Yield the remains below a folder; shorter ids have fewer levels."""
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for name in names:
        if levels and len(name) <= 2:
            yield from _below(folder / name, levels - 1)
        elif _is_leftover(folder / name):
            yield folder / name


def _is_leftover(path: Path) -> bool:
    renamed = RENAMED.fullmatch(path.name) is not None
    return path.is_dir() and (renamed or (path / REMOVED_FILE).exists())
