"""The lock that a background runner holds as long as it runs: one per name and host.

The kernel releases the lock when the process ends, for whatever reason; stored pids are never
trusted. The file remains, and its content is valid only while the lock is held. It is in
``daemon_dir`` or, if that is on a network file system, in a local folder of this user.
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
"""Seconds within which a process that only checks a lock (`held_by`), or was killed, frees it."""


class RunnerLock:
    """A lock that this process holds; `adopt` takes over one that was inherited.

    Parameters
    ----------
    descriptor
        File descriptor of the open, locked file.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, project: Project, name: str) -> RunnerLock | None:
        """Acquire the lock with a name; None if another process holds it.

        Raises
        ------
        ConfigError
            The file cannot be created.
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
        """Record who holds the lock, for users and for `held_by`."""
        with suppress(OSError):  # the disk may be full
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, json.dumps(dict(facts)).encode(), 0)

    def release(self) -> None:
        """Release this process's hold on the lock."""
        os.close(self.descriptor)


def lock_path(project: Project, name: str) -> Path:
    """Return the path of a lock file of this host."""
    host = "".join(c if c.isalnum() or c in "-." else "_" for c in socket.gethostname())
    folder = Path(project.daemon_dir)
    if is_network_file_system(folder.absolute()):
        key = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"jfr-{os.getuid()}" / key
    return folder / f"runner-{host}-{name}.lock"


def held_by(project: Project, name: str) -> dict[str, Any] | None:
    """Return what the holder of a lock has recorded; None if it is not held."""
    path = lock_path(project, name)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError:
        return {}  # it belongs to another user, whose process is running
    try:
        return None if _locked(descriptor, fcntl.LOCK_SH) else _read(descriptor)
    finally:
        os.close(descriptor)


def holders(project: Project) -> dict[str, dict[str, Any]]:
    """Return {name: what the holder has recorded} of all locks held on this host."""
    pattern = lock_path(project, "*")
    found = {}
    for path in sorted(pattern.parent.glob(pattern.name)):
        name = path.name.removesuffix(".lock")[len(pattern.name) - len("*.lock") :]
        facts = held_by(project, name)
        if facts is not None:
            found[name] = facts
    return found


def lives(facts: Mapping[str, Any]) -> bool:
    """Whether the process that recorded these facts is certainly still running."""
    process = facts.get("process")
    return isinstance(process, Mapping) and liveness(process) is Liveness.ALIVE


def _open(path: Path) -> int:
    try:
        make_private_folder(path.parent)
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigError(
            f"cannot create the lock file {path}: {error.strerror}",
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
