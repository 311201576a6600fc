"""Jobs that are retried by rule, on a real local worker."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add, fail, fail_times
from running import run, states, wait_for

from controller import documents
from controller.config import Project
from controller.errors import ArgumentError, StateError
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.submission import set_run_config
from controller.why import why

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)
ONCE = {"causes": ["job_error"], "times": 1, "delay": 0}


def attempts(controller: JobController, db_id: str) -> list[dict[str, Any]]:
    doc = controller.jobs.find_one({"db_id": db_id})
    return list((doc or {}).get("attempts") or [])


def brief(controller: JobController, db_id: str) -> list[tuple[Any, ...]]:
    return [
        (a["number"], a.get("state"), a.get("cause"), (a.get("retry") or {}).get("number"))
        for a in attempts(controller, db_id)
    ]


def test_rules_of_every_level(described: dict[str, Any], tmp_path: Path) -> None:
    """One run: the worker's rule, the exec_config's before it, the job's before both."""
    from jobflow import Flow

    described["workers"]["local"]["retry"] = [
        {"match": "failure \\d, on purpose", "times": 2, "delay": 0}
    ]
    described["exec_config"] = {"once": {"retry": ONCE}}
    ledgers = {name: str(tmp_path / name) for name in ("worker", "config", "own", "never", "half")}
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        first = fail_times(ledgers["worker"], 2)
        (by_worker, child) = controller.add_flow(Flow([first, add(first.output, 1)]), "local")
        (by_config,) = controller.add_flow(
            fail_times(ledgers["config"], 5), "local", exec_config="once"
        )
        own = fail_times(ledgers["own"], 5)
        set_run_config(own, retry={**ONCE, "times": 3, "keep_files": True})
        (by_job,) = controller.add_flow(own, "local", exec_config="once")
        never = fail_times(ledgers["never"], 5)
        set_run_config(never, retry={**ONCE, "times": 0})
        (not_at_all,) = controller.add_flow(never, "local")
        (unfit,) = controller.add_flow(fail(), "local")
        summary = run(project)
        assert sorted(summary.completed) == sorted([by_worker, child])
        runs = {
            name: len(Path(path).read_text().split("\n")) - 1
            for name, path in ledgers.items()
            if Path(path).exists()
        }
        assert runs == {"worker": 3, "config": 2, "own": 4, "never": 1}
        assert brief(controller, by_worker) == [
            (1, "FAILED", "job_error", 1),
            (2, "FAILED", "job_error", 2),
            (3, "COMPLETED", None, None),
        ]
        assert brief(controller, by_job)[-1] == (4, "FAILED", "job_error", None)
        assert brief(controller, not_at_all) == [(1, "FAILED", "job_error", None)]
        assert brief(controller, unfit) == [(1, "FAILED", "job_error", None)]
        assert controller.get_job_output(db_id=child) == 4
        entries = attempts(controller, by_worker)
        assert [e["error"] for e in entries[:2]] == [
            "RuntimeError: failure 1, on purpose",
            "RuntimeError: failure 2, on purpose",
        ]
        assert len({e["submission_token"] for e in entries}) == 3
        assert all(e["node"] and e["queue_id"] and e["worker"] == "local" for e in entries)
        assert all(e["start_time"] <= e["end_time"] for e in entries)
        # What a user begins anew counts from the beginning, and goes on with the numbers.
        controller.rerun_job(db_id=by_config)
        run(project)
        assert [n for n, *_ in brief(controller, by_config)] == [1, 2, 3, 4]
        assert controller.count_jobs(locked=True) == 0


