"""From events to messages, and what a project file may say of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from controller.config import masked
from controller.config.notify import Notification, Topic
from controller.documents.events import EventDoc
from controller.rules.notifications import SHOWN, digest, is_wanted, retry_delay, topic_of

ALL = Notification(on=list(Topic), command=["x"])


def event(kind: str, number: int = 1, **fields: Any) -> EventDoc:
    return EventDoc.model_validate(
        {"_id": f"{number:024x}", "time": datetime(2026, 1, 1), "kind": kind, **fields}
    )


@pytest.mark.parametrize(
    ("happened", "topic"),
    [
        (event("flow", to="COMPLETED"), Topic.FLOW_COMPLETED),
        (event("flow", to="FAILED"), Topic.FLOW_FAILED),
        (event("flow", to="RUNNING"), None),
        (event("state", to="REMOTE_ERROR"), Topic.JOB_FAILED),
        (event("attempt_ended", to="FAILED"), Topic.JOB_FAILED),
        (event("state", to="COMPLETED"), None),
        (event("step_failed", to="FAILED"), None),
        (event("runner", name="gone"), Topic.RUNNER_GONE),
        (event("runner", name="started"), None),
        (event("runner", name="login needed"), Topic.LOGIN_NEEDED),
        (event("admin", name="doctor found"), Topic.DOCTOR),
    ],
)
def test_topics(happened: EventDoc, topic: Topic | None) -> None:
    assert topic_of(happened) is topic
    assert is_wanted(happened, ALL) is (topic is not None)
    assert not is_wanted(happened, Notification(on=[t for t in Topic if t != topic], command=["x"]))


def test_causes_choose_among_failed_jobs_only() -> None:
    wanted = Notification(on=list(Topic), causes=["walltime"], command=["x"])
    assert is_wanted(event("state", to="FAILED", cause="walltime"), wanted)
    assert not is_wanted(event("state", to="FAILED", cause="job_error"), wanted)
    assert is_wanted(event("flow", to="FAILED"), wanted)


def test_a_thousand_failures_are_one_message() -> None:
    failed = [event("state", n, to="FAILED", db_id=str(n), text="bad") for n in range(1000)]
    message = digest("me", "p", [*failed, event("flow", 2000, to="FAILED", name="f", flow="u")])
    assert message.title == "p: 1000 jobs failed, 1 flow failed"
    assert message.count == 1001
    assert len(message.events) == SHOWN
    assert message.body.splitlines()[-1] == f"and {1001 - SHOWN} more: jf events"
    assert message.body.splitlines()[0] == "2026-01-01 00:00:00 UTC  job 0  FAILED  bad"
    assert message.as_dict()["events"][0]["time"] == "2026-01-01T00:00:00.000Z"
    assert digest("me", "p", failed).message_id == digest("me", "p", failed).message_id
    assert digest("me", "p", failed).message_id != digest("you", "p", failed).message_id


def test_delays() -> None:
    assert [retry_delay(n) for n in (1, 2, 3, 8, 99)] == [30, 60, 120, 3600, 3600]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "exactly one"),
        ({"command": ["x"], "webhook": "https://h/"}, "exactly one"),
        ({"webhook": "file:///etc/passwd"}, "http or https"),
        ({"command": ["x"], "webhook_secret": "s"}, "can be used only with webhook"),
        ({"command": ["x"], "on": []}, "at least 1"),
        ({"command": ["x"], "on": ["bad"]}, "flow_failed"),
    ],
)
def test_what_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Notification.model_validate(given)


def test_secrets_are_hidden() -> None:
    hook = Notification(webhook="https://h.example/T0KEN", webhook_secret="hush")
    chat = Notification(apprise="slack://T0KEN/x")
    shown = f"{masked(hook)} {masked(chat)} {hook.way} {chat.way}"
    assert "T0KEN" not in shown
    assert "hush" not in shown
    assert (hook.way, chat.way) == ("webhook at h.example", "apprise slack")
