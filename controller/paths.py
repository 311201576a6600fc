"""Paths made of names chosen by others: they stay inside their folder, whatever the name.

Ids of jobs, names of stores and projects, and names that a user or another machine gives are
chosen by others. Code that turns one into a path does so here. Links are not checked: where a
folder itself leads is up to its owner.

Files and folders that jfr creates are readable only by the user, whatever the umask: inputs,
outputs and logs contain private data.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO, Any

from controller.errors import ArgumentError

RENAMED = re.compile(r"\.(.+)\.removed")
"""Name of a run directory while earlier versions removed it."""
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of the files and folders that jfr creates."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LONGEST = 255
"""Maximum length of a name on common file systems, in bytes."""


def name_problem(name: str) -> str | None:
    """Say why a text cannot be the name of one file or folder; None if it can.

    Names that refer to another folder, and those with characters that cannot be typed or seen, are
    refused too.
    """
    if not name:
        return "it is empty"
    if name in (".", ".."):
        return "it means a folder"
    if "/" in name:
        return "it contains a slash"
    if _CONTROL.search(name):
        return "it contains a control character"
    try:
        size = len(os.fsencode(name))
    except UnicodeEncodeError:
        return "it is no valid Unicode"
    return f"it is longer than {LONGEST} bytes" if size > LONGEST else None


def inside(folder: str | Path, *names: str) -> Path:
    """Return ``folder/name/name``.

    Raises
    ------
    ArgumentError
        One of them is not the name of one file or folder.
    """
    for name in names:
        problem = name_problem(name)
        if problem is not None:
            raise ArgumentError(f"{name!r} cannot name a file: {problem}")
    return Path(folder, *names)


def below(folder: str | Path, path: str) -> Path:
    """Return a path below a folder, given relative to it, as in ``outputs/POSCAR``.

    Raises
    ------
    ArgumentError
        It is absolute, leads out of the folder, or means the folder itself.
    """
    names = [] if path.startswith("/") else [n for n in path.split("/") if n not in ("", ".")]
    if not names:
        what = "an absolute path" if path.startswith("/") else "the folder itself"
        raise ArgumentError(f"{path!r} is {what}, not a file in {folder}")
    return inside(folder, *names)


def run_dir(work_dir: str | Path, folder_id: str, name: str) -> Path:
    """Return ``work_dir/aa/bb/cc/name``, where aabbcc are the first characters of an id.

    Hyphens do not count. A short id has fewer folders.

    Raises
    ------
    ArgumentError
        The id cannot name folders.
    """
    digits = folder_id.replace("-", "")
    levels = [digits[n : n + 2] for n in (0, 2, 4)]
    return inside(work_dir, *filter(None, levels), name)


def is_run_dir(path: Path, work_dir: Path) -> bool:
    """Whether a path is that of a run directory of a job or batch process, by its names.

    One that an earlier version renamed to ``.NAME.removed`` is in the same place.
    """
    renamed = RENAMED.fullmatch(path.name)
    name = renamed[1] if renamed else path.name
    folder_id = name.rpartition("_")[0] or name  # a batch process has no index
    try:
        return path == run_dir(work_dir, folder_id, path.name)
    except ArgumentError:
        return False


def make_private_folder(folder: Path) -> None:
    """Create a folder and its parents unless they exist; new ones are private to the user.

    Raises
    ------
    OSError
        It cannot be created, or a file has its name.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    folder.mkdir(exist_ok=True)  # raises where a file has the name


def open_private(path: Path, mode: str, **how: Any) -> IO[Any]:
    """Open a file as ``open`` does; a new one is private to the user.

    Raises
    ------
    OSError
        As for ``open``.
    """
    return open(path, mode, opener=_private_opener, **how)


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)
