"""Which files of a project's base folder jfr created, and which are the user's.

Only the former are deleted with a project. A base folder may be any folder: that of a thesis, in
which the runner's log lies beside the text. So nothing is deleted only because of its location:
a file is known by its name in a folder of the project, a database by its content, a run directory
by a file that only we put into one. Links are never followed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.paths import RENAMED, is_run_dir

if TYPE_CHECKING:
    from controller.config.models import Project

LOG_FILES = re.compile(r"\.?(runner(-[\w.-]+)?|supervisord)\.log(\.\d+|\.lock)?")
"""Files of ``log_dir``, also of jobflow-remote."""
DAEMON_FILES = re.compile(
    r"supervisord\.(conf|pid)|s\.sock|(runner|daemon|service)(-[\w.-]+)?\.[\w.]+"
)
"""Files of ``daemon_dir``, also of jobflow-remote."""
RUN_DIR_MARKS = re.compile(
    r"jfremote_(in|out)\.json(\.gz)?|jfr_(removed|owner\..+|started|exit)|submit\.sh"
    r"|queue\.(out|err)"
)
"""Names, one of which every folder of a job or batch process holds."""
POOL_FOLDERS = ("submitted", "running", "run_finished", "terminated")
"""Folders in the ``jobs_handle_dir`` of a batch worker, which hold one small file for each job."""

_DATABASE = b"SQLite format 3\0"
_DATABASE_OWNER, _OWNER_AT = b"JFR0", 68
_BESIDE_DATABASE = ("-wal", "-shm", "-journal", ".lock", ".host")
_LEVELS, _CHARACTERS = 3, 2
"""How many folders lie between a work_dir and a run directory, and how long their names are."""
_ANYTHING, _NOTHING = re.compile(".*"), re.compile(r"(?!)")


@dataclass
class Removal:
    """What the removal of a project's base folder does.

    Attributes
    ----------
    files
        Files and links to delete.
    trees
        Folders to delete with all that they hold: run directories.
    folders
        Folders to delete when they are empty by then, inner ones first.
    shown
        The same in brief: the outermost files and folders that are deleted completely.
    left
        The outermost files and folders that stay, because they are the user's.
    """

    files: list[Path] = field(default_factory=list)
    trees: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    shown: list[Path] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)

    def carry_out(self) -> None:
        """Delete these files and folders; what was added in the meantime stays, with its folder.

        Raises
        ------
        OSError
            Something cannot be deleted.
        """
        for path in self.files:
            path.unlink(missing_ok=True)
        for path in self.trees:
            if path.exists():
                shutil.rmtree(path)
        for path in self.folders:
            try:
                path.rmdir()
            except OSError:
                if not path.exists() or any(path.iterdir()):
                    continue
                raise


def plan_removal(project: Project) -> Removal:
    """Decide what to delete in a project's base folder; nothing is changed."""
    base = Path(project.base_dir).resolve()
    plan = Removal()
    if base.is_dir() and _Walk(plan, _own_places(project)).visit(base):
        plan.shown.append(base)
    return plan


@dataclass
class _Places:
    """Where jfr creates files: named files in folders, run directories, databases."""

    named: dict[Path, re.Pattern[str]]
    runs: set[Path]
    databases: set[Path]

    def lead_from(self, folder: Path) -> bool:
        """Whether a folder is such a place, or contains one."""
        places = (*self.named, *self.runs, *self.databases)
        return any(folder == place or folder in place.parents for place in places)

    def file_is_ours(self, path: Path) -> bool:
        """Whether a file has a name that we gave it."""
        pattern = self.named.get(path.parent)
        if pattern is not None and pattern.fullmatch(path.name):
            return True
        beside = [path.with_name(path.name.removesuffix(end)) for end in _BESIDE_DATABASE]
        return any(name in self.databases for name in (path, *beside))


@dataclass
class _Walk:
    """One look at a base folder."""

    plan: Removal
    places: _Places

    def visit(self, folder: Path, root: Path | None = None) -> bool:
        """Sort the contents of a folder; return whether all of it is deleted.

        Parameters
        ----------
        root
            The folder of run directories that it lies in.
        """
        root = folder if folder in self.places.runs else root
        gone: list[Path] = []
        known = len(self.plan.shown)
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        stays = False
        for entry in entries:
            path = folder / entry.name
            is_gone = self._sort(entry, path, root)
            stays = stays or not is_gone
            if is_gone:
                gone.append(path)
        if stays:
            self.plan.shown += gone
            return False
        self.plan.folders.append(folder)
        del self.plan.shown[known:]
        return True

    def _sort(self, entry: os.DirEntry[str], path: Path, root: Path | None) -> bool:
        if not entry.is_dir(follow_symlinks=False):
            if self.places.file_is_ours(path):
                self.plan.files.append(path)
                return True
        elif root is not None and _is_run_dir(path, root):
            self.plan.trees.append(path)
            return True
        elif self.places.lead_from(path) or (root is not None and _is_between(path, root)):
            return self.visit(path, root)
        self.plan.left.append(path)
        return False


def _own_places(project: Project) -> _Places:
    named = {
        Path(project.log_dir): LOG_FILES,
        Path(project.daemon_dir): DAEMON_FILES,
        Path(project.tmp_dir): _NOTHING,
    }
    runs = {Path(project.tmp_dir, "download")}
    for worker in project.workers.values():
        if not worker.is_local:
            continue
        runs.add(Path(worker.work_dir))
        if worker.batch is not None:
            runs.add(Path(worker.batch.work_dir))
            pool = Path(worker.batch.jobs_handle_dir)
            named.update({pool / name: _ANYTHING for name in POOL_FOLDERS})
    described = [project.queue.store, project.jobstore, project.optional_jobstores]
    databases = {path for path in _embedded_paths(described) if _may_be_ours(path)}
    return _Places(
        {_resolved(path): pattern for path, pattern in named.items()},
        {_resolved(path) for path in runs},
        {_resolved(path) for path in databases},
    )


def _resolved(path: Path) -> Path:
    """Follow the links that lead to a place, not one that has its name."""
    return Path(os.path.realpath(path.parent), path.name)


def _embedded_paths(described: Any) -> Iterator[Path]:
    """Yield the files of the embedded databases that descriptions of stores name."""
    if isinstance(described, Mapping):
        kind = described.get("type") or described.get("@class")
        if kind == "EmbeddedStore" and isinstance(described.get("path"), str):
            yield Path(described["path"]).expanduser()
        described = list(described.values())
    if isinstance(described, (list, tuple)):
        for value in described:
            yield from _embedded_paths(value)


def _may_be_ours(path: Path) -> bool:
    """Whether a database is ours, or gone, so that the files beside it are left of one."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_OWNER_AT + 4)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return head.startswith(_DATABASE) and head[_OWNER_AT:] == _DATABASE_OWNER


def _is_between(path: Path, root: Path) -> bool:
    """Whether a folder lies where the first characters of ids are, as in ``work_dir/aa/bb``."""
    inner = path.relative_to(root).parts
    return len(inner) <= _LEVELS and all(len(part) <= _CHARACTERS for part in inner)


def _is_run_dir(path: Path, root: Path) -> bool:
    """Whether a folder is that of a job or batch process, or what is left of one."""
    if not is_run_dir(path, root):
        return False
    if RENAMED.fullmatch(path.name):
        return True
    with os.scandir(path) as inside:
        return any(RUN_DIR_MARKS.fullmatch(found.name) for found in inside)
