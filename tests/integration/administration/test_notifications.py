"""Deliveries: at least once, in one message, secrets kept, and never in the way."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from stored import Stock

from controller.config import Notification
from controller.documents import utc_now
from controller.errors import ConfigError
from controller.jobcontroller import JobController
from controller.notifications import (
    FIELD,
    DeliveryError,
    Notifier,
    deliver,
    note_findings,
    note_runners_gone,
    tell,
    tell_all,
    tell_of_runner,
    trial_message,
)
from controller.operations.runner_processes import enroll
from controller.runner.upkeep import EventUpkeep

CHOSEN = {f"{FIELD}.name": "me"}


class Hook:
    """A web server that answers as told, and keeps what it got."""

    def __init__(self) -> None:
        self.status, self.got = 200, list[tuple[dict[str, str], bytes]]()
        self.hangs = threading.Event()
        self.hangs.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.hangs.wait(30)
                hook.got.append((dict(self.headers), body))
                self.send_response(hook.status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/T0KEN"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.hangs.set()
    made.server.shutdown()
    made.server.server_close()


def failed_flows(controller: JobController, stock: Stock, number: int) -> None:
    for _ in range(number):
        uuid, _ = stock.flow("READY")
        controller.queue.flows.update_one({"uuid": uuid}, {"$set": {"state": "FAILED"}})


def begun(controller: JobController, to: Notification) -> None:
    assert tell(controller.queue, "p", "me", to) is False
    assert controller.auxiliary.find_one(CHOSEN) is not None


def test_many_failures_are_one_signed_message_and_are_told_once(
    controller: JobController, stock: Stock, hook: Hook
) -> None:
    failed_flows(controller, stock, 1)  # before the notification begins: not told
    to = Notification(on=["flow_failed"], webhook=hook.url, webhook_secret="key", every=0)
    begun(controller, to)
    failed_flows(controller, stock, 30)
    assert tell(controller.queue, "p", "me", to)
    assert not tell(controller.queue, "p", "me", to)
    [(headers, body)] = hook.got
    signature = hmac.new(b"key", body, hashlib.sha256).hexdigest()
    assert headers["X-Jfr-Signature"] == f"sha256={signature}"
    message = json.loads(body)
    assert headers["X-Jfr-Event-Id"] == message["id"]
    assert (message["count"], len(message["events"])) == (30, 20)
    failed_flows(controller, stock, 1)
    assert tell(controller.queue, "p", "me", to)
    assert json.loads(hook.got[-1][1])["title"] == "p: 1 flow failed"


@pytest.mark.parametrize("status", [500, 302])
def test_what_fails_is_tried_again_later_with_what_came_meanwhile(
    controller: JobController, stock: Stock, hook: Hook, status: int, caplog: Any
) -> None:
    to = Notification(on=["flow_failed"], webhook=hook.url, every=0)
    begun(controller, to)
    failed_flows(controller, stock, 1)
    hook.status = status
    assert not tell(controller.queue, "p", "me", to)
    assert not tell(controller.queue, "p", "me", to)  # not at once
    assert len(hook.got) == 1
    assert f"webhook at 127.0.0.1 answered with status {status}" in caplog.text
    assert "T0KEN" not in caplog.text
    hook.status = 200
    failed_flows(controller, stock, 1)
    controller.auxiliary.update_one(CHOSEN, {"$set": {f"{FIELD}.due": utc_now()}})
    assert tell(controller.queue, "p", "me", to)
    assert json.loads(hook.got[-1][1])["count"] == 2


def test_a_process_that_dies_after_the_delivery_delivers_again_with_the_same_id(
    controller: JobController, stock: Stock, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = Notification(on=["flow_failed"], webhook=hook.url, every=0)
    begun(controller, to)
    failed_flows(controller, stock, 1)
    with monkeypatch.context() as patch:
        patch.setattr("controller.notifications._deliver_all", _dies_after_delivery)
        with pytest.raises(KeyboardInterrupt):
            tell(controller.queue, "p", "me", to)
    assert tell(controller.queue, "p", "me", to)
    first, second = (json.loads(body)["id"] for _, body in hook.got)
    assert first == second


def _dies_after_delivery(project: str, name: str, to: Notification, _: Any, new: Any) -> Any:
    from controller.rules.notifications import digest

    deliver(digest(name, project, new), to)
    raise KeyboardInterrupt


def test_the_rate_is_limited(controller: JobController, stock: Stock, hook: Hook) -> None:
    to = Notification(on=["flow_failed"], webhook=hook.url, every=600)
    begun(controller, to)
    for _ in range(3):
        failed_flows(controller, stock, 1)
        tell(controller.queue, "p", "me", to)
    assert len(hook.got) == 1


def test_more_than_one_message_can_hold_is_told_with_the_next(
    controller: JobController, stock: Stock, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came within two minutes beyond the first 5,000 was never told."""
    monkeypatch.setattr("controller.notifications.AT_ONCE", 2)
    to = Notification(on=["flow_failed"], webhook=hook.url, every=0)
    begun(controller, to)
    failed_flows(controller, stock, 5)
    told = [tell(controller.queue, "p", "me", to) for _ in range(4)]
    assert told == [True, True, True, False]
    assert [json.loads(body)["count"] for _, body in hook.got] == [2, 2, 1]


