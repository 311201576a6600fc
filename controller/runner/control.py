"""A runner's own record: its heartbeat, and the requests that it reads and answers.

The record is checked wherever the runner waits and between any two steps. Only the thread that does
the runner's work writes the heartbeat, so that a hanging runner falls silent.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from controller.config import ConfigManager, Project
from controller.documents import utc_now
from controller.errors import ConfigError, StorageError
from controller.operations.queue import Queue
from controller.operations.runner_processes import (
    answer_request,
    enroll,
    read_orders,
    update_process,
    withdraw_process,
)
from controller.operations.runner_record import PING_EVERY
from controller.rules.runner_requests import RequestAction, new_request

logger = logging.getLogger(__name__)

READ_EVERY = 1.0
"""Seconds between two checks for a request."""
KILLED = 137
"""Exit status of a runner that was asked to end at once; the same as a shell's after SIGKILL."""


class Control:
    """The requests to a runner, and its state as other processes see it.

    Parameters
    ----------
    queue
        Queue that holds the record.
    project
        Project whose file is watched for changes.
    stop, reload
        Called, in any thread, when a request asks for it.

    Attributes
    ----------
    claims_paused
        Whether the runner must not claim jobs.
    """

    def __init__(
        self, queue: Queue, project: Project, stop: Callable[[], None], reload: Callable[[], None]
    ) -> None:
        self._queue, self._project = queue, project
        self._stop, self._reload = stop, reload
        self._record: dict[str, Any] = {}
        self._last_error = LastError()
        self._mutex = threading.Lock()
        self._thread = threading.get_ident()
        self._next_beat = self._next_read = 0.0
        self._seen = threading.local()  # each thread has its own connection, and token
        self._reload_request: Mapping[str, Any] | None = None
        self._paused_alone = False
        self.claims_paused = False

    @property
    def runner_id(self) -> str:
        """Id of the runner; "" while it is not running."""
        return str(self._record.get("runner_id") or "")

    def begin(self, record: Mapping[str, Any]) -> None:
        """Store the record; `tick` in this thread keeps it alive.

        Parameters
        ----------
        record
            Record from `controller.runner.registration.describe`, with further fields to show.
        """
        from controller import __version__

        self._thread = threading.get_ident()
        now = utc_now()
        self._record = {
            **record,
            "started_on": now,
            "beat_on": now,
            "beat_every": PING_EVERY,
            "version": __version__,
            "python": platform.python_version(),
            **self.project_file(),
            "file_changed": False,
            "claims_paused": False,
            "last_error": None,
            "request": None,
            "answer": None,
        }
        self._paused_alone = self.claims_paused = False
        logging.getLogger("controller").addHandler(self._last_error)
        enroll(self._queue, self._record)
        self._next_beat = time.monotonic() + PING_EVERY
        self._next_read, self._seen = 0.0, threading.local()

    def end(self) -> None:
        """Remove the record."""
        logging.getLogger("controller").removeHandler(self._last_error)
        runner_id, self._record = self.runner_id, {}
        if runner_id:
            with suppress(StorageError):
                withdraw_process(self._queue, runner_id)

    def project_file(self) -> dict[str, Any]:
        """Return path and hash of the project's file; None for a project without one."""
        path = project_path(self._project)
        return {"project_file": path, "project_hash": file_hash(path)}

    def tick(self) -> None:
        """Write a heartbeat and read requests if due; do nothing if the database is unreachable."""
        if not self._record:
            return
        now = time.monotonic()
        if now < self._next_read and now < self._next_beat:
            return
        if not self._mutex.acquire(blocking=False):
            return  # another thread is checking right now
        try:
            with suppress(StorageError):
                if now >= self._next_beat and threading.get_ident() == self._thread:
                    self._next_beat = now + PING_EVERY
                    self._beat()
                if now >= self._next_read:
                    self._next_read = now + READ_EVERY
                    self._read()
        finally:
            self._mutex.release()

    def adopt(self, project: Project) -> None:
        """Note that the project file has been read again."""
        self._project = project
        if self._record:
            fields = {**self.project_file(), "file_changed": False}
            self._record.update(fields)
            with suppress(StorageError):
                update_process(self._queue, self.runner_id, fields)

    def reloaded(self, refused: str | None) -> None:
        """Answer the request to read the project file again.

        Parameters
        ----------
        refused
            Why the file was refused; None if it was accepted.
        """
        request, self._reload_request = self._reload_request, None
        if request is not None and self._record:
            result = "done" if refused is None else "refused"
            with suppress(StorageError):
                answer_request(self._queue, self.runner_id, request, result, refused or "")

    def _beat(self) -> None:
        known = self._record["project_hash"]
        fields = {
            "beat_on": utc_now(),
            "last_error": self._last_error.last,
            "file_changed": file_hash(self._record["project_file"]) != known,
        }
        if not update_process(self._queue, self.runner_id, fields):
            enroll(self._queue, {**self._record, **fields})  # `runner reset`, a restored backup

    def _read(self) -> None:
        token = self._queue.database.change_token()
        if token is not None and token == getattr(self._seen, "token", None):
            return
        record, claims = read_orders(self._queue, self.runner_id)
        request = new_request(record)
        if request is not None:
            self._heed(request)
        paused = self._paused_alone or bool(claims.get("paused"))
        if paused != self.claims_paused:
            self.claims_paused = paused
            logger.info("claims of jobs are %s", "paused" if paused else "resumed")
        if record and bool(record.get("claims_paused")) != paused:
            update_process(self._queue, self.runner_id, {"claims_paused": paused})
        self._seen.token = token  # last, so that what failed above is read again

    def _heed(self, request: Mapping[str, Any]) -> None:
        by = request.get("by") or {}
        action = str(request.get("action"))
        if action != RequestAction.RELOAD or self._reload_request is None:
            logger.info("%s on %s requests: %s", by.get("user"), by.get("host"), action)
        match action:
            case RequestAction.RELOAD:
                self._reload_request = request  # answered when it is done
                self._reload()
                return
            case RequestAction.KILL:
                answer_request(self._queue, self.runner_id, request, "done")
                os._exit(KILLED)
            case RequestAction.STOP:
                self._stop()
            case RequestAction.PAUSE | RequestAction.RESUME:
                self._paused_alone = action == RequestAction.PAUSE
            case _:
                why = f"this version does not know the request {action!r}"
                answer_request(self._queue, self.runner_id, request, "refused", why)
                return
        answer_request(self._queue, self.runner_id, request, "done")


class LastError(logging.Handler):
    """Keeps the last warning or error of the log.

    Attributes
    ----------
    last
        ``{text, level, on}``, with ``on`` in naive UTC; None if there is none.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last: dict[str, Any] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line of a message."""
        text = record.getMessage().partition("\n")[0][:500]
        self.last = {"text": text, "level": record.levelname.lower(), "on": utc_now()}


def project_path(project: Project) -> str | None:
    """Return the file that a project was read from; None if there is none."""
    try:
        return str(ConfigManager().get_project_data(project.name).filepath)
    except (ConfigError, OSError):
        return None


def file_hash(path: str | None) -> str | None:
    """Return a value that changes with a file's content; None if it cannot be read."""
    if path is None:
        return None
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    except OSError:
        return None
