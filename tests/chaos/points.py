"""Injection points: every write to a database and every action on a host, before and after.

A point is known by where it was called from in the package, what it does to what, and on which
side of it the process dies; not by its number, which changes with the flow. Instead of the process
the database or the host may fail there, or its answer be lost, once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any

from crashes import WRITES

import controller
from controller.errors import HostUnavailableError, RemoteError, StorageUnavailableError
from controller.hosts.local import LocalHost
from controller.storage.embedded.collection import EmbeddedCollection
from controller.storage.embedded.database import EmbeddedDatabase
from controller.storage.mongo.collection import MongoCollection
from controller.storage.mongo.database import MongoDatabase

HOST_READS = ("exists", "listdir", "read_files")
"""Actions on a host that change nothing: no kill is tried there, only a failure."""
HOST_ACTIONS = ("exchange", "execute", "mkdir", "write_bytes", "write_files", "remove", "rmtree")

POOL_WRITES = ("rename", "replace", "unlink")
"""Functions of ``os`` by which files of a pool of batch workers come, move and go."""

_PACKAGE = str(Path(controller.__file__).parent)
_BELOW = tuple(f"{_PACKAGE}/{part}" for part in ("storage/embedded/", "storage/mongo/", "hosts/"))
_LOCKS = f"{_PACKAGE}/locks.py"
_POOLS = (f"{_PACKAGE}/execution/local_pool.py", f"{_PACKAGE}/operations/batch_pool.py")
_INSTALLED: list[Recorder] = []


@dataclass(frozen=True)
class Fuse:
    """When a process kills itself.

    Attributes
    ----------
    at
        Number of the event, from 1; 0 never.
    after
        After the event instead of before it.
    point
        Instead of a number: the name of a point, at its first occurrence.
    fails
        The process does not die: the database or the host fails, before the event or with the
        answer to it.
    refuses
        The host answers, as after a command that took too long, instead of being away.
    reads
        What only reads from a host is an event, too.
    """

    at: int = 0
    after: bool = False
    point: str | None = None
    fails: bool = False
    refuses: bool = False
    reads: bool = False

    def blows(self, number: int, name: str, side: str) -> bool:
        """Whether this is the moment."""
        if self.point is not None:
            return f"{name} {side}" == self.point
        return number == self.at and side == ("after" if self.after else "before")


class Recorder:
    """Names each event, and kills this process at one of them.

    Parameters
    ----------
    fuse
        At which.
    tell
        Takes ("seen" or "killed", name of the point).
    """

    def __init__(self, fuse: Fuse, tell: Callable[[str, str], None]) -> None:
        self._fuse, self._tell, self.reads = fuse, tell, fuse.reads
        self._number, self._inside, self._spent = 0, False, False

    def around(self, what: str, action: Callable[[], Any]) -> Any:
        """Carry out an event, unless the process dies before it."""
        if self._inside or threading.current_thread() is not threading.main_thread():
            return action()
        self._number += 1
        name, number, self._inside = f"{_caller()} {what}", self._number, True
        try:
            self._moment(number, name, "before")
            done = action()
            self._moment(number, name, "after")
        finally:
            self._inside = False
        return done

    @contextmanager
    def around_transaction(self, database: str, inner: Any) -> Iterator[Any]:
        """Carry out a transaction, of which begin and commit are events."""
        name = _caller()
        with inner as session:
            if session is None:
                yield None
                return
            yield session
            self._number += 1
            number = self._number
            self._moment(number, f"{name} {database}.commit", "before")
        self._moment(number, f"{name} {database}.commit", "after")

    def _moment(self, number: int, name: str, side: str) -> None:
        self._tell("seen", f"{name} {side}")
        if not self._spent and self._fuse.blows(number, name, side):
            self._spent = True
            self._tell("killed", f"{name} {side}")
            if self._fuse.fails:
                raise self._failure(name, side)
            os.kill(os.getpid(), signal.SIGKILL)

    def _failure(self, name: str, side: str) -> Exception:
        if " host." not in name:
            return StorageUnavailableError("the database failed, on purpose")
        if self._fuse.refuses:
            return RemoteError("no answer after 60 s, on purpose")
        return HostUnavailableError("the host failed, on purpose", sent=side == "after")


def install(recorder: Recorder, *, transactions: bool) -> None:
    """Put a recorder around everything, in this process for good.

    Parameters
    ----------
    transactions
        False takes them from the embedded engine: it then behaves as a server without them.
    """
    for kind in (EmbeddedCollection, MongoCollection):
        for name in filter(partial(hasattr, kind), WRITES):
            setattr(kind, name, _recorded_write(recorder, name, getattr(kind, name)))
    for name in (*HOST_ACTIONS, *(HOST_READS if recorder.reads else ())):
        setattr(LocalHost, name, _recorded_action(recorder, name, getattr(LocalHost, name)))
    for database in (EmbeddedDatabase, MongoDatabase):
        _record_transactions(recorder, database)
    for name in POOL_WRITES:
        setattr(os, name, _recorded_in_pools(recorder, name, getattr(os, name)))
    _INSTALLED.append(recorder)
    if not transactions:
        take_transactions()


def event(what: str, action: Callable[[], Any]) -> Any:
    """Carry out an event of the test's own, at which this process may die as at any other."""
    return _INSTALLED[-1].around(what, action)


def take_transactions() -> None:
    """Let the embedded engine be as a server without transactions."""

    @contextmanager
    def none(self: Any) -> Iterator[None]:
        yield None

    EmbeddedDatabase.supports_transactions = False
    EmbeddedDatabase.transaction = none  # type: ignore[assignment,method-assign]


def _recorded_write(recorder: Recorder, name: str, method: Any) -> Any:
    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        return recorder.around(f"{self.name}.{name}", lambda: method(self, *args, **kwargs))

    return wrapper


def _recorded_action(recorder: Recorder, name: str, method: Any) -> Any:
    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        return recorder.around(f"host.{name}", lambda: method(self, *args, **kwargs))

    return wrapper


def _recorded_in_pools(recorder: Recorder, name: str, function: Any) -> Any:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not _is_in_pool():
            return function(*args, **kwargs)
        return recorder.around(f"pool.{name}", lambda: function(*args, **kwargs))

    return wrapper


def _is_in_pool() -> bool:
    """Whether a pool's own code does it, through a few functions of others at most."""
    frame, left = sys._getframe(2), 4
    while frame is not None and left:
        if frame.f_code.co_filename in _POOLS:
            return True
        frame, left = frame.f_back, left - 1  # type: ignore[assignment]
    return False


def _record_transactions(recorder: Recorder, kind: Any) -> None:
    method = kind.transaction

    def wrapper(self: Any) -> Any:
        return recorder.around_transaction("queue", method(self))

    kind.transaction = wrapper


def _caller() -> str:
    """Name the function of the package that does it, and for a lock the one that wants it."""
    frame = sys._getframe(2)
    names: list[str] = []
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_PACKAGE) and not path.startswith(_BELOW):
            where = path.removeprefix(f"{_PACKAGE}/").removesuffix(".py")
            name = f"{where}:{frame.f_code.co_name}"
            if path != _LOCKS:
                return " < ".join([*names, name])
            names = names or [name]
        frame = frame.f_back  # type: ignore[assignment]
    return " < ".join(names) or "outside"
