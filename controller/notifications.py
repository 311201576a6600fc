"""Notifications: events read from the event log and delivered by any runner.

For each notification, a cursor in the database records what has been delivered; it is locked during
a delivery. If the process dies in between, the cursor does not move, so everything is delivered at
least once; a repeated message has the same id. Deliveries run in a separate thread: no job waits
for them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from controller.config.notify import Notification
from controller.documents.events import IDS, EventDoc, event_id_at
from controller.documents.stored import utc_now
from controller.errors import ConfigError, ControllerError, RemoteError
from controller.locks import MongoLock
from controller.operations.runner_processes import runner_processes
from controller.operations.runner_record import RunnerState, runner_status
from controller.rules.notifications import (
    FOUND,
    GONE,
    Message,
    candidates,
    digest,
    is_wanted,
    retry_delay,
)
from controller.rules.runner_requests import ProcessState
from controller.states import EventKind

if TYPE_CHECKING:
    from controller.config import Project
    from controller.operations.queue import Queue

logger = logging.getLogger(__name__)

FIELD = "jfr_notification"
LOOK_EVERY = 5.0
"""Seconds between two checks for events to report."""
OVERLAP = timedelta(minutes=2)
"""How far back each check reads again: event ids come from the clocks of several machines."""
AT_ONCE = 5000
"""Maximum number of events summarised in one message."""


class DeliveryError(RemoteError):
    """A message could not be delivered; the error text contains no secrets."""


def deliver(message: Message, to: Notification) -> None:
    """Deliver a message.

    Raises
    ------
    DeliveryError
        The message may not have arrived.
    ConfigError
        The package apprise is not installed.
    """
    body = json.dumps(message.as_dict(), ensure_ascii=False).encode()
    if to.command:
        _run(to.command, body, to.timeout)
    elif to.webhook:
        _post(to, message.message_id, body)
    else:
        _apprise(to, message)


def _run(command: list[str], body: bytes, timeout: float) -> None:
    name = command[0]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise DeliveryError(f"cannot run the command {name}: {error.strerror}") from None
    try:
        _, errors = process.communicate(body, timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise DeliveryError(f"command {name} did not end within {timeout:g} s") from None
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        last = f": {lines[-1][:200]}" if lines else ""
        raise DeliveryError(f"the command {name} ended with status {process.returncode}{last}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Treats redirects as errors: the signed message is meant for one address only."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _post(to: Notification, message_id: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "X-Jfr-Event-Id": message_id}
    if to.webhook_secret:
        digested = hmac.new(to.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Jfr-Signature"] = f"sha256={digested}"
    assert to.webhook is not None
    # The scheme was checked when the project file was read.
    request = urllib.request.Request(to.webhook, body, headers, method="POST")  # noqa: S310
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=to.timeout) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        with error:
            raise DeliveryError(f"{to.way} answered with status {error.code}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DeliveryError(f"{to.way} cannot be reached: {type(reason).__name__}") from None


def _apprise(to: Notification, message: Message) -> None:
    try:
        import apprise
    except ImportError as error:
        raise ConfigError(
            f"this notification needs the package apprise: {error}",
            hint="pip install 'jfr[notify]'",
        ) from error
    service = apprise.Apprise()
    if not service.add(to.apprise):
        raise DeliveryError(f"{to.way}: Apprise does not recognise this URL")
    outcome: list[bool] = []
    worker = threading.Thread(
        target=lambda: outcome.append(bool(service.notify(message.body, message.title))),
        daemon=True,
    )
    worker.start()
    worker.join(to.timeout)  # each service has its own timeout, or none
    if outcome != [True]:
        how = "refused the message" if outcome else f"did not end within {to.timeout:g} s"
        raise DeliveryError(f"{to.way} {how}")


def tell(queue: Queue, project: str, name: str, to: Notification) -> bool:
    """Deliver the new events of a notification, unless it is too early or another process does.

    The first call only sets the cursor: a new notification reports what happens from now on.

    Returns
    -------
    bool
        Whether a message was delivered.

    Raises
    ------
    StorageError
        The database failed.
    """
    chosen = {f"{FIELD}.name": name}
    now = utc_now()
    if queue.auxiliary.find_one(chosen, ["_id"]) is None:
        cursor = event_id_at(now)
        # Ids count milliseconds: what happened earlier in this millisecond is not reported either.
        seen = [event.event_id for event in queue.events.find_where({"_id": {"$gte": cursor}})]
        begun = {"name": name, "cursor": cursor, "seen": seen, "failures": 0, "due": now}
        queue.auxiliary.update_one(
            chosen, {"$setOnInsert": {FIELD: begun, "lock_id": None}}, upsert=True
        )
        return False
    due = {**chosen, f"{FIELD}.due": {"$lte": now}}
    with MongoLock(queue.auxiliary, due, get_locked_doc=True) as lock:
        if lock.locked_document is None:
            return False
        known = lock.locked_document[FIELD]
        new = _new_events(queue, to, known)
        fields = _deliver_all(project, name, to, known, new) if new else _moved_on(known)
        if fields:
            changed = {f"{FIELD}.{key}": value for key, value in fields.items()}
            lock.update_on_release = {"$set": changed}
    return bool(new) and "cursor" in fields


def _new_events(queue: Queue, to: Notification, known: Mapping[str, Any]) -> list[EventDoc]:
    """Return events that have not been reported, oldest first, at most `AT_ONCE`."""
    seen, begin = set(known["seen"]), {"$gte": known["cursor"]}
    while True:
        query = {**candidates(to), "_id": begin}
        found = queue.events.find_where(query, limit=AT_ONCE, newest=False)
        new = [e for e in found if e.event_id not in seen and is_wanted(e, to)]
        if new or len(found) < AT_ONCE:
            return new
        begin = {"$gt": found[-1].event_id}  # these have been reported, but there may be more


def _moved_on(known: Mapping[str, Any]) -> dict[str, Any]:
    """Advance the cursor occasionally if there is nothing to report, so that checks stay short."""
    begin = event_id_at(utc_now() - OVERLAP)
    if event_id_at(utc_now() - 2 * OVERLAP) < known["cursor"]:
        return {}
    return {"cursor": begin, "seen": [one for one in known["seen"] if one >= begin]}


def _deliver_all(
    project: str, name: str, to: Notification, known: Mapping[str, Any], new: list[EventDoc]
) -> dict[str, Any]:
    """Deliver events as one message; return the fields to store."""
    try:
        deliver(digest(name, project, new), to)
    except (DeliveryError, ConfigError) as error:
        failures = int(known["failures"]) + 1
        delay = retry_delay(failures)
        logger.warning("notification %s: %s; tried again in %.0f s", name, error.message, delay)
        return {"failures": failures, "due": utc_now() + timedelta(seconds=delay)}
    begin = event_id_at(new[-1].time - OVERLAP)
    told = [*known["seen"], *(event.event_id for event in new)]
    return {
        "cursor": max(str(known["cursor"]), begin),
        "seen": [event_id for event_id in told if event_id >= begin],
        "failures": 0,
        "due": utc_now() + timedelta(seconds=to.every),
    }


def tell_all(queue: Queue, project: str, notifications: Mapping[str, Notification]) -> int:
    """Deliver the new events of all notifications; return the number of messages.

    An error with one notification is logged, and does not affect the others.
    """
    told = 0
    for name, to in notifications.items():
        try:
            told += tell(queue, project, name, to)
        except ControllerError as error:
            logger.warning("notification %s: %s", name, error.message)
        except Exception:
            logger.exception("notification %s failed", name)
    return told


def trial_message(name: str, project: str) -> Message:
    """Return a test message."""
    event = EventDoc.model_validate(
        {"_id": IDS.next(), "time": utc_now(), "kind": "runner", "name": "test", "text": "it works"}
    )
    found = digest(name, project, [event])
    title = f"{project}: a test of the notification {name}"
    return Message(found.message_id, project, title, found.body, found.events, 1)


def tell_of_runner(queue: Queue, project: Project) -> int:
    """Report unresponsive runners without a runner; return the number of messages."""
    return _tell_now(queue, project, lambda: note_runners_gone(queue))


def tell_of_findings(queue: Queue, project: Project, number: int) -> int:
    """Report problems found by the doctor; return the number of messages."""
    return _tell_now(queue, project, lambda: note_findings(queue, number))


def _tell_now(queue: Queue, project: Project, note: Callable[[], object]) -> int:
    # First, so that a new notification starts before these events, not after them.
    told = tell_all(queue, project.name, project.notify)
    note()
    return told + tell_all(queue, project.name, project.notify)


def note_runners_gone(queue: Queue) -> int:
    """Add runners that do not answer to the event log, once each.

    These are all runners that have a record and have not ended properly, and the registered one,
    which may belong to jobflow-remote.

    Returns
    -------
    int
        Number of runners added.
    """
    silent = (ProcessState.SILENT, ProcessState.ENDED)
    hosts = {
        runner.runner_id: runner.record.get("hostname")
        for runner in runner_processes(queue)
        if runner.state in silent
    }
    status = runner_status(queue.auxiliary)
    if status.state is RunnerState.SILENT and status.record is not None:
        registered = str(status.record.get("runner_id") or status.record.get("pid"))
        hosts.setdefault(registered, status.record.get("hostname"))
    told = 0
    gone = {"kind": EventKind.RUNNER.value, "name": GONE}
    for runner, host in hosts.items():
        if queue.events.find_where({**gone, "gone_runner": runner}, limit=1):
            continue
        text = f"runner {runner[:8]} on {host}"
        queue.events.write([{**gone, "gone_runner": runner, "text": text}])
        told += 1
    return told


def note_findings(queue: Queue, number: int) -> None:
    """Add problems found by the doctor to the event log, if there are any."""
    if number:
        found = {"kind": EventKind.ADMIN.value, "name": FOUND}
        queue.events.write([{**found, "text": f"{number} problems: jf admin doctor"}])


class Notifier:
    """Delivers notifications in a separate thread until it is closed.

    Parameters
    ----------
    queue
        Queue with the event log.
    project
        Name of the project.
    notifications
        {name: notification}; if empty, no thread is started.
    """

    def __init__(
        self, queue: Queue, project: str, notifications: Mapping[str, Notification]
    ) -> None:
        self._queue, self._project, self._notifications = queue, project, notifications
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        if notifications:
            self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        last = False
        while True:
            tell_all(self._queue, self._project, self._notifications)
            if last:
                return
            last = self._ended.wait(LOOK_EVERY)

    def close(self, seconds: float = 5.0) -> None:
        """Deliver what is left, and end the thread.

        Parameters
        ----------
        seconds
            Seconds to wait for a delivery; an interrupted one is repeated later.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join(seconds)
