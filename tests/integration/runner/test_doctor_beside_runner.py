"""A live runner's work in progress is never taken for damage."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow
from runner_jobs import add, fail, many, total

from controller.config import Project
from controller.doctor import Finding, FindingKind, diagnose
from controller.doctor import diagnosing as diagnosing_module
from controller.jobcontroller import JobController
from controller.runner import Runner

DEADLINE = 120


def test_nothing_is_found_while_a_runner_works(
    tmp_path: Path, store_spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(diagnosing_module, "CONFIRM_AFTER", 0.1)
    outputs = {"type": "EmbeddedStore", "path": str(tmp_path / "outputs.db")}
    local = {"type": "local", "scheduler_type": "shell", "work_dir": str(tmp_path / "work")}
    project = Project.model_validate(
        {
            "name": "beside",
            "base_dir": str(tmp_path),
            "workers": {"local": local},
            "queue": {"store": {**store_spec, "collection_name": "jobs"}},
            "jobstore": {"docs_store": {**outputs, "collection_name": "outputs"}},
        }
    )
    with JobController.from_project(project) as controller:
        controller.reset()
        wide = many(2)
        below = total(wide.output)
        controller.add_flow(Flow([wide, below, add(below.output, 1)]), "local")
        controller.add_flow(Flow([fail()]), "local")
        runner = Runner(project=project, log_level="error")
        thread = threading.Thread(target=lambda: runner.run_until_idle(DEADLINE))
        thread.start()
        looks = 0
        found: list[Finding] = []
        try:
            until = time.monotonic() + DEADLINE
            while thread.is_alive() and time.monotonic() < until:
                found += diagnose(controller).findings
                looks += 1
        finally:
            runner.stop()
            thread.join(DEADLINE)
            runner.cleanup()
        # Only while it registers, and once it has left, is there no runner.
        assert [f.what for f in found if f.kind is not FindingKind.UNATTENDED] == []
        assert looks > 5
        assert diagnose(controller, outputs=True).findings == ()
