"""Replace a text in project files: plan the changes and write them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from controller.config.files import read_text, validate_file
from controller.config.masking import is_secret, masked
from controller.config.problems import Problem
from controller.config.writing import back_up, write_text
from controller.errors import ArgumentError


@dataclass(frozen=True)
class FileEdit:
    """What a replacement does to one file.

    Attributes
    ----------
    path
        The file.
    before, after
        Its text.
    count
        How often the old text was found.
    problems
        Why the file would be invalid afterwards; empty if it stays valid.
    was_valid
        Whether the file is valid as it stands.
    """

    path: Path
    before: str
    after: str
    count: int
    problems: tuple[Problem, ...]
    was_valid: bool = True

    @property
    def spoils(self) -> bool:
        """Whether a valid file would become invalid."""
        return self.was_valid and bool(self.problems)

    @property
    def diff(self) -> str:
        """The change as a unified diff, with secrets hidden."""
        lines = difflib.unified_diff(
            self.before.splitlines(),
            self.after.splitlines(),
            fromfile=str(self.path),
            tofile=str(self.path),
            lineterm="",
        )
        return "\n".join(_without_secret(line) for line in lines)


def plan_replacement(paths: Iterable[Path], old: str, new: str) -> list[FileEdit]:
    """Return what replacing a text does to files; those without the text are left out.

    Raises
    ------
    ArgumentError
        The old text is empty, or the same as the new one.
    ConfigError
        A file cannot be read.
    """
    if not old or old == new:
        raise ArgumentError("OLD must not be empty and must differ from NEW")
    edits = []
    for path in paths:
        before = read_text(path)
        if count := before.count(old):
            after = before.replace(old, new)
            problems = tuple(validate_file(path, after))
            was_valid = not problems or not validate_file(path, before)
            edits.append(FileEdit(path, before, after, count, problems, was_valid))
    return edits


def apply_edit(edit: FileEdit, *, backup: bool = True) -> Path | None:
    """Write a planned change, and return the copy of what was there before.

    Raises
    ------
    ArgumentError
        The file was changed since the plan was made.
    ConfigError
        The file or the copy cannot be written.
    """
    if read_text(edit.path) != edit.before:
        raise ArgumentError(f"{edit.path} was changed by another process", hint="try again")
    copy = back_up(edit.path) if backup else None
    write_text(edit.path, edit.after)
    return copy


def _without_secret(line: str) -> str:
    """Hide the value in a line of a file: ``password: secret`` in any of the three formats."""
    for mark in (":", "="):
        head, found, value = line.partition(mark)
        key = head.lstrip("+-, {[").strip().strip("\"'")
        if found and value.strip() and is_secret(key):
            return f"{head}{mark} {masked({key: value})[key]}"
    return str(masked(line))
