"""What a runner tells the event log, and whom it tells of it: one scene on each engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow
from runner_jobs import add

from controller.config import Notification, Project
from controller.jobcontroller import JobController
from controller.runner import Runner


def test_a_runner_tells_what_happens_and_notifies(
    controller: JobController, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "told.json"
    code = f"import sys; open({str(target)!r}, 'w').write(sys.stdin.read())"
    me = {"on": ["flow_completed"], "command": [sys.executable, "-c", code], "every": 0}
    project.notify = {"me": Notification.model_validate(me)}
    monkeypatch.setattr("controller.notifications.LOOK_EVERY", 0.1)
    [db_id] = controller.add_flow(Flow([add(1, 2)], name="sum"), "local")
    runner = Runner(project=project)
    try:
        summary = runner.run_until_idle(max_time=60)
    finally:
        runner.cleanup()
    assert summary.completed == [db_id]
    events = controller.get_events()
    of_job = [e for e in events if e.db_id == db_id and e.to_state != "READY"]
    assert [e.to_state for e in of_job[:2]] == ["CHECKED_OUT", "UPLOADED"]
    assert of_job[-1].to_state == "COMPLETED"
    assert {e.runner for e in of_job} == {runner.runner_id}
    assert [e.from_state for e in of_job[1:]] == [e.to_state for e in of_job[:-1]]  # no gap
    kinds: list[Any] = [(e.kind.value, e.name, e.to_state) for e in events if e.db_id is None]
    assert ("runner", "started", None) in kinds
    assert ("flow", "sum", "COMPLETED") in kinds
    assert kinds[-1] == ("runner", "ended", None)
    message = json.loads(target.read_text(encoding="utf-8"))
    assert message["title"] == "test: 1 flow completed"
    history = controller.get_job_history(db_id=db_id)
    shown = [line.state for line in history if line.state not in ("WAITING", "READY")]
    assert shown == [e.to_state for e in of_job]
    assert all(line.seconds is not None for line in history[:-1])
    tally = controller.auxiliary.find_one({"jfr_tally": {"$exists": True}})["jfr_tally"]
    assert tally["changes"]["COMPLETED"] == 1