def test_a_retry_waits_for_its_time(project: Project, controller: JobController) -> None:
    job = fail()
    set_run_config(job, retry={**ONCE, "times": 2, "delay": 3000, "jitter": 0})
    (db_id,) = controller.add_flow(job, "local")
    runner = Runner(project=project, log_level="warn")
    try:
        wait_for(lambda: runner.advance() and len(attempts(controller, db_id)) == 1)
        for _ in range(3):
            runner.advance()
        assert states(controller) == {db_id: "READY"}
        info = controller.get_job_info(db_id=db_id)
        assert info is not None
        assert info.error is None
        limit = info.remote.retry_time_limit
        assert limit is not None
        now = documents.utc_now()
        assert now + timedelta(seconds=2000) < limit < now + timedelta(seconds=3001)
        (flow,) = controller.get_flows_info()
        assert flow.state.value == "READY"
        (reason, *_) = why(controller, info)
        assert reason.code == "retry"
        assert "(retry 1 of 2), because of job_error: RuntimeError: on purpose" in reason.text
        assert reason.advice == f"to retry now: jf job retry {db_id}"
        assert runner.context.next_retry() == limit  # the runner is awake then
        runner.context.retries_at.insert(0, now)
        assert runner.context.next_retry() == limit
        # Stopped and resumed, paused and resumed, it still waits for its time.
        controller.stop_job(db_id=db_id)
        controller.resume_job(db_id=db_id)
        controller.pause_job(db_id=db_id)
        controller.resume_job(db_id=db_id)
        runner.advance()
        assert states(controller) == {db_id: "READY"}
        controller.retry_job(db_id=db_id)
        runner.advance()
        assert states(controller) != {db_id: "READY"}
        wait_for(lambda: runner.advance() and len(attempts(controller, db_id)) == 2)
        assert brief(controller, db_id)[-1] == (2, "FAILED", "job_error", 2)
        controller.delete_flow(flow.flow_id)
        assert states(controller) == {}
    finally:
        runner.cleanup()


def test_a_ready_job_that_waits_for_nothing_is_not_retried(
    project: Project, controller: JobController
) -> None:
    (db_id,) = controller.add_flow(add(1, 1), "local")
    with pytest.raises(StateError, match="is in state READY"):
        controller.retry_job(db_id=db_id)


def test_resources_grow_and_files_go(described: dict[str, Any], tmp_path: Path) -> None:
    described["workers"]["local"]["resources"] = {"qverbatim": "#SBATCH --time=60"}
    described["workers"]["local"]["retry"] = {
        **ONCE,
        "times": 5,
        "grow": {"time": 2},
        "grow_max": {"time": "3:00:00"},
    }
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(fail(), "local")
        assert run(project).failed == [db_id]
        doc = controller.jobs.find_one({"db_id": db_id}) or {}
        assert doc["resources"] == {"qverbatim": "#SBATCH --time=03:00:00"}
        assert [a.get("retry", {}).get("changes") for a in doc["attempts"]] == [
            ["time 60 -> 02:00:00"],
            ["time 02:00:00 -> 03:00:00"],
            None,
        ]
        assert "--time=03:00:00" in (Path(doc["run_dir"]) / "submit.sh").read_text()


def test_a_step_that_failed_for_good_is_begun_anew(described: dict[str, Any]) -> None:
    described["workers"]["local"]["retry"] = {
        "match": "no exec_config",
        "times": 1,
        "delay": 0,
        "grow": {"time": 2},
    }
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(add(1, 1), "local", exec_config="sett")
        assert run(project).failed == [db_id]
        assert states(controller) == {db_id: "REMOTE_ERROR"}
        first, second = attempts(controller, db_id)
        assert (first["step"], first["retry"]["number"]) == ("UPLOADED", 1)
        assert (second["state"], "retry" in second) == ("REMOTE_ERROR", False)


def test_a_result_that_cannot_be_read_is_made_again(
    described: dict[str, Any], tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    described["workers"]["local"].update(
        retry={"causes": ["unreadable_output"], "times": 1, "delay": 0},
        post_run=f"[ -e {mark} ] || {{ touch {mark}; echo '[' > remote_job_data.json; }}",
    )
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(add(1, 1), "local")
        assert run(project).completed == [db_id]
        assert brief(controller, db_id) == [
            (1, "FAILED", "unreadable_output", 1),
            (2, "COMPLETED", None, None),
        ]


def test_rules_of_jobs_are_set_in_any_state(project: Project, controller: JobController) -> None:
    (db_id,) = controller.add_flow(add(1, 1), "local")
    assert run(project).completed == [db_id]
    done = controller.set_job_run_properties(retry={"causes": "walltime"}, db_ids=db_id)
    assert done == [db_id]
    doc = controller.get_job_doc(db_id=db_id)
    assert doc is not None
    assert doc.retry == [{"causes": ["walltime"]}]
    controller.set_job_run_properties(retry=[], db_ids=db_id)
    with pytest.raises(ArgumentError, match="retry rules cannot be used"):
        controller.set_job_run_properties(retry={"causes": "bad_luck"}, db_ids=db_id)