def test_a_cursor_moves_on_where_nothing_is_to_be_told(controller: JobController) -> None:
    to = Notification(on=["flow_failed"], command=["false"])
    begun(controller, to)
    old = {f"{FIELD}.cursor": "0" * 12, f"{FIELD}.seen": ["0" * 24]}
    controller.auxiliary.update_one(CHOSEN, {"$set": old})
    assert not tell(controller.queue, "p", "me", to)
    kept = controller.auxiliary.find_one(CHOSEN)[FIELD]
    assert kept["cursor"] > "0" * 12
    assert kept["seen"] == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["no-such-program-at-all"], "cannot run the command no-such-program-at-all: No such file"),
        ([sys.executable, "-c", "import sys; sys.exit('went wrong')"], "status 1: went wrong"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "did not end within 0.5 s"),
    ],
)
def test_commands_that_fail(command: list[str], words: str) -> None:
    to = Notification(command=command, timeout=0.5 if "60" in command[-1] else 30)
    with pytest.raises(DeliveryError, match=words):
        deliver(trial_message("me", "p"), to)


def test_a_command_gets_json(tmp_path: Path) -> None:
    target = tmp_path / "got.json"
    code = f"import sys; open({str(target)!r}, 'w').write(sys.stdin.read())"
    deliver(trial_message("me", "p"), Notification(command=[sys.executable, "-c", code]))
    assert json.loads(target.read_text())["title"] == "p: a test of the notification me"


def test_a_webhook_that_hangs_or_is_not_there(hook: Hook) -> None:
    hook.hangs.clear()
    with pytest.raises(DeliveryError, match="cannot be reached: TimeoutError"):
        deliver(trial_message("me", "p"), Notification(webhook=hook.url, timeout=0.3))
    gone = Notification(webhook="http://127.0.0.1:1/T0KEN")
    with pytest.raises(DeliveryError, match=r"cannot be reached: ConnectionRefusedError$"):
        deliver(trial_message("me", "p"), gone)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # by a part of Apprise
