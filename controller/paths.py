"""Paths made of names that come from elsewhere: they stay inside their folder, whatever the name.

Ids of jobs, names of stores and projects, and names that a user or another machine gives are
chosen by others. What makes a path of one does it here. Links are not looked at: where a folder
itself leads is its owner's business.
"""

from __future__ import annotations

import os
from pathlib import Path

from controller.errors import ArgumentError

LONGEST = 255
"""Bytes of the longest name that common file systems allow."""


def name_problem(name: str) -> str | None:
    """Say why a text cannot be the name of one file or folder; None if it can.

    Also the names are refused that mean another folder, and those with characters that no one can
    type or see.
    """
    if not name:
        return "it is empty"
    if name in (".", ".."):
        return "it means a folder"
    if "/" in name:
        return "it contains a slash"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
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
