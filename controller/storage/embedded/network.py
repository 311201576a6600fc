"""Files on network file systems, which several hosts may share: one host at a time.

WAL does not work there, because its shared memory belongs to one host, and locks are only reliable
among processes of one host.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from controller.errors import StorageUnavailableError
from controller.identity import boot_id

_NETWORK = {
    *("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb3", "fuse.sshfs", "9p", "afs", "ceph"),
    *("fuse.glusterfs", "panfs", "orangefs", "pvfs2"),
}


def is_network_file_system(path: Path) -> bool:
    """Whether a path is on a file system that several hosts may share.

    If ``JFR_EMBEDDED_NETWORK`` (0 or 1) is set, it overrides the list of mounts.
    """
    forced = os.environ.get("JFR_EMBEDDED_NETWORK")
    if forced is not None:
        return forced == "1"
    best, kind = "", ""
    with suppress(OSError), Path("/proc/self/mountinfo").open() as mounts:
        for line in mounts:
            fields = line.split()
            point = fields[4].rstrip("/") + "/"
            if f"{path}/".startswith(point) and len(point) >= len(best):
                best, kind = point, fields[fields.index("-") + 1]
    return kind in _NETWORK


class HostRecord:
    """Records which host uses a file on a network file system, and refuses a second one.

    Every process of that host holds a shared lock on the record; the last one to close removes it.
    After a crash the record stays, and is taken over by the same host, or if it names another boot.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".host")
        me = {"host": socket.gethostname(), "boot_id": boot_id()}
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        try:
            _refuse_other_host(path, os.pread(self._descriptor, 1000, 0))
        except StorageUnavailableError:
            os.close(self._descriptor)
            raise
        record = {**me, "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(record).encode(), 0)
        except OSError:
            os.close(self._descriptor)
            raise
        self._lock(shared=True)

    def release(self) -> None:
        """Stop using the file."""
        if self._descriptor < 0:
            return
        if self._lock(shared=False):
            with suppress(FileNotFoundError):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1

    def _lock(self, *, shared: bool) -> bool:
        try:
            mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(self._descriptor, mode | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def refuse_other_host(path: Path) -> None:
    """Raise if another host uses a file; for read-only use, which leaves no record.

    Raises
    ------
    StorageUnavailableError
        The record names another host.
    """
    with suppress(OSError):
        _refuse_other_host(path, path.with_name(path.name + ".host").read_bytes())


def _refuse_other_host(path: Path, record: bytes) -> None:
    other = _host_named(record)
    if other not in (None, socket.gethostname()):
        raise StorageUnavailableError(
            f"{path} is on a network file system and is in use by host {other}",
            hint="run jf on that host; if it no longer uses the file, remove "
            f"{path.with_name(path.name + '.host')}",
        )


def _host_named(record: bytes) -> str | None:
    """Return the host of a record, None if the record is incomplete."""
    try:
        name = json.loads(record)["host"]
    except (ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