def test_delivery_by_apprise(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a service of its that posts to us: delivered, refused, hanging, unknown, missing."""
    pytest.importorskip("apprise")
    message = trial_message("me", "p")
    there = f"json://127.0.0.1:{hook.server.server_port}/"
    deliver(message, Notification(apprise=there))
    ((_, body),) = hook.got
    assert json.loads(body)["title"] == message.title
    hook.status = 500
    with pytest.raises(DeliveryError, match="apprise json refused the message"):
        deliver(message, Notification(apprise=there))
    hook.hangs.clear()
    with pytest.raises(DeliveryError, match="apprise json did not end within"):
        deliver(message, Notification(apprise=there, timeout=0.2))
    with pytest.raises(DeliveryError, match="does not recognise this URL"):
        deliver(message, Notification(apprise="no-such-service://x"))
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match="needs the package apprise"):
        deliver(message, Notification(apprise=there))


def test_the_thread_tells_and_ends_in_spite_of_a_hook_that_hangs(
    controller: JobController, stock: Stock, hook: Hook
) -> None:
    told = {"me": Notification(on=["flow_failed"], webhook=hook.url, every=0)}
    begun(controller, told["me"])
    failed_flows(controller, stock, 1)
    notifier = Notifier(controller.queue, "p", told)
    notifier.close(30)
    assert len(hook.got) == 1
    hook.hangs.clear()
    failed_flows(controller, stock, 1)
    Notifier(controller.queue, "p", told).close(0.1)
    hook.hangs.set()


def test_one_that_fails_keeps_nothing_from_the_others(
    controller: JobController, stock: Stock, hook: Hook
) -> None:
    told = {
        "bad": Notification(on=["doctor"], command=["no-such-program-at-all"]),
        "me": Notification(on=["doctor"], webhook=hook.url),
    }
    assert tell_all(controller.queue, "p", told) == 0
    note_findings(controller.queue, 0)
    note_findings(controller.queue, 2)
    assert tell_all(controller.queue, "p", told) == 1
    assert json.loads(hook.got[0][1])["events"][0]["text"] == "2 problems: jf admin doctor"


def test_a_runner_that_is_gone_is_told_once_without_any_runner(
    controller: JobController, hook: Hook
) -> None:
    assert not note_runners_gone(controller.queue)
    record = {
        "runner_id": "r1",
        "hostname": "login1",
        "ping_every": 10.0,
        "last_pinged": utc_now() - timedelta(hours=1),
    }
    controller.auxiliary.update_one(
        {"running_runner": {"$exists": True}}, {"$set": {"running_runner": record}}
    )
    assert controller.project is not None
    controller.project.notify = {"me": Notification(on=["runner_gone"], webhook=hook.url, every=0)}
    assert tell_of_runner(controller.queue, controller.project) == 1
    assert tell_of_runner(controller.queue, controller.project) == 0
    assert "runner r1 on login1" in json.loads(hook.got[0][1])["body"]
    silent = {"runner_id": "r2", "hostname": "login2", "beat_on": utc_now() - timedelta(hours=1)}
    enroll(controller.queue, silent)  # one of several: only one is registered
    enroll(controller.queue, {**silent, "runner_id": "r3", "beat_on": utc_now()})
    assert tell_of_runner(controller.queue, controller.project) == 1
    assert json.loads(hook.got[1][1])["body"].count("runner r") == 1
    assert "runner r2 on login2" in json.loads(hook.got[1][1])["body"]


def test_a_runner_that_reads_its_file_again_tells_whom_it_names_now(
    controller: JobController, stock: Stock, hook: Hook
) -> None:
    assert controller.project is not None
    old = controller.project.model_copy(update={"notify": {}})
    named = {"me": Notification(on=["flow_failed"], webhook=hook.url, every=0)}
    upkeep = EventUpkeep(controller.queue, old)
    upkeep.begin()
    upkeep.adopt(old.model_copy(update={"notify": named}))
    deadline = time.monotonic() + 30
    while controller.auxiliary.find_one(CHOSEN) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    failed_flows(controller, stock, 1)
    silent = {"runner_id": "r2", "hostname": "login2", "beat_on": utc_now() - timedelta(hours=1)}
    enroll(controller.queue, silent)
    upkeep.note_gone()
    upkeep.end()
    ((_, body),) = hook.got
    assert json.loads(body)["title"].endswith(": 1 flow failed")
    found = controller.queue.events.find_where({"gone_runner": "r2"}, limit=2)
    assert len(found) == 1
    off = old.model_copy(update={"events": old.events.model_copy(update={"enabled": False})})
    upkeep.adopt(off)
    assert not controller.queue.events.enabled
    upkeep.adopt(old)
    assert controller.queue.events.enabled
