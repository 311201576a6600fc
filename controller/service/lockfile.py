"""The lock that a runner in the background holds for its life: one of each name on a host.

The kernel frees it when the process ends, however that happens; a pid that was written down is
never trusted. The file stays: it says who held the lock last, and what is in it means nothing while
it is free. It lies in ``daemon_dir``, or, where that is on a network file system, in a local
folder of this user.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError
from controller.identity import Liveness, liveness
from controller.paths import make_private_folder
from controller.storage.embedded.network import is_network_file_system

if TYPE_CHECKING:
    from controller.config import Project

LOOK_TIME = 0.3
"""Seconds after which one that only looks (`held_by`), or that was killed, has let go."""


class RunnerLock:
    """A lock that this process holds; `adopt` takes over one that was inherited.

    Parameters
    ----------
    descriptor
        Of the open, locked file.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, project: Project, name: str) -> RunnerLock | None:
        """Take the lock of a name; None when another process holds it.

        Raises
        ------
        ConfigError
            The file cannot be made.
        """
        descriptor = _open(lock_path(project, name))
        deadline = time.monotonic() + LOOK_TIME
        while not _locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        return cls(descriptor)

    @classmethod
    def adopt(cls, descriptor: int) -> RunnerLock:
        """Take over a lock from the process that started this one; children do not inherit it."""
        os.set_inheritable(descriptor, False)
        return cls(descriptor)

    def write(self, facts: Mapping[str, Any]) -> None:
        """Write down who holds the lock, for people and for `held_by`."""
        with suppress(OSError):  # a full disk
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, json.dumps(dict(facts)).encode(), 0)

    def release(self) -> None:
        """Let go, as far as this process is concerned."""
        os.close(self.descriptor)


def lock_path(project: Project, name: str) -> Path:
    """Return the file of a lock of this host."""
    host = "".join(c if c.isalnum() or c in "-." else "_" for c in socket.gethostname())
    folder = Path(project.daemon_dir)
    if is_network_file_system(folder.absolute()):
        key = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"jfr-{os.getuid()}" / key
    return folder / f"runner-{host}-{name}.lock"


def held_by(project: Project, name: str) -> dict[str, Any] | None:
    """Return what the holder of a lock has written down; None when it is not held."""
    path = lock_path(project, name)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError:
        return {}  # of another user, who runs it
    try:
        return None if _locked(descriptor, fcntl.LOCK_SH) else _read(descriptor)
    finally:
        os.close(descriptor)


def holders(project: Project) -> dict[str, dict[str, Any]]:
    """Return {name: what the holder wrote down} of all locks of this host that are held."""
    pattern = lock_path(project, "*")
    found = {}
    for path in sorted(pattern.parent.glob(pattern.name)):
        name = path.name.removesuffix(".lock")[len(pattern.name) - len("*.lock") :]
        facts = held_by(project, name)
        if facts is not None:
            found[name] = facts
    return found


def lives(facts: Mapping[str, Any]) -> bool:
    """Whether the process that wrote these facts runs, and is the same one, for certain."""
    process = facts.get("process")
    return isinstance(process, Mapping) and liveness(process) is Liveness.ALIVE


def _open(path: Path) -> int:
    try:
        make_private_folder(path.parent)
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigError(
            f"the lock {path} cannot be made: {error.strerror}",
            hint="check the permissions of the folder, or set daemon_dir in the project file",
        ) from None


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> dict[str, Any]:
    try:
        facts = json.loads(os.pread(descriptor, 10_000, 0))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
