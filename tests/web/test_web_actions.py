"""Actions: refused unless allowed, planned on a fixed list, done once, and in the event log."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
from web_site import Browser, uuid

from controller.states import JobState
from jfr_web.plans import ACTIONS

ORIGIN = {"origin": "http://127.0.0.1:5001"}


def post(browser: Browser, path: str, headers: dict[str, str] | None = None, **form: Any) -> Any:
    headers = ORIGIN if headers is None else headers
    return browser.client.post(path, data=form, headers=headers, follow_redirects=False)


def states(browser: Browser, *db_ids: str) -> list[str]:
    jobs = browser.site.reader.queue.jobs
    return [found["state"] for i in db_ids if (found := jobs.find_one({"db_id": i}, ["state"]))]


def planned(browser: Browser, **form: Any) -> tuple[str, str]:
    """Return the plan's page, and its key."""
    answer = post(browser, "/actions/plan", csrf=browser.token("/jobs"), **form)
    assert answer.status_code == 200, answer.text
    found = re.search(r'name="plan" value="([\w-]+)"', answer.text)
    return answer.text, found[1] if found else ""


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:5002"},
        {"origin": "https://127.0.0.1.evil.example"},
    ],
)
def test_forms_of_other_pages_are_refused(actor: Browser, headers: dict[str, str]) -> None:
    token = actor.token("/jobs")
    answer = post(actor, "/actions/plan", headers, csrf=token, action="pause", id="5")
    assert answer.status_code == 403
    assert states(actor, "5") == ["READY"]


def test_forms_need_the_token_of_the_session(actor: Browser) -> None:
    for token in ("", "0" * 64, actor.site.tokens.form_token("of another")):
        answer = post(actor, "/actions/plan", csrf=token, action="pause", id="5")
        assert answer.status_code == 403
    assert actor.get("/actions/plan").status_code == 405


def test_without_actions_nothing_is_changed(browser: Browser) -> None:
    assert "/actions/plan" not in browser.get("/jobs").text
    session = next(iter(browser.client.cookies.values()))
    token = browser.site.tokens.form_token(session)
    answer = post(browser, "/actions/plan", csrf=token, action="pause", id="5")
    assert answer.status_code == 403
    assert "jf gui --actions" in answer.text


def test_a_plan_changes_nothing_and_is_done_once(actor: Browser) -> None:
    page, key = planned(actor, action="pause", id=["5", "3", "4"])
    assert "Nothing has been changed yet" in page
    assert "jf job pause --db-id 5,3,4" in page
    assert "1 refused" in page
    assert states(actor, "4", "5") == ["WAITING", "READY"]
    token = actor.token("/jobs")
    other = actor.site.tokens.exchange(actor.site.tokens.new_link())
    assert other
    done = post(actor, "/actions/do", csrf=token, plan=key)
    assert "2 jobs paused" in done.text
    assert states(actor, "3", "4", "5") == ["RUNNING", "PAUSED", "PAUSED"]
    again = post(actor, "/actions/do", csrf=token, plan=key)
    assert again.status_code == 400
    assert "this plan was already carried out" in again.text
    last = actor.site.reader.get_admin_log()[-1]
    assert (last.command, last.count) == ("jf gui", 2)


def test_the_list_of_jobs_does_not_change(actor: Browser) -> None:
    """Those that match a filter later are none of the plan's."""
    token = actor.token("/jobs")
    answer = post(
        actor,
        "/actions/plan",
        csrf=token,
        action="pause",
        all="1",
        filter="state=READY",
        noun="job",
    )
    key = re.search(r'name="plan" value="([\w-]+)"', answer.text)
    assert key
    actor.site.controller.queue.jobs.update_one({"db_id": "20"}, {"$set": {"state": "READY"}})
    done = post(actor, "/actions/do", csrf=token, plan=key[1])
    assert "1 job paused" in done.text
    assert states(actor, "5", "20") == ["PAUSED", "READY"]


def test_all_that_match_are_those_of_the_list(actor: Browser) -> None:
    """The form carries the filter of its page, whatever is in it."""
    page = actor.get("/jobs?state=FAILED,READY&name=relax*").text
    found = re.search(r'name="filter" value="([^"]*)"', page)
    assert found
    assert parse_qsl(unescape(found[1])) == [("state", "FAILED,READY"), ("name", "relax*")]
    text, _ = planned(actor, action="pause", all="1", filter=unescape(found[1]), noun="job")
    assert "1 job chosen" in text


@pytest.mark.parametrize(
    ("form", "said", "after"),
    [
        ({"action": "retry", "id": "7"}, "1 job retried", {"7": JobState.RUN_FINISHED}),
        ({"action": "resume", "id": "6"}, "1 job resumed", {"6": JobState.WAITING}),
        ({"action": "stop", "id": "5"}, "1 job stopped", {"5": JobState.USER_STOPPED}),
        ({"action": "worker", "id": "5", "to_worker": "cluster"}, "1 job changed", {}),
        ({"action": "priority", "id": "5", "priority": "7"}, "1 job changed", {}),
        ({"action": "delete", "id": "7", "output": "1"}, "1 job deleted", {}),
        ({"action": "rerun", "id": "2", "force": "1"}, "1 job rerun", {"2": JobState.READY}),
        ({"action": "pause", "id": "1", "noun": "flow"}, "paused", {"5": JobState.PAUSED}),
    ],
    ids=lambda value: value.get("action") if isinstance(value, dict) else None,
)
def test_actions(
    actor: Browser, form: dict[str, str], said: str, after: dict[str, JobState]
) -> None:
    page, key = planned(actor, **form)
    assert key, page
    done = post(actor, "/actions/do", csrf=actor.token("/jobs"), plan=key)
    assert said in done.text
    for db_id, state in after.items():
        assert states(actor, db_id) == [state.value]
    if form["action"] == "worker":
        assert actor.site.reader.get_job_info(db_id="5").worker == "cluster"  # type: ignore[union-attr]
    if form["action"] == "delete":
        assert actor.get("/job/7").status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "no action was chosen"),
        ({"action": "explode", "id": "1"}, "no action was chosen"),
        ({"action": "pause"}, "no job was chosen"),
        ({"action": "worker", "id": "5"}, "no worker was chosen"),
        ({"action": "priority", "id": "5", "priority": "high"}, "no priority was given"),
    ],
)
def test_what_makes_no_sense_is_said(actor: Browser, form: dict[str, str], said: str) -> None:
    answer = post(actor, "/actions/plan", csrf=actor.token("/jobs"), **form)
    assert answer.status_code == 400
    assert said in answer.text


def test_a_plan_is_of_one_user(actor: Browser) -> None:
    _, key = planned(actor, action="pause", id="5")
    other = actor.site.tokens.exchange(actor.site.tokens.new_link())
    assert other
    name = next(iter(actor.client.cookies.keys()))
    actor.client.cookies.set(name, other, domain="127.0.0.1")
    actor.client.cookies.set(name, other)
    token = actor.site.tokens.form_token(other)
    answer = actor.client.post(
        "/actions/do",
        data={"csrf": token, "plan": key},
        headers={**ORIGIN, "cookie": f"{name}={other}"},
    )
    assert answer.status_code == 400
    assert states(actor, "5") == ["READY"]


def test_forms_are_on_the_pages(actor: Browser) -> None:
    for path in ("/jobs", "/flows", "/job/5", f"/flow/{uuid(1001)}"):
        page = actor.get(path).text
        assert all(f'<option value="{name}">' in page for name in ACTIONS)
