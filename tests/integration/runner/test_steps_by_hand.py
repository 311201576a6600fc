"""A script that takes the steps of a runner itself, as scripts for jobflow-remote do."""

from __future__ import annotations

import pytest
from jobflow import Flow
from runner_jobs import add
from running import states, wait_for

from controller.config import Project
from controller.errors import ArgumentError, ConfigError
from controller.jobcontroller import JobController
from controller.jobs.runner import Runner
from controller.states import JobState


def test_a_job_is_taken_through_its_life(project: Project, controller: JobController) -> None:
    one, other = add(1, 2), add(3, 4)
    flow = Flow([one, other])
    first, second = controller.add_flow(flow, "local")
    runner = Runner(project=project, log_level="error")
    try:
        runner.checkout()
        assert states(controller) == {first: "CHECKED_OUT", second: "CHECKED_OUT"}
        runner.advance_state(["CHECKED_OUT"], {"db_id": first})
        assert states(controller) == {first: "UPLOADED", second: "CHECKED_OUT"}
        runner.advance_state([JobState.UPLOADED, JobState.RUN_FINISHED])
        assert states(controller)[second] == "CHECKED_OUT"

        def has_run() -> bool:
            runner.check_run_status()
            return states(controller)[first] == "DOWNLOADED"

        wait_for(has_run)
        runner.check_run_status({"db_id": second})
        runner.advance_state([JobState.DOWNLOADED])
        assert states(controller) == {first: "COMPLETED", second: "CHECKED_OUT"}
        with pytest.raises(ArgumentError, match="no step ends RUNNING: give some of CHECKED_OUT"):
            runner.advance_state(["RUNNING"])
        store = runner.get_jobstore(flow.uuid)
        assert store.get_output(one.uuid) == 3
        assert runner.get_jobstore(None) is store
        assert runner.get_host("local").execute("echo $((1 + 1))").stdout.strip() == "2"
        with pytest.raises(ConfigError, match="nowhere"):
            runner.get_host("nowhere")
    finally:
        runner.cleanup()
